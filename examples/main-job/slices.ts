import { setImmediate as turn } from 'node:timers/promises';
import type { Mapping } from 'zerocopy';

import { Progress } from './terminal';
import { residentMemory, settledMemory } from './memory';

export interface Sliced {
  readonly milliseconds: number;
  /** Growth of resident memory while all slices are kept, bytes. */
  readonly memory: number;
  readonly bytesCopied: number;
  /** Of one byte of every slice: both kinds must have seen the same file. */
  readonly checksum: number;
}

interface Sliceable<T> {
  slice(start: number, stop: number): T;
  first(slice: T): unknown;
}

/** `count` slices of `length` bytes from the first `reach` bytes: one after another, from the front when they end. */
export interface SliceWork {
  readonly count: number;
  readonly length: number;
  readonly reach: number;
}

/** Slices of the mapping, without a copy. */
export function sliceViews(mapping: Mapping, work: SliceWork): Promise<Sliced> {
  const view = mapping.view();
  return measure({ slice: (start, stop) => view.slice(start, stop), first: (slice) => slice.get(0) }, work, 0);
}

/** The same slices as copies out of a buffer that the file was read into. */
export function sliceCopies(buffer: Uint8Array, work: SliceWork): Promise<Sliced> {
  // The quickest copying slice that Node has: Buffer.from() takes its memory from a pool.
  const copy = (start: number, stop: number) => Buffer.from(buffer.subarray(start, stop));
  return measure({ slice: copy, first: (slice) => slice[0] }, work, work.count * work.length);
}

/** So that an interrupt is heard, and the progress seen, after so many slices. */
const TURN = 50_000;
const progress = new Progress('Slicing');

async function breathe(done: number, count: number): Promise<void> {
  progress.update(done, count, `${done.toLocaleString('en-US')} slices`);
  await turn();
}

async function measure<T>(source: Sliceable<T>, work: SliceWork, bytesCopied: number): Promise<Sliced> {
  const { count, length, reach } = work;
  const last = Math.floor(reach / length) * length;
  const kept = new Array<T>(count);
  const before = await settledMemory();
  const started = performance.now();
  for (let i = 0, start = 0; i < count; i++) {
    if (i % TURN === 0) await breathe(i, count);
    kept[i] = source.slice(start, start + length);
    start = start + length === last ? 0 : start + length;
  }
  const milliseconds = performance.now() - started;
  progress.end();
  const memory = Math.max(0, residentMemory() - before);
  return { milliseconds, memory, bytesCopied, checksum: checksum(kept, source) };
}

function checksum<T>(slices: readonly T[], source: Sliceable<T>): number {
  let sum = 0;
  for (const slice of slices) sum = (Math.imul(sum, 31) + Number(source.first(slice))) | 0;
  return sum;
}
