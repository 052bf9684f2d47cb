import { MemoryView } from 'zerocopy';

import { QUICK, type Contender } from '../case';
import { repeated } from '../repeated';

export const name = 'view-access';
export const title = 'Reading and writing elements one by one in a hot loop';
export const baseline = 'typed array';
export const headline = { metric: "ns per get, 'B'", contender: 'zerocopy get() and set()' };

const COUNT = 100_000;
const ROUNDS = QUICK ? 20 : 400;

const bytes = new Uint8Array(COUNT);
const ints = new Int32Array(COUNT);
const doubles = new Float64Array(COUNT);
const [byteView, intView, doubleView] = [new MemoryView(bytes), new MemoryView(ints), new MemoryView(doubles)];
/** Every second 32-bit integer, at an odd address. */
const odd = new Uint8Array(COUNT * 8 + 1).subarray(1);
const data = new DataView(odd.buffer, odd.byteOffset, odd.length);
const oddView = new MemoryView(odd).cast('<i').slice(null, null, 2);

/**
 * The least that a method over private memory costs which asks first whether it may look: one format, no negative
 * index, nothing else.
 */
let memoryOf: (owner: LeastOwner) => Uint8Array;
class LeastOwner {
  epoch = 0;
  readonly #bytes: Uint8Array;
  static { memoryOf = (owner) => owner.#bytes; }
  constructor(memory: Uint8Array) { this.#bytes = memory; }
}
const epochs = new Uint32Array(1);
class LeastView {
  private readonly owner: LeastOwner;
  private readonly offset = 0;
  private readonly items = COUNT;
  constructor(owner: LeastOwner) { this.owner = owner; }
  #check(index: number): Uint8Array {
    if (this.owner.epoch !== epochs[0]) throw new Error('it may not look');
    if ((index | 0) !== index || index < 0 || index >= this.items) throw new RangeError('no such element');
    return memoryOf(this.owner);
  }
  get(index: number): number { return this.#check(index)[this.offset + index] as number; }
  set(index: number, value: number): void { this.#check(index)[this.offset + index] = value; }
}
const leastView = new LeastView(new LeastOwner(bytes));

/** A loop of its own for each, so that each has its own feedback; the memory comes as an argument. */
function times(works: Record<string, () => number>): Contender {
  return repeated(works, ROUNDS, (what) => `ns per ${what}`, 1e6 / COUNT);
}

const TYPED = {
  "get, 'B'": (a: Uint8Array) => { let sum = 0; for (let i = 0; i < COUNT; i++) sum += a[i] as number; return sum; },
  "set, 'B'": (a: Uint8Array) => { for (let i = 0; i < COUNT; i++) a[i] = i & 127; return 0; },
  "get, 'i'": (a: Int32Array) => { let sum = 0; for (let i = 0; i < COUNT; i++) sum += a[i] as number; return sum; },
  "set, 'i'": (a: Int32Array) => { for (let i = 0; i < COUNT; i++) a[i] = i & 127; return 0; },
  "get, 'd'": (a: Float64Array) => { let sum = 0; for (let i = 0; i < COUNT; i++) sum += a[i] as number; return sum; },
  "set, 'd'": (a: Float64Array) => { for (let i = 0; i < COUNT; i++) a[i] = i & 127; return 0; },
};
const LEAST = {
  "get, 'B'": (v: LeastView) => { let sum = 0; for (let i = 0; i < COUNT; i++) sum += v.get(i); return sum; },
  "set, 'B'": (v: LeastView) => { for (let i = 0; i < COUNT; i++) v.set(i, i & 127); return 0; },
};
const VIEWED = {
  "get, 'B'": (v: MemoryView) => { let sum = 0; for (let i = 0; i < COUNT; i++) sum += v.get(i) as number; return sum; },
  "set, 'B'": (v: MemoryView) => { for (let i = 0; i < COUNT; i++) v.set(i, i & 127); return 0; },
  "get, 'i'": (v: MemoryView) => { let sum = 0; for (let i = 0; i < COUNT; i++) sum += v.get(i) as number; return sum; },
  "set, 'i'": (v: MemoryView) => { for (let i = 0; i < COUNT; i++) v.set(i, i & 127); return 0; },
  "get, 'd'": (v: MemoryView) => { let sum = 0; for (let i = 0; i < COUNT; i++) sum += v.get(i) as number; return sum; },
  "set, 'd'": (v: MemoryView) => { for (let i = 0; i < COUNT; i++) v.set(i, i & 127); return 0; },
};

export const contenders: Record<string, Contender> = {
  'typed array': times({
    "get, 'B'": () => TYPED["get, 'B'"](bytes), "set, 'B'": () => TYPED["set, 'B'"](bytes),
    "get, 'i'": () => TYPED["get, 'i'"](ints), "set, 'i'": () => TYPED["set, 'i'"](ints),
    "get, 'd'": () => TYPED["get, 'd'"](doubles), "set, 'd'": () => TYPED["set, 'd'"](doubles),
  }),
  'zerocopy get() and set()': times({
    "get, 'B'": () => VIEWED["get, 'B'"](byteView), "set, 'B'": () => VIEWED["set, 'B'"](byteView),
    "get, 'i'": () => VIEWED["get, 'i'"](intView), "set, 'i'": () => VIEWED["set, 'i'"](intView),
    "get, 'd'": () => VIEWED["get, 'd'"](doubleView), "set, 'd'": () => VIEWED["set, 'd'"](doubleView),
  }),
  'the least that such a method costs': times({
    "get, 'B'": () => LEAST["get, 'B'"](leastView), "set, 'B'": () => LEAST["set, 'B'"](leastView),
  }),
  'zerocopy asTypedArray()': times({
    "get, 'i'": () => TYPED["get, 'i'"](intView.asTypedArray() as Int32Array),
    "set, 'i'": () => TYPED["set, 'i'"](intView.asTypedArray() as Int32Array),
  }),
  'DataView': times({
    'get, strided and unaligned': () => { let sum = 0; for (let i = 0; i < COUNT; i++) sum += data.getInt32(i * 8, true); return sum; },
    'set, strided and unaligned': () => { for (let i = 0; i < COUNT; i++) data.setInt32(i * 8, i & 127, true); return 0; },
  }),
  'zerocopy, strided and unaligned': times({
    'get, strided and unaligned': () => VIEWED["get, 'i'"](oddView), 'set, strided and unaligned': () => VIEWED["set, 'i'"](oddView),
  }),
};
