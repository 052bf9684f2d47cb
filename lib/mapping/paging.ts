/**
 * Which pages of a mapping are in memory: asking, bringing them in, keeping them. Ranges are checked by the caller.
 */
import { constants } from 'node:os';

import { abortError, isOsFailure, systemError, valueOrThrow, type OsFailure } from '../errors';
import { native } from '../native';
import type { ByteRange } from '../validate';
import { unreadable } from './faults';
import { withRoom } from './refusals';
import type { Windows } from './windows';

/** Of a mapping or a range: which of its pages are in memory. */
export interface Residency {
  /** Whole pages that the range touches. */
  readonly pages: number;
  /** Of these, in memory. */
  readonly resident: number;
  /** Bytes. */
  readonly pageSize: number;
  /** One byte for each page, 1 where it is in memory, else 0. The first may begin before the range does. */
  readonly map: Uint8Array;
}

/** What prefetch() may be told beside a range. */
export interface PrefetchControl {
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((bytes: number) => void) | undefined;
}

/** Bytes that one turn on the thread pool reads in: what an abort waits for, at most. */
const PREFETCH_TURN = 8 * 2 ** 20;

/** At most one call of onProgress in this time, milliseconds. */
const PROGRESS_INTERVAL = 50;

/** `fileOffset`: of the mapping's first byte, which says where pages begin; bytes. */
export function residencyOf(windows: Windows, fileOffset: number, { offset, length }: ByteRange): Residency {
  const pageSize = native.pageSize();
  const start = fileOffset + offset;
  const pages = length === 0 ? 0 : Math.ceil((start + length) / pageSize) - Math.floor(start / pageSize);
  const map = new Uint8Array(pages);
  valueOrThrow(native.residency(windows.region, offset, length, map));
  let resident = 0;
  for (let page = 0; page < pages; page++) resident += map[page] as number;
  return { pages, resident, pageSize, map };
}

/** Throws ERR_MAPPING_FAULT, and system errors that name the limit. */
export function lockPages(windows: Windows, { offset, length }: ByteRange, path: string | undefined): void {
  const result = withRoom(native.lock(windows.region, offset, length));
  if (isOsFailure(result)) throw lockError(result, windows, { offset, length }, path);
}

function lockError(failure: OsFailure, windows: Windows, range: ByteRange, path: string | undefined): Error {
  const { EFAULT, ENOMEM, EPERM, EAGAIN } = constants.errno;
  if (failure.errno === EFAULT) return unreadable(windows.region, range.offset);
  if (![ENOMEM, EPERM, EAGAIN].includes(failure.errno)) return systemError(failure, path);
  const limit = native.lockLimit();
  return systemError(failure, path, Number.isFinite(limit)
    ? `${String(range.length)} bytes do not fit what this process may lock, ${String(limit)} bytes (RLIMIT_MEMLOCK); ` +
      '`ulimit -l` raises it, in KiB'
    : 'the system has not that much memory to lock');
}

/** Reads a range in, a turn on the thread pool at a time; between two of them it can be stopped. */
export async function prefetchPages(
  windows: Windows, range: ByteRange, control: PrefetchControl, path: string | undefined,
): Promise<void> {
  const { signal, onProgress } = control;
  let reported = 0;
  let next = performance.now() + PROGRESS_INTERVAL;
  for (let done = 0; ;) {
    if (signal?.aborted) throw abortError(signal.reason);
    if (!windows.open) throw windows.reason();
    const length = Math.min(PREFETCH_TURN, range.length - done);
    await prefetchTurn(windows, { offset: range.offset + done, length }, path);
    done += length;
    const last = done === range.length;
    if (onProgress !== undefined && done > reported && (last || performance.now() >= next)) {
      onProgress(reported = done);
      next = performance.now() + PROGRESS_INTERVAL;
    }
    if (last) return;
  }
}

async function prefetchTurn(windows: Windows, { offset, length }: ByteRange, path: string | undefined): Promise<void> {
  const result = await native.prefetch(windows.region, offset, length);
  if (isOsFailure(result) && result.errno === constants.errno.EFAULT) throw unreadable(windows.region, offset);
  valueOrThrow(result, path);
}
