/**
 * The file: records of 1 KiB, as a device might log them.
 *
 *     0         8         16        24                                  1024
 *     | id: <Q  | time:<Q | value:<d| payload: bytes that do not repeat |
 */
import { createHash, randomFillSync } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync, statfsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import type { Mapping, MemoryView } from 'zerocopy';

import { bytes, Progress } from './terminal';
import { notEnoughSpace } from './options';

export const RECORD = 1024;
const HEADER = 24;
const CHUNK = 4 * 1024 * 1024;
const EPOCH = 1_700_000_000_000_000_000n;

/** Writes a file of `size` bytes; answers its SHA-256, taken of the bytes before they were written. */
export async function makeFile(file: string, size: number): Promise<string> {
  checkSpace(path.dirname(file), size);
  const hash = createHash('sha256');
  const progress = new Progress('Making records');
  const handle = await open(file, 'wx');
  try {
    for (let done = 0; done < size; done += CHUNK) {
      const chunk = makeRecords(done / RECORD).subarray(0, Math.min(CHUNK, size - done));
      hash.update(chunk);
      await writeAll(handle, chunk);
      progress.update(done, size, `${bytes(done)} of ${bytes(size)}`);
    }
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOSPC' ? notEnoughSpace(path.dirname(file), size) : error;
  } finally {
    progress.end();
    await handle.close();
  }
  return hash.digest('hex');
}

async function writeAll(handle: Awaited<ReturnType<typeof open>>, chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten;
}

function checkSpace(folder: string, size: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < size) throw notEnoughSpace(folder, size, bavail * bsize);
}

function makeRecords(firstId: number): Buffer {
  const chunk = randomFillSync(Buffer.allocUnsafe(CHUNK));
  for (let at = 0, id = firstId; at < CHUNK; at += RECORD, id++) {
    chunk.writeBigUInt64LE(BigInt(id), at);
    chunk.writeBigUInt64LE(EPOCH + BigInt(id) * 1_000_003n, at + 8);
    chunk.writeDoubleLE(Math.sin(id) * 1000, at + 16);
  }
  return chunk;
}

/** The SHA-256 of a file, read as a stream. */
export async function hashFile(file: string, size: number): Promise<string> {
  const hash = createHash('sha256');
  const progress = new Progress(`Reading ${path.basename(file)}`);
  let done = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    done += chunk.length;
    progress.update(done, size, `${bytes(done)} of ${bytes(size)}`);
  }
  progress.end();
  return hash.digest('hex');
}

/** Reads `count` records from all over the file through views and compares each with what read(2) finds there. */
export function readRecords(mapping: Mapping, file: string, count: number): void {
  const view = mapping.view();
  const records = Math.floor(mapping.byteLength / RECORD);
  const fd = openSync(file, 'r');
  try {
    for (let i = 0; i < count; i++) {
      const at = Math.floor((i / count) * records) * RECORD;
      compare(view.slice(at, at + RECORD), readHeader(fd, at), at);
    }
  } finally {
    closeSync(fd);
  }
}

const header = Buffer.alloc(HEADER);

function readHeader(fd: number, at: number): Buffer {
  readSync(fd, header, 0, HEADER, at);
  return header;
}

function compare(record: MemoryView, expected: Buffer, at: number): void {
  const integers = record.slice(0, 16).cast('<Q');
  const value = record.slice(16, HEADER).cast('<d').get(0);
  if (integers.get(0) !== expected.readBigUInt64LE(0) || integers.get(1) !== expected.readBigUInt64LE(8) ||
    !Object.is(value, expected.readDoubleLE(16))) {
    throw new Error(`the record at byte ${String(at)} reads differently through the view and by read(2)`);
  }
}
