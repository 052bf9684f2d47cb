/** What the head of an answer says about a file; pure. */
import mime from 'mime-types';
import path from 'node:path';

import type { Encoding } from './encodings';
import type { Representation } from './plan';

/** What options say about heads. */
export interface HeadPolicy {
  readonly etag: boolean;
  readonly lastModified: boolean;
  readonly acceptRanges: boolean;
  readonly cacheControl: string;
  /** Answers depend on Accept-Encoding. */
  readonly varies: boolean;
}

/** Of an open file: fstat(2). */
export interface FileVersion {
  readonly size: number;
  readonly modifiedSeconds: number;
  readonly modifiedNanoseconds: number;
}

/** `name` is the one that was asked for; the file has `encoding` where it is a precompressed one. */
export function represent(
  name: string, version: FileVersion, encoding: Encoding | undefined, policy: HeadPolicy,
): Representation {
  const { size, modifiedSeconds } = version;
  const contentType = contentTypeOf(name);
  const etag = policy.etag ? entityTag(version, encoding) : undefined;
  const lastModified = policy.lastModified ? new Date(modifiedSeconds * 1000).toUTCString() : undefined;
  const unmodified = ['Cache-Control', policy.cacheControl];
  if (lastModified !== undefined) unmodified.push('Last-Modified', lastModified);
  if (etag !== undefined) unmodified.push('ETag', etag);
  if (policy.varies) unmodified.push('Vary', 'Accept-Encoding');
  const shared = encoding === undefined ? unmodified : [...unmodified, 'Content-Encoding', encoding];
  const whole = ['Content-Type', contentType, 'Content-Length', String(size), ...shared];
  if (policy.acceptRanges) whole.push('Accept-Ranges', 'bytes');
  const { acceptRanges } = policy;
  return { size, contentType, unmodified, shared, whole, acceptRanges, etag, lastModified, modifiedSeconds };
}

function contentTypeOf(name: string): string {
  const found = mime.contentType(path.posix.extname(name));
  return found === false ? 'application/octet-stream' : found;
}

/**
 * Strong, as nginx's: If-Range takes no other. Two versions of a file with the same size and time, to the
 * nanosecond, would be one; the same name in two encodings is two.
 */
function entityTag(version: FileVersion, encoding: Encoding | undefined): string {
  const { size, modifiedSeconds, modifiedNanoseconds } = version;
  const time = `${modifiedSeconds.toString(16)}.${modifiedNanoseconds.toString(16)}`;
  return `"${time}-${size.toString(16)}${encoding === undefined ? '' : `-${encoding}`}"`;
}
