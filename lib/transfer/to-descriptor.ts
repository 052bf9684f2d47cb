/** To a descriptor of the caller's: a pipe, a socket, a regular file, written at its position. */
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ByteRange } from '../validate';
import { Duplicate } from './duplicate';
import { promised } from './file-calls';
import { hasPump } from './jobs';
import type { FallbackReason, Route } from './output';
import { PIECE } from './pieces';
import type { Payload, Source } from './source';
import type { Transfer } from './transfer';

type DescriptorRoute = Extract<Route, { kind: 'descriptor' }>;

/** The last transfer to each open file: two at a time would mix at its position. Settles when that is over. */
const newest = new Map<string, Promise<void>>();

/** In the order of the calls. */
export async function sendToDescriptor(
  { fd, file }: DescriptorRoute, payload: Payload, transfer: Transfer,
): Promise<void> {
  const name = nameOf(fd);
  const own = new Duplicate(fd, file);
  const before = newest.get(name);
  const sending = sendInTurn(own.fd, before, payload, transfer).finally(() => { own.close(); });
  const over = sending.then(() => undefined, () => undefined);
  newest.set(name, over);
  try {
    await sending;
  } finally {
    if (newest.get(name) === over) newest.delete(name);
  }
}

/** Of an open file, as well as can be told: its number alone may have been another's at the last call. */
function nameOf(fd: number): string {
  const { dev, ino } = fs.fstatSync(fd, { bigint: true });
  return `${String(fd)} ${String(dev)} ${String(ino)}`;
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
