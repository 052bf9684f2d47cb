import { MemoryView } from 'zerocopy';

import { CHECKSUM, QUICK, type Contender, type Measured } from '../case';
import { python } from '../others/programs';

export const name = 'view-slice';
export const title = 'Slices of 10 B to 100 KB of a 10 MB source, dropped and kept';
export const baseline = 'Buffer.subarray';
export const headline = { metric: 'CPU ns per slice, dropped', contender: 'zerocopy MemoryView.slice' };

const SIZE = 10_000_000;
const COUNT = QUICK ? 20_000 : 1_000_000;

/** The same slices for all: a small generator of our own, so that Python draws them too. */
function ranges(): { starts: Int32Array; stops: Int32Array } {
  const starts = new Int32Array(COUNT);
  const stops = new Int32Array(COUNT);
  let state = 1;
  const next = (limit: number): number => (state = (state * 48271) % 2147483647) % limit;
  for (let i = 0; i < COUNT; i++) {
    const length = 10 + next(99_991);
    starts[i] = next(SIZE - length);
    stops[i] = (starts[i] as number) + length;
  }
  return { starts, stops };
}

function cpuNs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / COUNT;
}

interface Sliced {
  readonly length: number;
}

function slicing(slice: (start: number, stop: number) => Sliced): Contender {
  return (): Measured => {
    const { starts, stops } = ranges();
    let total = 0;
    const dropped = (): void => {
      for (let i = 0; i < COUNT; i++) total += slice(starts[i] as number, stops[i] as number).length;
    };
    const list = new Array<Sliced | undefined>(COUNT).fill(undefined);
    const kept = (): void => {
      for (let i = 0; i < COUNT; i++) list[i] = slice(starts[i] as number, stops[i] as number);
    };
    dropped();
    const perDropped = Math.min(cpuNs(dropped), cpuNs(dropped));
    list.fill(undefined);
    gc?.();
    const heap = process.memoryUsage().heapUsed;
    const perKept = cpuNs(kept);
    gc?.();
    const bytes = (process.memoryUsage().heapUsed - heap) / COUNT;
    if (total === 0 || list[0] === undefined) throw new Error('nothing was sliced');
    return { 'CPU ns per slice, dropped': perDropped, 'CPU ns per slice, kept': perKept,
      'heap bytes per live slice': bytes, [CHECKSUM]: total / 3 };
  };
}

const PYTHON = `
import json, sys, time
n, size, state = int(sys.argv[1]), 10_000_000, 1
ranges = []
for i in range(n):
    state = state * 48271 % 2147483647; length = 10 + state % 99991
    state = state * 48271 % 2147483647; start = state % (size - length)
    ranges.append((start, start + length))
view = memoryview(bytearray(size))
def dropped():
    for s, e in ranges: view[s:e]
def kept():
    return [view[s:e] for s, e in ranges]
def loop():
    for s, e in ranges: pass
def cpu(work):
    t = time.process_time(); r = work(); return time.process_time() - t
base = min(cpu(loop), cpu(loop))
print(json.dumps({
    'CPU ns per slice, dropped': (min(cpu(dropped), cpu(dropped)) - base) * 1e9 / n,
    'CPU ns per slice, kept': (cpu(kept) - base) * 1e9 / n,
    'heap bytes per live slice': sys.getsizeof(view[1:2]),
    'checksum': sum(len(view[s:e]) for s, e in ranges),
}))
`;

const buffer = Buffer.alloc(SIZE);
const array = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
const view = new MemoryView(buffer);

export const contenders: Record<string, Contender> = {
  'Buffer.subarray': slicing((start, stop) => buffer.subarray(start, stop)),
  'Uint8Array.subarray': slicing((start, stop) => array.subarray(start, stop)),
  'zerocopy MemoryView.slice': slicing((start, stop) => view.slice(start, stop)),
  'CPython memoryview[s:e]': () => python(PYTHON, COUNT),
};
