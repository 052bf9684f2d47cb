/** To a descriptor of the caller's: a pipe, a socket, a regular file, written at its position. */
import { hasPump } from './jobs';
import type { FallbackReason } from './output';
import type { Payload } from './sendfile';
import type { Transfer } from './transfer';

export async function sendToDescriptor(fd: number, { source, wanted }: Payload, transfer: Transfer): Promise<void> {
  const opened = source instanceof Promise ? await source : source;
  const range = opened.range(wanted);
  transfer.throwIfStopped();
  if (range.length > 0) await transfer.pump(fd, opened, range);
}

export function whyNotDescriptor(): FallbackReason | undefined {
  return hasPump() ? undefined : 'platform';
}
