/**
 * What leaves in this turn of the event loop, before any thread is asked: the cached beginning of a file, and the head
 * of a response in the same segment.
 */
import type http from 'node:http';
import type net from 'node:net';

import type { ByteRange } from '../validate';
import { descriptorOf } from './output';
import { countBeside } from './socket-state';
import type { Source } from './source';
import type { Transfer } from './transfer';
import { isTakingTurns } from './turn';

/** What node:http keeps of a response that is not public. */
interface MessageState {
  readonly _header: string;
  _headerSent: boolean;
  readonly outputData: readonly unknown[];
}

/** Sends what of `head` (latin1) and `range` leaves now, and counts it; answers how much of the head left. */
export function sendAtOnce(
  socket: net.Socket, head: string, source: Source, range: ByteRange, transfer: Transfer,
): number {
  const fd = descriptorOf(socket);
  if (fd === undefined) return 0;
  const sent = source.sendInline(fd, head, range);
  if (sent === 0) return 0;
  countBeside(socket, sent);
  const ofHead = Math.min(sent, head.length);
  transfer.add(sent - ofHead);
  return ofHead;
}

/**
 * The head of `response`, which was made and has not left, and what leaves at once of its body. Does nothing where
 * something else goes first: then Node writes the head when its turn comes.
 */
export function sendHeadAtOnce(
  response: http.ServerResponse, socket: net.Socket, source: Source, range: ByteRange, transfer: Transfer,
): void {
  const state = response as unknown as MessageState;
  if (state._headerSent || state.outputData.length > 0 || !isNext(response, socket)) return;
  const left = sendAtOnce(socket, state._header, source, range, transfer);
  if (left === 0) return;
  state._headerSent = true;
  // The socket took a part of the head only.
  if (left < state._header.length) socket.write(state._header.slice(left), 'latin1');
}

/** Nothing that was written to the socket waits, and the response is the one that may write. */
function isNext(response: http.ServerResponse, socket: net.Socket): boolean {
  const { _httpMessage: current } = socket as unknown as { _httpMessage?: http.ServerResponse | null };
  return response.socket === socket && current === response && socket.writable && !socket.connecting &&
    socket.writableLength === 0 && socket.writableCorked === 0 && !isTakingTurns(socket);
}
