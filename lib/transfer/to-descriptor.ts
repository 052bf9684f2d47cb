/** To a descriptor of the caller's: a pipe, a socket, a regular file, written at its position. */
import { valueOrThrow } from '../errors';
import { native } from '../native';
import { hasPump } from './jobs';
import type { FallbackReason } from './output';
import type { Payload } from './sendfile';
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
  if (range.length > 0) await transfer.pump(fd, opened, range);
}

export function whyNotDescriptor(): FallbackReason | undefined {
  return hasPump() ? undefined : 'platform';
}
