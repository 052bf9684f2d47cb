/**
 * Looking for bytes in a mapping. What is looked for, and where, is decided here; the native side (region/search.h)
 * looks, over any length, at once or a turn on the thread pool at a time.
 */
import { abortError, invalidArgType } from '../errors';
import { native, type SearchHandle } from '../native';
import {
  clampedRange, optionalBoolean, optionalSignal, optionsObject, wholeNumber, type ByteRange,
} from '../validate';
import { pack } from '../view/copy';
import { areaOf, type MemorySource } from '../view/memory-view';
import { byteLength } from '../view/walk';
import type { Windows } from './windows';

/** A byte, a string (its UTF-8), or memory: the bytes of its elements in C order. */
export type Needle = number | string | MemorySource;

/** Where to look, bounds as Python's slices have them; and whether for the last time instead of the first. */
interface Place {
  readonly from?: number | bigint | undefined;
  readonly to?: number | bigint | undefined;
  readonly last: boolean;
}

export interface SearchOptions {
  /** Where to begin, bytes; negative: from the end. Default 0. */
  readonly from?: number | bigint;
  /** Where to end, bytes; negative: from the end. Default: the end. */
  readonly to?: number | bigint;
  /** Look for the last time instead of the first. Default false. */
  readonly last?: boolean;
  /** Stops the search. */
  readonly signal?: AbortSignal;
}

/** Bytes that one turn on the thread pool looks through: what an abort waits for, and other work of the pool. */
const TURN = 32 * 2 ** 20;

/** Where the needle begins, from the mapping's start; -1. */
export function find(windows: Windows, needle: unknown, { from, to, last }: Place): number {
  const range = clampedRange(from, to, windows.byteLength);
  const bytes = needleBytes(needle, range?.length ?? -1);
  windows.check();
  if (range === undefined || bytes === undefined) return -1;
  const place = native.find(windows.region, bytes, range.offset, range.length, last);
  windows.check();
  return place;
}

/** As find(), on the thread pool. */
export async function search(windows: Windows, needle: unknown, options: SearchOptions | undefined): Promise<number> {
  const { from, to, last, signal } = optionsObject(options, 'options', ['from', 'to', 'last', 'signal']);
  const backwards = optionalBoolean(last, 'options.last', false);
  const stop = optionalSignal(signal, 'options.signal');
  const range = clampedRange(from, to, windows.byteLength);
  const bytes = needleBytes(needle, range?.length ?? -1);
  if (stop?.aborted) throw abortError(stop.reason);
  windows.check();
  if (range === undefined || bytes === undefined) return -1;
  const handle = native.beginSearch(windows.region, bytes);
  let fault: Error | undefined;
  let found: number;
  try {
    found = await searchInTurns(handle, turns(range, bytes.length, backwards), backwards, stop);
  } finally {
    fault = windows.fault(); // while the search holds the memory, which may be closed by now
    native.endSearch(handle);
  }
  if (fault !== undefined) throw fault; // what was not found may have been in the pages that were lost
  return found;
}

async function searchInTurns(
  handle: SearchHandle, ranges: Iterable<ByteRange>, last: boolean, signal: AbortSignal | undefined,
): Promise<number> {
  for (const { offset, length } of ranges) {
    const place = await native.searchTurn(handle, offset, length, last);
    if (signal?.aborted) throw abortError(signal.reason);
    if (place >= 0) return place;
  }
  return -1;
}

/** Parts of a range that together have every place where a needle of `length` bytes could be. */
function* turns(range: ByteRange, length: number, backwards: boolean): Iterable<ByteRange> {
  const places = range.length - length + 1;
  // Every part reads beyond its own places as far as a needle reaches: that must stay the smaller share.
  const stride = Math.max(TURN, 4 * length);
  for (let done = 0; done < places; done += stride) {
    const count = Math.min(stride, places - done);
    const first = backwards ? places - done - count : done;
    yield { offset: range.offset + first, length: count + length - 1 };
  }
}

/**
 * A copy of the needle's bytes: they may lie in the mapping itself, or another thread may change them meanwhile.
 * Undefined when there are more than `most`. Throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
 */
function needleBytes(needle: unknown, most: number): Uint8Array | undefined {
  const bytes = typeof needle === 'object' && needle !== null ? memoryBytes(needle, most) : plainBytes(needle);
  return bytes === undefined || bytes.length > most ? undefined : bytes;
}

function plainBytes(needle: unknown): Uint8Array {
  if (typeof needle === 'number') return Uint8Array.of(wholeNumber(needle, 'needle', 0, 255));
  if (typeof needle === 'string') return Buffer.from(needle);
  throw invalidArgType('needle', 'a byte (0 to 255), a string, a typed array, Buffer, DataView, ArrayBuffer or MemoryView', needle);
}

function memoryBytes(needle: object, most: number): Uint8Array | undefined {
  const area = areaOf(needle, 'needle');
  const length = byteLength(area);
  if (length > most) return undefined; // not worth a copy
  const bytes = new Uint8Array(length);
  pack(area, bytes);
  return bytes;
}
