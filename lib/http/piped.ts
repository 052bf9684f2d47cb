/**
 * Files that are piped into a response, by whatever framework: `pipe()` and `pipeline()` emit 'pipe', and from then on
 * the stream's first read is ours. It sends the file by sendfile, or a small one in one piece, and says to the stream
 * that this was all; or it lets the stream run, for a reason. All else goes on as Node has it.
 *
 * Three things are put right, whichever way a file goes: a stream whose response has gone is destroyed, so that its
 * descriptor is closed; never a byte more is sent than was announced; and a connection on which less was sent is cut,
 * because its client would wait for ever.
 */
import fs from 'node:fs';
import http from 'node:http';
import type http2 from 'node:http2';
import type net from 'node:net';
import type stream from 'node:stream';

import { prematureClose } from '../errors';
import { sendHeadAtOnce } from '../transfer/at-once';
import { openedFile } from '../transfer/file-source';
import { announcedLength, countBody, hasBody, hasHeadLeft } from '../transfer/head';
import { routeTo, whyNotResponse, type Route } from '../transfer/output';
import type { Source } from '../transfer/source';
import { sendToResponse } from '../transfer/to-response';
import { Transfer } from '../transfer/transfer';
import type { ByteRange } from '../validate';
import {
  advance, atFirstRead, isAbandoned, isAwaited, isFileStream, limit, rangeOf, whenDestroyed, whyNotStream,
  type FileStream,
} from './file-stream';
import { closeOnThisThread, openOnThisThread } from './file-stream-descriptor';
import { countAtOnce, countFallback, countSendfile, logCut, type ServingFallback } from './transfers';

export interface PipedOptions {
  /** Bodies up to this length leave in one write with their head, bytes. */
  readonly inlineLimit: number;
}

/** What is to be sent of a file, and where. */
interface Body {
  readonly route: Extract<Route, { kind: 'response' }>;
  readonly source: Source;
  readonly range: ByteRange;
  readonly facts: fs.Stats;
}

/** A listener for the 'pipe' event of responses. */
export function onPipe({ inlineLimit }: PipedOptions): (this: http.ServerResponse, source: stream.Readable) => void {
  return function (source) {
    if (!isFileStream(source) || isAwaited(source)) return;
    closeWith(this, source);
    openOnThisThread(source);
    atFirstRead(source, (wanted) => begin(source, this, inlineLimit, wanted));
  };
}

/** Answers how many bytes the stream is to read by itself; 0 when all is done, or under way. */
function begin(file: FileStream, response: http.ServerResponse, inlineLimit: number, wanted: number): number {
  const body = choose(file, response);
  if (typeof body === 'string') {
    keepToLength(file, response);
    countFallback(response, body);
    return wanted;
  }
  const { route, source, range } = body;
  const way = range.length <= inlineLimit ? 'inline' : 'sendfile';
  const transfer = new Transfer({ signal: undefined, onProgress: undefined });
  const hadHeadLeft = hasHeadLeft(response);
  if (range.length > 0) sendHeadAtOnce(response, route.socket, source, range, transfer);
  if (transfer.sent === range.length) {
    countAtOnce(way, range.length);
    finish(file, body);
    return 0;
  }
  if (way === 'sendfile' || hasHeadLeft(response) !== hadHeadLeft) {
    void send(file, body, transfer);
    return 0;
  }
  keepToLength(file, response);
  countAtOnce('inline', range.length);
  limit(file, range.length);
  return Math.max(wanted, range.length);
}

/** All has left. */
function finish(file: FileStream, { route, range, facts }: Body): void {
  countBody(route.response, range.length);
  advance(file, range.length);
  // The last close of a file without a name frees its blocks, which takes its time.
  if (facts.nlink > 0) closeOnThisThread(file);
  file.push(null);
}

function choose(file: FileStream, response: http.ServerResponse): Body | ServingFallback {
  const { fd } = file;
  const reason = whyNotNow(file, response);
  if (reason !== undefined || fd === null) return reason ?? 'closed';
  const facts = fs.fstatSync(fd);
  if (!facts.isFile()) return 'not-a-file';
  const left = hasHeadLeft(response);
  // Code that looks at the head when it is made (on-headers) may change what follows: make it, then look again.
  if (!response.headersSent) response.writeHead(response.statusCode);
  const range = rangeToSend(rangeOf(file, facts.size), announcedLength(response), left);
  if (typeof range === 'string') return range;
  const route = routeTo(response);
  if (route.kind !== 'response') return route.kind === 'stream' ? route.reason : 'no-descriptor';
  return { route, source: openedFile(fd, facts.size, String(file.path)), range, facts };
}

function whyNotNow(file: FileStream, response: http.ServerResponse): ServingFallback | undefined {
  const route = routeTo(response);
  if (response.destroyed || response.writableEnded) return 'closed';
  if (!hasBody(response)) return 'no-body';
  if (route.kind === 'stream') return route.reason;
  if (announcedLength(response) === undefined) return 'no-length';
  return whyNotStream(file, response);
}

/**
 * Exactly what was announced; of a head that left before, this may be one part. A file that is shorter by now goes as
 * far as it goes, and then the connection is cut.
 */
function rangeToSend(
  { offset, length }: ByteRange, announced: number | undefined, left: boolean,
): ByteRange | ServingFallback {
  if (announced === undefined) return 'no-length';
  if (announced > length && !left) return 'length';
  return { offset, length: Math.min(length, announced) };
}

/** What has not left at once. */
async function send(file: FileStream, { route, source, range }: Body, transfer: Transfer): Promise<void> {
  let ended = false;
  const stop = (): void => { if (!ended) transfer.stop(prematureClose()); };
  const onUnpipe = (unpiped: unknown): void => { if (unpiped === file) stop(); };
  whenDestroyed(file, stop);
  route.response.on('unpipe', onUnpipe);
  try {
    await countSendfile(transfer, transfer.run(() => sendToResponse(route, { source, wanted: range }, transfer)));
    ended = true;
    advance(file, range.length);
    file.push(null);
  } catch (error) {
    // The connection is cut by now, which ends the stream too; to an error of it perhaps nobody listens.
    logCut(route.response, (error as Error).message);
  } finally {
    route.response.off('unpipe', onUnpipe);
  }
}

/** Destroys a stream that nobody takes bytes of any more, because its response has ended before it. */
function closeWith(response: http.ServerResponse, file: FileStream): void {
  const close = (): void => {
    file.unpipe(response);
    if (file.autoClose !== false && !file.readableEnded && isAbandoned(file)) file.destroy();
  };
  if (isOver(response)) {
    close();
    return;
  }
  response.once('close', close);
  const forget = isPipelined(response) ? whenClosed(response.req.socket, close) : undefined;
  file.once('close', () => {
    response.off('close', close);
    forget?.();
  });
}

function isOver(response: http.ServerResponse): boolean {
  if (response instanceof http.ServerResponse) return response.closed || response.req.socket.destroyed;
  return (response as unknown as http2.Http2ServerResponse).stream.destroyed;
}

/** Behind another response: it has no socket yet. */
function isPipelined(response: http.ServerResponse): boolean {
  return response instanceof http.ServerResponse && response.socket === null;
}

/** Those that wait for the end of a connection: any number, so they share one listener. */
const waitingForClose = new WeakMap<net.Socket, Set<() => void>>();

/** A pipelined response that has no socket yet does not hear when that closes. Answers how to wait no more. */
function whenClosed(socket: net.Socket, close: () => void): () => void {
  const waiting = waitingForClose.get(socket) ?? new Set();
  if (!waitingForClose.has(socket)) {
    waitingForClose.set(socket, waiting);
    socket.once('close', () => { for (const end of waiting) end(); });
  }
  waiting.add(close);
  return () => waiting.delete(close);
}

/**
 * Before the first read of a stream that runs by itself, or is sent as one piece: it sends no more than was announced,
 * and when the response ends with less, the connection is cut.
 */
function keepToLength(file: FileStream, response: http.ServerResponse): void {
  if (whyNotResponse(response) !== undefined || whyNotStream(file, response) !== undefined) return;
  const announced = hasBody(response) ? announcedLength(response) : 0;
  const { socket } = response;
  if (announced === undefined || socket === null || hasHeadLeft(response)) return;
  limit(file, announced);
  const before = socket.bytesWritten;
  response.once('prefinish', () => {
    const { _header: head } = response as unknown as { _header?: string | null };
    if (socket.bytesWritten - before >= announced + (head?.length ?? 0)) return;
    logCut(response, `it ended before the ${String(announced)} bytes that it announced`);
    socket.destroy();
  });
}
