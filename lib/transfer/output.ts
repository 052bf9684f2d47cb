/**
 * Which way bytes can go to an output: by sendfile, or why not.
 */
import http from 'node:http';
import net from 'node:net';
import type stream from 'node:stream';
import { isProxy } from 'node:util/types';

import { invalidArgType } from '../errors';
import { openDescriptor, type FileHandleLike } from '../files';
import { announcedLength } from './head';
import { hasPump } from './jobs';
import { isTakingTurns } from './turn';

/** Where a file can be sent. A descriptor or FileHandle is written at its position, and stays the caller's. */
export type SendfileOutput = net.Socket | http.ServerResponse | stream.Writable | FileHandleLike | number;

/** Why a transfer does not leave by sendfile; 'memory' is about what is sent. docs/serving.md explains them. */
export type FallbackReason =
  | 'tls' | 'http2' | 'proxy' | 'patched' | 'chunked' | 'not-a-socket' | 'no-descriptor' | 'platform' | 'memory';

export type Route =
  | { readonly kind: 'descriptor'; readonly fd: number; readonly file: FileHandleLike | number }
  | { readonly kind: 'socket'; readonly socket: net.Socket }
  | { readonly kind: 'response'; readonly response: http.ServerResponse; readonly socket: net.Socket }
  | { readonly kind: 'stream'; readonly stream: stream.Writable; readonly reason: FallbackReason };

/** The descriptor behind a socket; undefined while it has none. */
export function descriptorOf(socket: net.Socket): number | undefined {
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: number } | null };
  return typeof handle?.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined;
}

/** Throws ERR_INVALID_ARG_TYPE for what is no output, EBADF for a closed FileHandle. */
export function routeTo(out: SendfileOutput): Route {
  if (isWritable(out)) return routeToStream(out);
  const fd = openDescriptor(out, 'out', 'sendfile');
  if (fd !== undefined) return { kind: 'descriptor', fd, file: out as FileHandleLike | number };
  throw invalidArgType('out', 'a net.Socket, http.ServerResponse, stream.Writable, FileHandle or file descriptor', out);
}

/** By what it can do: streams of other realms and of npm packages are Writables too. FileHandle has no `end`. */
function isWritable(out: unknown): out is stream.Writable {
  if (typeof out !== 'object' || out === null) return false;
  const { write, end, on } = out as Partial<stream.Writable>;
  return typeof write === 'function' && typeof end === 'function' && typeof on === 'function';
}

function routeToStream(out: stream.Writable): Route {
  if (isProxy(out)) return { kind: 'stream', stream: out, reason: 'proxy' };
  if (out instanceof http.ServerResponse) return routeToResponse(out as http.ServerResponse);
  if (!(out instanceof net.Socket)) {
    return { kind: 'stream', stream: out, reason: isHttp2(out) ? 'http2' : 'not-a-socket' };
  }
  const reason = whyNotSocket(out);
  return reason === undefined ? { kind: 'socket', socket: out } : { kind: 'stream', stream: out, reason };
}

function isHttp2(out: object): boolean {
  return 'stream' in out || 'headRequest' in out;
}

/** A pipelined response gets its socket later; its request has it already. */
function socketOfResponse(response: http.ServerResponse): net.Socket | undefined {
  const { req } = response as unknown as { req?: http.IncomingMessage };
  return response.socket ?? req?.socket;
}

function routeToResponse(response: http.ServerResponse): Route {
  const socket = socketOfResponse(response);
  const reason = whyNotResponse(response) ?? (socket === undefined ? 'no-descriptor' : whyNotSocket(socket));
  if (reason === undefined && socket !== undefined) return { kind: 'response', response, socket };
  return { kind: 'stream', stream: response, reason: reason ?? 'no-descriptor' };
}

/** What middleware that transforms the bytes replaces; compared name by name, for a list of names costs more. */
interface ResponseMethods {
  readonly write: unknown;
  readonly end: unknown;
  readonly _send: unknown;
  readonly _writeRaw: unknown;
}

interface SocketMethods {
  readonly write: unknown;
  readonly end: unknown;
  readonly _write: unknown;
  readonly _writev: unknown;
}

function isPatchedResponse(response: http.ServerResponse): boolean {
  const { write, end, _send, _writeRaw } = response as unknown as ResponseMethods;
  const plain = http.OutgoingMessage.prototype as unknown as ResponseMethods;
  return write !== plain.write || _send !== plain._send || _writeRaw !== plain._writeRaw ||
    end !== http.ServerResponse.prototype.end;
}

/** But for the methods that {@link isTakingTurns} says are ours. */
function isPatchedSocket(socket: net.Socket): boolean {
  const { write, end, _write, _writev } = socket as unknown as SocketMethods;
  const plain = net.Socket.prototype as unknown as SocketMethods;
  if (write !== plain.write || end !== plain.end) return true;
  return (_write !== plain._write || _writev !== plain._writev) && !isTakingTurns(socket);
}

/** Also after the head was made: then it must announce a length, for chunks have a frame of their own. */
export function whyNotResponse(response: http.ServerResponse): FallbackReason | undefined {
  if (isPatchedResponse(response)) return 'patched';
  if (response.hasHeader('transfer-encoding') && !response.headersSent) return 'chunked';
  if (response.headersSent && announcedLength(response) === undefined) return 'chunked';
  return undefined;
}

/**
 * True when the callback of a write says that its bytes are needed no longer: of Node's own TLS. Any other stream may
 * keep what it was given.
 */
export function isDoneWhenWritten(output: stream.Writable): boolean {
  const response = output instanceof http.ServerResponse ? output as http.ServerResponse : undefined;
  const socket = response === undefined ? output : socketOfResponse(response);
  if (!(socket instanceof net.Socket) || isProxy(socket) || !('encrypted' in socket)) return false;
  if (response !== undefined && (isProxy(response) || whyNotResponse(response) !== undefined)) return false;
  return !isPatchedSocket(socket);
}

function whyNotSocket(socket: net.Socket): FallbackReason | undefined {
  if (isProxy(socket)) return 'proxy';
  if ('encrypted' in socket && socket.encrypted) return 'tls';
  if (isPatchedSocket(socket)) return 'patched';
  if (!hasPump()) return 'platform';
  if (!socket.connecting && !socket.destroyed && descriptorOf(socket) === undefined) return 'no-descriptor';
  return undefined;
}
