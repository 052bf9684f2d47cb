/**
 * What Node knows about a socket, kept true while bytes leave that Node does not see: `bytesWritten`, the idle timeout,
 * and the end of the socket.
 */
import type net from 'node:net';

import { prematureClose } from '../errors';
import type { Transfer } from './transfer';

interface Handle {
  readonly bytesWritten: number;
}

/** Bytes per handle that left without it. */
const uncounted = new WeakMap<Handle, { bytes: number; current: Transfer | undefined; before: number }>();

/** How often the acknowledged bytes are looked at, milliseconds: a fraction of the timeout, within reason. */
const SHORTEST_CHECK = 20;
const LONGEST_CHECK = 500;
const CHECKS_PER_TIMEOUT = 4;

function countOf(handle: Handle): { bytes: number; current: Transfer | undefined; before: number } {
  const present = uncounted.get(handle);
  if (present !== undefined) return present;
  const count = { bytes: 0, current: undefined as Transfer | undefined, before: 0 };
  uncounted.set(handle, count);
  const prototype = Object.getPrototypeOf(handle) as object;
  Object.defineProperty(handle, 'bytesWritten', {
    configurable: true,
    get() {
      const live = count.current === undefined ? 0 : count.current.sent - count.before;
      return (Reflect.get(prototype, 'bytesWritten', handle) as number) + count.bytes + live;
    },
  });
  return count;
}

/** Counts bytes that have left without Node. They are activity. */
export function countBeside(socket: net.Socket, bytes: number): void {
  const { _handle: handle } = socket as unknown as { _handle: Handle | null };
  if (handle !== null) countOf(handle).bytes += bytes;
  if (timeoutOf(socket) > 0) socket.setTimeout(timeoutOf(socket));
}

/** Watches `socket` while `work` sends on it beside Node. */
export async function watched(socket: net.Socket, transfer: Transfer, work: () => Promise<void>): Promise<void> {
  const { _handle: handle } = socket as unknown as { _handle: Handle | null };
  const count = handle === null ? undefined : countOf(handle);
  const before = transfer.sent;
  if (count !== undefined) Object.assign(count, { current: transfer, before });
  const stopWatching = keepAlive(socket, transfer);
  const onClose = (): void => { transfer.stop(socket.errored ?? prematureClose()); };
  socket.once('close', onClose);
  try {
    await work();
  } finally {
    stopWatching();
    socket.off('close', onClose);
    if (count !== undefined) Object.assign(count, { current: undefined, bytes: count.bytes + transfer.sent - before });
  }
}

/**
 * Progress is activity: a slow reader that acknowledges bytes is not idle, though Node writes nothing. The timeout may
 * be set at any time, so it is asked for at each check.
 */
function keepAlive(socket: net.Socket, transfer: Transfer): () => void {
  let seen = transfer.acknowledged;
  let timer: NodeJS.Timeout | undefined;
  const check = (): void => {
    const { acknowledged } = transfer;
    if (acknowledged > seen && timeoutOf(socket) > 0) socket.setTimeout(timeoutOf(socket));
    seen = Math.max(seen, acknowledged);
    schedule();
  };
  const schedule = (): void => {
    const wanted = timeoutOf(socket) > 0 ? timeoutOf(socket) / CHECKS_PER_TIMEOUT : LONGEST_CHECK;
    timer = setTimeout(check, Math.min(Math.max(wanted, SHORTEST_CHECK), LONGEST_CHECK)).unref();
  };
  schedule();
  return () => { clearTimeout(timer); };
}

function timeoutOf(socket: net.Socket): number {
  return socket.timeout ?? 0;
}

/** Ends a connection whose stream has a hole. An error that nobody listens to is not emitted. */
export function destroySocket(socket: net.Socket, error?: Error): void {
  if (error !== undefined && socket.listenerCount('error') > 0) socket.destroy(error);
  else socket.destroy();
}
