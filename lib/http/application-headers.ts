/** What an application set on a response before the file was found: what stands, and what an answer cannot have. */
import type http from 'node:http';

import { parseDate } from './conditions';
import type { HeaderList, Representation } from './plan';

/** These stand instead of what we would say. */
const APPLICATION_WINS = new Set(['cache-control', 'content-type', 'etag', 'last-modified', 'accept-ranges']);

/** Wrong in a 304, which has no content (RFC 9110 section 15.4.5). */
const OF_CONTENT = ['content-encoding', 'content-language', 'content-length', 'content-range', 'content-type'];
/** Wrong with a page in the file's place. */
const OF_FILE = new Set([
  ...OF_CONTENT, 'content-disposition', 'content-location', 'content-md5', 'content-digest', 'repr-digest', 'digest',
  'etag', 'last-modified', 'accept-ranges',
]);
const OF_CACHES = new Set(['cache-control', 'expires']);

/** The representation as an application wants it that has set headers of its own already. */
export function adapted(file: Representation, response: http.ServerResponse): Representation {
  const text = (name: string): string | undefined => {
    const value = response.getHeader(name);
    return value === undefined ? undefined : String(value);
  };
  return {
    ...file,
    ...dated(text('last-modified')),
    acceptRanges: file.acceptRanges && text('accept-ranges')?.toLowerCase() !== 'none',
    contentType: text('content-type') ?? file.contentType,
    etag: text('etag') ?? file.etag,
    unmodified: besides(file.unmodified, response),
    shared: besides(file.shared, response),
    whole: besides(file.whole, response),
  };
}

/** What is sent decides about conditions too; with what is no date nothing can be compared. */
function dated(lastModified: string | undefined): Partial<Representation> {
  if (lastModified === undefined) return {};
  const modifiedSeconds = parseDate(lastModified);
  return modifiedSeconds === undefined ? { lastModified: undefined } : { lastModified, modifiedSeconds };
}

function besides(headers: HeaderList, response: http.ServerResponse): HeaderList {
  const left: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [name = '', value = ''] = headers.slice(i, i + 2);
    if (APPLICATION_WINS.has(name.toLowerCase()) && response.hasHeader(name)) continue;
    left.push(name, name === 'Vary' && response.hasHeader(name) ? merged(response.getHeader(name), value) : value);
  }
  return left;
}

function merged(present: number | string | string[] | undefined, value: string): string {
  const all = [present ?? []].flat().join(', ');
  const names = all.toLowerCase().split(/\s*,\s*/);
  return names.includes('*') || names.includes(value.toLowerCase()) ? all : `${all}, ${value}`;
}

/** Answers what makes the headers again what they are now. */
export function rememberHeaders(response: http.ServerResponse): () => void {
  const before = new Map(Object.entries(response.getHeaders()).map(([name, value]) =>
    [name, Array.isArray(value) ? [...value] : value] as const)); // appendHeader() adds to the array itself
  return () => {
    for (const name of response.getHeaderNames()) if (!before.has(name)) response.removeHeader(name);
    for (const [name, value] of before) {
      if (value !== undefined && String(response.getHeader(name)) !== String(value)) response.setHeader(name, value);
    }
  };
}

/** For a 304. */
export function dropContentHeaders(response: http.ServerResponse): void {
  for (const name of response.getHeaderNames()) if (OF_CONTENT.includes(name)) response.removeHeader(name);
}

/**
 * For a page of ours: what was said of a file is not true of it. An error is not kept as long as the file would be;
 * what forbids to keep it stays.
 */
export function dropFileHeaders(response: http.ServerResponse, isError: boolean): void {
  for (const name of response.getHeaderNames()) {
    const isForCaches = isError && OF_CACHES.has(name) && !/\bno-(store|cache)\b/i.test(String(response.getHeader(name)));
    if (isForCaches || OF_FILE.has(name)) response.removeHeader(name);
  }
}
