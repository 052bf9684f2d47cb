import { MemoryView } from 'zerocopy';

import { QUICK, type Contender, type Measured } from '../case';

export const name = 'view-access';
export const title = 'Reading and writing elements one by one in a hot loop';
export const baseline = 'typed array';
export const headline = { metric: "ns per get, 'B'", contender: 'zerocopy get() and set()' };

const COUNT = 100_000;
const ROUNDS = QUICK ? 20 : 400;

function best(work: () => number): number {
  let least = Infinity;
  for (let warm = 0; warm < ROUNDS / 4; warm++) work();
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    if (work() < 0) throw new Error('impossible');
    least = Math.min(least, performance.now() - started);
  }
  return (least * 1e6) / COUNT;
}

const bytes = new Uint8Array(COUNT);
const ints = new Int32Array(COUNT);
const doubles = new Float64Array(COUNT);
const FORMATS = { B: bytes, i: ints, d: doubles };

interface Access {
  read(index: number): number;
  write(index: number, value: number): void;
}

/** One loop per format and direction, made anew so that each has feedback of its own. */
function loops(access: Access): { get: () => number; set: () => number } {
  const get = new Function('a', 'n', 'let s = 0; for (let i = 0; i < n; i++) s += a.read(i); return s') as (a: Access, n: number) => number;
  const set = new Function('a', 'n', 'for (let i = 0; i < n; i++) a.write(i, i & 127); return 0') as (a: Access, n: number) => number;
  return { get: () => get(access, COUNT), set: () => set(access, COUNT) };
}

function measured(accesses: Record<string, Access>): Measured {
  return Object.fromEntries(Object.entries(accesses).flatMap(([format, access]) => {
    const { get, set } = loops(access);
    return [[`ns per get, ${format}`, best(get)], [`ns per set, ${format}`, best(set)]];
  }));
}

function direct(body: (name: 'get' | 'set') => string): Contender {
  return () => Object.fromEntries(Object.entries(FORMATS).flatMap(([format, array]) => {
    const target = body('get').includes('.get(') ? new MemoryView(array) : array;
    const get = new Function('a', 'n', `let s = 0; for (let i = 0; i < n; i++) s += ${body('get')}; return s`) as (a: unknown, n: number) => number;
    const set = new Function('a', 'n', `for (let i = 0; i < n; i++) ${body('set')}; return 0`) as (a: unknown, n: number) => number;
    return [[`ns per get, '${format}'`, best(() => get(target, COUNT))], [`ns per set, '${format}'`, best(() => set(target, COUNT))]];
  }));
}

/** Every second 32-bit integer, at an odd address. */
const odd = new Uint8Array(COUNT * 8 + 1).subarray(1);

export const contenders: Record<string, Contender> = {
  'typed array': direct((name) => (name === 'get' ? 'a[i]' : 'a[i] = i & 127')),
  'zerocopy get() and set()': direct((name) => (name === 'get' ? 'a.get(i)' : 'a.set(i, i & 127)')),
  'DataView, strided and unaligned': () => {
    const data = new DataView(odd.buffer, odd.byteOffset, odd.length);
    return measured({ 'strided, unaligned': { read: (i) => data.getInt32(i * 8, true), write: (i, value) => data.setInt32(i * 8, value, true) } });
  },
  'zerocopy, strided and unaligned': () => {
    const view = new MemoryView(odd).cast('<i').slice(null, null, 2);
    return measured({ 'strided, unaligned': { read: (i) => view.get(i) as number, write: (i, value) => { view.set(i, value); } } });
  },
};
