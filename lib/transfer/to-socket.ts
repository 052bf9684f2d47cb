/** To a plain socket: when its turn comes what is cached leaves at once, the rest by the pump. */
import type net from 'node:net';

import { notWritable, prematureClose } from '../errors';
import type { ByteRange } from '../validate';
import { sendAtOnce } from './at-once';
import { descriptorOf } from './output';
import { destroySocket, watched } from './socket-state';
import type { Payload, Source } from './source';
import type { Transfer } from './transfer';
import { inTurn } from './turn';

export async function sendToSocket(socket: net.Socket, { source, wanted }: Payload, transfer: Transfer): Promise<void> {
  refuseEnded(socket);
  const write = (marker: Buffer, done: (error?: Error | null) => void): void => { socket.write(marker, done); };
  await inTurn(socket, write, async () => {
    const opened = source instanceof Promise ? await source : source;
    await sendNow(socket, opened, opened.range(wanted), transfer);
  });
}

/** A write to what has ended would emit an error that perhaps nobody listens to. */
export function refuseEnded(output: { readonly destroyed: boolean; readonly writableEnded: boolean }): void {
  if (output.destroyed || output.writableEnded) throw notWritable(output.destroyed);
}

/** In its turn. Destroys the socket when only a part of `range` left, for the peer expects the rest. */
export async function sendNow(socket: net.Socket, source: Source, range: ByteRange, transfer: Transfer): Promise<void> {
  transfer.throwIfStopped();
  if (range.length === 0) return;
  if (socket.connecting) await connected(socket);
  transfer.throwIfStopped();
  if (transfer.sent === 0) sendAtOnce(socket, '', source, range, transfer);
  if (transfer.sent === range.length) return;
  try {
    await watched(socket, transfer, () => sendBytes(socket, source, range, transfer));
  } catch (error) {
    const fromPeer = !transfer.isStopped && error instanceof Error && 'syscall' in error;
    if (fromPeer) destroySocket(socket, error);
    else if (transfer.sent > 0) destroySocket(socket);
    throw error;
  }
}

async function sendBytes(socket: net.Socket, source: Source, range: ByteRange, transfer: Transfer): Promise<void> {
  const fd = descriptorOf(socket);
  if (fd === undefined) throw socket.errored ?? prematureClose();
  await transfer.pump(fd, source, range);
}

function connected(socket: net.Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      socket.off('connect', settle).off('close', settle);
      if (descriptorOf(socket) === undefined) reject(socket.errored ?? prematureClose());
      else resolve();
    };
    socket.once('connect', settle).once('close', settle);
  });
}
