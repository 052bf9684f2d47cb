/** To a descriptor of the caller's: a pipe, a socket, a regular file, written at its position. */
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { valueOrThrow } from '../errors';
import { native } from '../native';
import type { ByteRange } from '../validate';
import { promised } from './file-calls';
import { hasPump } from './jobs';
import type { FallbackReason } from './output';
import { PIECE } from './pieces';
import type { Payload, Source } from './source';
import type { Transfer } from './transfer';

/** The last transfer to each descriptor: two at a time would mix at its position. Settles when that is over. */
const newest = new Map<number, Promise<void>>();

/** In the order of the calls. The number may be closed, and mean another file, when the turn comes: `fd` is copied. */
export async function sendToDescriptor(fd: number, payload: Payload, transfer: Transfer): Promise<void> {
  const own = valueOrThrow(native.duplicateDescriptor(fd));
  const before = newest.get(fd);
  const sending = sendInTurn(own, before, payload, transfer).finally(() => { native.closeDescriptor(own); });
  const over = sending.then(() => undefined, () => undefined);
  newest.set(fd, over);
  try {
    await sending;
  } finally {
    if (newest.get(fd) === over) newest.delete(fd);
  }
}

async function sendInTurn(
  fd: number, before: Promise<void> | undefined, { source, wanted }: Payload, transfer: Transfer,
): Promise<void> {
  // Without a wait where there is none: a mapping is held from here on, whatever becomes of it after the call.
  if (before !== undefined) await before;
  const opened = source instanceof Promise ? await source : source;
  transfer.throwIfStopped();
  const range = opened.range(wanted);
  if (range.length === 0) return;
  if (hasPump()) await transfer.pump(fd, opened, range);
  else await writePieces(fd, opened, range, transfer);
}

/** Where there is no pump: read and written piece by piece, on Node's thread pool. */
async function writePieces(fd: number, source: Source, range: ByteRange, transfer: Transfer): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE, range.length));
  while (transfer.sent < range.length) {
    const left = Math.min(PIECE, range.length - transfer.sent);
    const length = await source.read(buffer.subarray(0, left), range.offset + transfer.sent);
    if (length === 0) throw source.shortage(range, transfer.sent);
    for (let done = 0; done < length;) {
      transfer.throwIfStopped();
      const written = await writeSome(fd, buffer.subarray(done, length));
      done += written;
      transfer.add(written);
    }
  }
}

/** Milliseconds until a pipe that was full is tried again: nothing tells here when it is not. */
const FULL = 5;

async function writeSome(fd: number, bytes: Buffer): Promise<number> {
  try {
    return await promised<number>((done) => { fs.write(fd, bytes, 0, bytes.length, null, done); });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    await sleep(FULL);
    return 0;
  }
}

export function whyNotDescriptor(): FallbackReason | undefined {
  return hasPump() ? undefined : 'platform';
}
