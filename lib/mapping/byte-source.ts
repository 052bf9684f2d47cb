/**
 * A mapping in the shape that libraries ask of a remote file, so that one on this machine and one behind HTTP ranges
 * are interchangeable: hyparquet's AsyncBuffer, PMTiles' Source, and readers that take a function (offset, length).
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { invalidArgType } from '../errors';
import { optionalWholeNumber, wholeNumber, type ByteRange } from '../validate';
import { toSlice } from '../view/layout';
import { Mapping } from './mapping';

/**
 * Bytes to be had by range. Each method reads pages in on the thread pool before it looks at them, so that the event
 * loop never waits for the disk; each rejects with ERR_MAPPING_CLOSED after close(), with ERR_MAPPING_FAULT where the
 * file was cut, and for bad arguments (ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE). They need no `this`.
 */
export interface ByteSource {
  /** Bytes in all. */
  readonly byteLength: number;
  /**
   * A copy of [start, end), as ArrayBuffer#slice takes them: negative ones count from the end, both are clamped. An
   * ArrayBuffer begins where its memory does, so a part of the mapping cannot be one without a copy: see `read`.
   */
  slice(start?: number, end?: number): Promise<ArrayBuffer>;
  /** Where the bytes come from, the same for the same bytes and no others: a file: URL, with the range of a part. */
  getKey(): string;
  /** A copy of `length` bytes from `offset` on; fewer at the end, as HTTP ranges have it. `signal` stops reading. */
  getBytes(offset: number, length: number, signal?: AbortSignal): Promise<{ data: ArrayBuffer }>;
  /**
   * The same bytes without a copy: the array shares the mapping's memory. Default: from 0, to the end.
   * Rejects with ERR_BUFFER_TOO_LARGE as {@link Mapping.asUint8Array} throws it.
   */
  read(offset?: number, length?: number): Promise<Uint8Array<ArrayBuffer>>;
}

let anonymous = 0;

/**
 * Any mapping as a byte source; it keeps the mapping alive.
 * @throws ERR_INVALID_ARG_TYPE for what is no Mapping
 * @example
 * const rows = await parquetReadObjects({ file: byteSource(mmap('table.parquet')) });
 */
export function byteSource(mapping: Mapping): ByteSource {
  if (!((mapping as unknown) instanceof Mapping)) throw invalidArgType('mapping', 'an instance of Mapping', mapping);
  const key = keyOf(mapping);
  const copy = async ({ offset, length }: ByteRange, signal?: AbortSignal): Promise<ArrayBuffer> => {
    await mapping.prefetch({ offset, length, ...(signal && { signal }) });
    const { buffer } = mapping.view(offset, length).toBytes();
    mapping.check(); // pages that went away since are zeros in the copy
    return buffer as ArrayBuffer;
  };
  return {
    get byteLength() {
      return mapping.byteLength;
    },
    async slice(start, end) {
      const { first, count } = toSlice(start, end, undefined, mapping.byteLength);
      return copy({ offset: first, length: count });
    },
    getKey: () => key,
    async getBytes(offset, length, signal) {
      return { data: await copy(shortRange(mapping, offset, wholeNumber(length, 'length')), signal) };
    },
    async read(offset, length) {
      const range = shortRange(mapping, offset, length);
      await mapping.prefetch(range);
      return mapping.asUint8Array(range.offset, range.length);
    },
  };
}

/** A range that begins in the mapping and may end after it: a reader of a header does not know yet how long that is. */
function shortRange({ byteLength }: Mapping, offset: unknown, length: unknown): ByteRange {
  const from = optionalWholeNumber(offset, 'offset', 0, 0, byteLength);
  return { offset: from, length: Math.min(optionalWholeNumber(length, 'length', byteLength), byteLength - from) };
}

function keyOf({ path: name, fileOffset, byteLength }: Mapping): string {
  if (name === undefined) return `mapping:${String(++anonymous)}`;
  return `${pathToFileURL(path.resolve(name)).href}#${String(fileOffset)}+${String(byteLength)}`;
}
