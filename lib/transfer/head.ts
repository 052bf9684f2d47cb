/**
 * The head of a response, as far as it says how many bytes follow: of node:http, and of node:http2's compatible API.
 */
import type http from 'node:http';

import { invalidArgValue } from '../errors';
import type { ByteRange } from '../validate';
import { shortFile, type Source } from './source';

const LENGTH_LINE = /\r\ncontent-length: *(\d+)\r\n/i;

/** The Content-Length of a response, whether its head was made or not; bytes. */
export function announcedLength(response: http.ServerResponse): number | undefined {
  const { _header: head } = response as unknown as { _header?: string | null };
  if (typeof head === 'string') {
    const found = LENGTH_LINE.exec(head)?.[1];
    return found === undefined ? undefined : Number(found);
  }
  const header = response.getHeader('content-length');
  return header === undefined ? undefined : Number(header);
}

/** Announces the length, or checks what was announced. */
export function announce(response: http.ServerResponse, source: Source, range: ByteRange): void {
  const announced = announcedLength(response);
  // A head that left may announce more: this is one part of its body then, as in multipart/byteranges.
  if (announced !== undefined && (hasHeadLeft(response) ? range.length > announced : range.length !== announced)) {
    throw invalidArgValue('Content-Length', announced, `must be the length that is sent, ${String(range.length)}`);
  }
  if (source.isShorterThan(range)) throw shortFile(source.path, range.length, 0);
  if (announced !== undefined || response.headersSent || isWithoutLength(response)) return;
  if (!response.hasHeader('transfer-encoding')) response.setHeader('Content-Length', range.length);
}

/** headersSent is true from writeHead() on, though the head may still wait for the first bytes. */
export function hasHeadLeft(response: http.ServerResponse): boolean {
  return (response as unknown as { _headerSent?: boolean })._headerSent ?? response.headersSent;
}

function isWithoutLength({ statusCode }: http.ServerResponse): boolean {
  return statusCode === 204 || statusCode === 304 || statusCode < 200;
}

/**
 * Body bytes that Node does not see. Where it compares them with Content-Length it counts them in a property of its
 * own; if that should get another name the comparison is switched off.
 */
export function countBody(response: http.ServerResponse, bytes: number): void {
  if (!response.strictContentLength) return;
  const counter = Object.getOwnPropertySymbols(response).find(({ description }) => description === 'kBytesWritten');
  if (counter === undefined) response.strictContentLength = false;
  else Reflect.set(response, counter, (Reflect.get(response, counter) as number) + bytes);
}

export function hasBody(response: http.ServerResponse): boolean {
  const { req } = response as unknown as { req?: http.IncomingMessage };
  return req?.method !== 'HEAD' && !isWithoutLength(response);
}
