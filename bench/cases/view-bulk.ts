import { MemoryView } from 'zerocopy';

import { QUICK, type Contender } from '../case';
import { repeated } from '../repeated';
import { inC } from '../others/programs';

export const name = 'view-bulk';
export const title = 'Bulk operations on 16 MB: without gaps at the speed of memory, with gaps near a hand-written loop';
export const baseline = 'engine';
export const headline = { metric: 'ms, equals', contender: 'zerocopy' };

const SIZE = QUICK ? 2 ** 18 : 2 ** 24;
const ROUNDS = QUICK ? 3 : 25;
const SMALL = SIZE / 16;

function times(works: Record<string, () => unknown>): Contender {
  return repeated(works, ROUNDS, (what) => `ms, ${what}`);
}

const a = new Uint8Array(SIZE).fill(7);
const b = new Uint8Array(SIZE).fill(7);
const bufferA = Buffer.from(a.buffer);
const ints = new Int32Array(a.buffer);
const otherInts = new Int32Array(b.buffer);
const small = a.subarray(0, SMALL);
const smallBuffer = bufferA.subarray(0, SMALL);
const viewA = new MemoryView(a);
const viewB = new MemoryView(b);
const evenA = new MemoryView(ints).slice(null, null, 2);
const evenB = new MemoryView(otherInts).slice(null, null, 2);
const smallView = new MemoryView(small);

function handWritten(visit: (i: number) => boolean): void {
  for (let i = 0; i < ints.length; i += 2) if (!visit(i)) return;
}

export const contenders: Record<string, Contender> = {
  engine: times({
    equals: () => Buffer.compare(a, b), assign: () => { b.set(a); }, toBytes: () => a.slice(), fill: () => b.fill(7),
    'indexOf an absent byte': () => bufferA.indexOf(9), hex: () => smallBuffer.toString('hex'), toList: () =>
      Array.from(small),
    'equals, every second int': () => { handWritten((i) => ints[i] === otherInts[i]); },
    'assign, every second int': () => { for (let i = 0; i < ints.length; i += 2) otherInts[i] = ints[i] as number; },
    'toBytes, every second int': () => { const out = new Int32Array(ints.length / 2); for (let i = 0,
      o = 0; i < ints.length; i += 2) out[o++] = ints[i] as number; return out; },
    'fill, every second int': () => { for (let i = 0; i < ints.length; i += 2) otherInts[i] = 0x07070707; },
    'indexOf an absent int, every second': () => { handWritten((i) => ints[i] !== 9); },
  }),
  zerocopy: times({
    equals: () => viewA.equals(viewB), assign: () => viewB.assign(viewA), toBytes: () => viewA.toBytes(), fill: () =>
      viewB.fill(7),
    'indexOf an absent byte': () => viewA.indexOf(9), hex: () => smallView.hex(), toList: () => smallView.toList(),
    'equals, every second int': () => evenA.equals(evenB), 'assign, every second int': () => evenB.assign(evenA),
    'toBytes, every second int': () => evenA.toBytes(), 'fill, every second int': () => evenB.fill(0x07070707),
    'indexOf an absent int, every second': () => evenA.indexOf(9),
  }),
  'C, memcmp, memcpy, memset and memchr': () => inC('bulk', SIZE, ROUNDS),
};
