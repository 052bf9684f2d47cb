/** What views promise beyond CPython's vectors: raw arrays, long memory, several dimensions, what is shown. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { MemoryView } from '#lib/view/memory-view';
import { SOURCES, WindowedMemory } from './sources';

function bytes(count: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: count }, (_, i) => (i * 37 + 11) & 255);
}

function code(expected: string): (error: NodeJS.ErrnoException) => boolean {
  return (error) => {
    assert.equal(error.code, expected, error.stack);
    return true;
  };
}

describe('MemoryView', () => {
  it('takes the format of its source', () => {
    const arrays = [new Uint8Array(8), new Uint8ClampedArray(8), new Int8Array(8), new Uint16Array(8),
      new Int16Array(8), new Uint32Array(8),
      new Int32Array(8), new BigUint64Array(8), new BigInt64Array(8), new Float32Array(8), new Float64Array(8)];
    assert.equal(arrays.map((array) => new MemoryView(array).format).join(''), 'BBbHhIiQqfd');
    assert.ok(arrays.every((array) => new MemoryView(array).length === 8 && new MemoryView(array).obj === array));
    assert.deepEqual([Buffer.alloc(3), new DataView(new ArrayBuffer(3)), new ArrayBuffer(3), new SharedArrayBuffer(3)]
      .map((source) => [new MemoryView(source).format, new MemoryView(source).length]), new Array(4).fill(['B', 3]));
  });

  it('slices whatever the bounds, as slice() of an array does', () => {
    for (const make of Object.values(SOURCES)) {
      const view = new MemoryView(make(bytes(20)).source);
      const list = [...bytes(20)];
      for (let start = -22; start <= 22; start++) {
        for (let stop = -22; stop <= 22; stop++) assert.deepEqual(view.slice(start, stop).toList(), list.slice(start,
          stop));
      }
    }
  });

  it('hands out arrays that share its memory', () => {
    const memory = bytes(64);
    const view = new MemoryView(memory).slice(8, 40);
    for (const array of [view.asUint8Array(), view.asBuffer()]) {
      assert.equal(array.buffer, memory.buffer);
      assert.deepEqual([array.byteOffset, array.length], [8, 32]);
    }
    assert.ok(Buffer.isBuffer(view.asBuffer()));
    assert.equal(view.asDataView().getUint8(0), memory[8]);
    const classes = { b: Int8Array, B: Uint8Array, c: Uint8Array, '?': Uint8Array, h: Int16Array, H: Uint16Array,
      i: Int32Array, I: Uint32Array,
      l: BigInt64Array, L: BigUint64Array, q: BigInt64Array, Q: BigUint64Array, n: BigInt64Array, N: BigUint64Array,
        P: BigUint64Array,
      f: Float32Array, d: Float64Array, '<i': Int32Array };
    for (const [format, Class] of Object.entries(classes)) {
      const array = view.cast(format).asTypedArray();
      assert.equal(array.constructor, Class, format);
      assert.deepEqual([array.buffer, array.byteOffset, array.byteLength], [memory.buffer, 8, 32]);
    }
  });

  it('hands out no array where alignment, order or gaps do not allow it, and says what to do', () => {
    const view = new MemoryView(bytes(64));
    assert.throws(() => view.slice(1, 33).cast('i').asTypedArray(), code('ERR_VIEW_LAYOUT'));
    assert.throws(() => view.slice(1, 33).cast('i').asTypedArray(), /asDataView|toBytes/);
    assert.throws(() => view.cast('>i').asTypedArray(), code('ERR_VIEW_LAYOUT'));
    assert.throws(() => view.slice(null, null, 2).asBuffer(), code('ERR_VIEW_LAYOUT'));
    assert.throws(() => view.slice(null, null, 2).asBuffer(), /toBytes/);
    assert.equal(view.slice(null, null, 7).slice(0, 1).asUint8Array().length, 1, 'one element has no gaps');
    assert.equal(view.slice(5, 5, -1).asUint8Array().length, 0);
  });

  it('shares the memory of Fortran order too, in memory order', () => {
    const view = new MemoryView(bytes(24)).cast('H', [3, 4], 'F');
    assert.equal(view.asTypedArray().length, 12);
    assert.equal(view.get([2, 3]), view.asTypedArray()[2 + 3 * 3]);
    assert.deepEqual(view.strides, [2, 6]);
    assert.deepEqual(view.toBytes('A'), bytes(24));
    assert.deepEqual(view.toBytes('F'), bytes(24));
    assert.notDeepEqual(view.toBytes(), bytes(24));
  });

  it('goes on where CPython stops: items of several dimensions are views', () => {
    const view = new MemoryView(bytes(12)).cast('B', [3, 4]);
    const rows = [...view] as MemoryView[];
    assert.deepEqual(rows.map((row) => row.toList()), view.toList());
    assert.deepEqual([...view.reversed()].map((row) => (row as MemoryView).toList()),
      (view.toList() as unknown[]).reverse());
    assert.equal(view.indexOf(rows[1]), 1);
    assert.equal(view.lastIndexOf(rows[1] as MemoryView), 1);
    assert.equal(view.includes(bytes(4)), true);
    assert.equal(view.count(rows[2]), 1);
    assert.equal(view.count(5), 0);
    assert.deepEqual(view.slice(1).shape, [2, 4]);
    assert.deepEqual(view.fill(0, 1, 2).slice(1, 2).toList(), [[0, 0, 0, 0]]);
    assert.throws(() => view.get(0), /select/);
    assert.throws(() => view.get(0), code('ERR_INVALID_ARG_VALUE'));
  });

  it('of no dimension is one element', () => {
    const one = new MemoryView(bytes(4)).cast('i', []);
    assert.deepEqual([one.ndim, one.shape, one.strides, one.nbytes, one.contiguous], [0, [], [], 4, true]);
    assert.equal(one.get([]), one.toList());
    one.set([], 7);
    assert.equal(one.get([]), 7);
    assert.equal(one.fill(9).get([]), 9);
    for (const use of [() => one.length, () => one.slice(), () => [...one], () => one.indexOf(9), () =>
      one.reversed()]) assert.throws(use, code('ERR_VIEW_LAYOUT'));
    assert.match(inspect(one), /MemoryView 'i' \[\] of Uint8Array { 9 }/);
  });

  it('compares by value across formats, exactly', () => {
    const big = new MemoryView(BigInt64Array.of(2n ** 53n + 1n, -1n));
    assert.equal(big.equals(Float64Array.of(2 ** 53, -1)), false);
    assert.equal(new MemoryView(BigInt64Array.of(2n ** 53n, -1n)).equals(Float64Array.of(2 ** 53, -1)), true);
    assert.equal(new MemoryView(Float64Array.of(NaN)).equals(Float64Array.of(NaN)), false);
    assert.equal(new MemoryView(Float64Array.of(-0)).equals(Float64Array.of(0)), true);
    assert.equal(new MemoryView(Float64Array.of(1.5, 2)).equals(Float32Array.of(1.5, 2)), true);
    assert.equal(new MemoryView(Uint8Array.of(1, 2)).cast('?').equals(new MemoryView(Uint8Array.of(3, 4)).cast('?')),
      true);
    assert.equal(new MemoryView(Uint8Array.of(1)).cast('?').equals(Uint8Array.of(1)), true);
    assert.equal(new MemoryView(Uint8Array.of(97)).cast('c').equals(Uint8Array.of(97)), false);
    const long = Float32Array.from({ length: 10_000 }, (_, i) => i);
    assert.equal(new MemoryView(long).equals(Float64Array.from(long)), true);
    for (const at of [0, 4095, 4096, 8191, 8192, 9999]) {
      assert.equal(new MemoryView(long).equals(Float64Array.from(long).fill(-1, at, at + 1)), false);
    }
    for (const other of [undefined, null, 5, 'a', [1], {}, new Map()]) assert.equal(big.equals(other), false);
  });

  it('looks for values by value', () => {
    const view = new MemoryView(Float64Array.of(2 ** 53, 1, NaN, -0));
    assert.equal(view.indexOf(2n ** 53n + 1n), -1);
    assert.equal(view.indexOf(2n ** 53n), 0);
    assert.equal(view.indexOf(true), 1);
    assert.equal(view.indexOf(NaN), -1);
    assert.equal(view.indexOf(0), 3);
    assert.equal(new MemoryView(Uint8Array.of(0, 255)).indexOf(-1), -1);
    assert.equal(new MemoryView(Uint8Array.of(0, 255)).indexOf(256), -1);
    assert.equal(new MemoryView(BigUint64Array.of(2n ** 64n - 1n)).indexOf(-1), -1);
  });

  it('rounds halves from the double, ties to even, and refuses what is too large', () => {
    const view = new MemoryView(bytes(2)).cast('e');
    const cases: [number, number][] = [[1 + 2 ** -11, 1], [1 + 3 * 2 ** -11, 1 + 2 ** -9], [1 + 2 ** -11 + 2 ** -40,
      1 + 2 ** -10], [65519.99, 65504],
      [2 ** -25, 0], [2 ** -25 + 2 ** -60, 2 ** -24], [-(2 ** -14), -(2 ** -14)], [2047.5 * 2 ** -25, 2 ** -14], [-0,
        -0], [Infinity, Infinity]];
    for (const [value, stored] of cases) {
      view.set(0, value);
      assert.ok(Object.is(view.get(0), stored), `${String(value)} reads as ${String(view.get(0))}`);
    }
    for (const value of [65520, -65520, 1e300]) assert.throws(() => view.set(0, value), code('ERR_OUT_OF_RANGE'));
  });

  it('fills any alignment', () => {
    for (const offset of [0, 1, 2, 3, 4, 5]) {
      for (const format of ['H', 'i', 'q', '>i']) {
        const memory = bytes(64);
        const view = new MemoryView(memory).slice(offset, offset + 48).cast(format);
        view.fill(0x0102);
        assert.ok([...view].every((value) => Number(value) === 0x0102), `${format} at ${String(offset)}`);
        assert.deepEqual(memory.subarray(offset + 48), bytes(64).subarray(offset + 48));
      }
    }
  });

  it('copies as much as fits, and between views of several dimensions', () => {
    const target = new Uint8Array(6);
    const view = new MemoryView(bytes(10));
    assert.equal(view.copyTo(target, 2), 4);
    assert.deepEqual(target, Uint8Array.of(0, 0, ...bytes(4)));
    assert.equal(view.copyTo(target, 0, -1), 1);
    assert.equal(target[0], bytes(10)[9]);
    assert.throws(() => view.copyTo(target, 7), code('ERR_OUT_OF_RANGE'));
    assert.throws(() => view.copyTo(target, -1), code('ERR_OUT_OF_RANGE'));
    assert.throws(() => view.copyTo(new Int16Array(4)), code('ERR_VIEW_LAYOUT'));
    const square = new MemoryView(new Uint8Array(8)).cast('B', [4, 2]);
    assert.equal(new MemoryView(bytes(4)).cast('B', [2, 2]).copyTo(square, 3), 1);
    assert.throws(() => view.cast('B', [2, 5]).copyTo(square), code('ERR_VIEW_LAYOUT'));
  });

  it('moves overlapping elements as if through a copy, also across windows and between arrays of one buffer', () => {
    for (const [from, to] of [[0, 5], [5, 0], [3, 100], [100, 3]] as const) {
      const expected = bytes(256).copyWithin(to, from, from + 120);
      const windowed = bytes(256);
      const view = new MemoryView(new WindowedMemory(windowed, 16));
      view.slice(to, to + 120).assign(view.slice(from, from + 120));
      assert.deepEqual(windowed, expected);
      const plain = bytes(256);
      new MemoryView(plain.subarray(to, to + 120)).assign(new MemoryView(plain.subarray(from, from + 120)));
      assert.deepEqual(plain, expected);
    }
    const memory = bytes(32);
    new MemoryView(memory.subarray(0, 16)).slice(null, null, -1).assign(memory.subarray(0, 16));
    assert.deepEqual(memory.subarray(0, 16), bytes(16).reverse());
  });

  it('shows itself in one line', () => {
    const view = new MemoryView(Uint16Array.from({ length: 100 }, (_, i) => i), { readonly: true });
    assert.equal(inspect(view),
      "MemoryView 'H' [100] of Uint16Array, read-only { 0, 1, 2, 3, 4, 5, 6, 7, ... 92 more }");
    assert.match(inspect(new MemoryView(bytes(4)).cast('B', [2, 2])), /\[2, 2\].*\[ 11, 48 \]/);
  });

  it('says in the error how long an array may be', () => {
    const view = new MemoryView(new WindowedMemory(bytes(256), 16));
    for (const use of [() => view.asUint8Array(), () => view.asBuffer(), () => view.asDataView(), () =>
      view.asTypedArray()]) {
      assert.throws(use, code('ERR_BUFFER_TOO_LARGE'));
    }
    assert.equal(view.slice(7, 23).asUint8Array().length, 16);
    assert.equal(view.slice(7, 23).obj, view.obj);
  });

  it('reads as hex with groups from either side, of any source', () => {
    for (const make of Object.values(SOURCES)) {
      const view = new MemoryView(make(bytes(70)).source);
      const hex = Buffer.from(bytes(70)).toString('hex');
      assert.equal(view.hex(), hex);
      assert.equal(view.hex('-', 3), hex.replace(/..(?=(?:......)+$)/g, '$&-'));
      assert.equal(view.hex('-', -3), hex.replace(/......(?=.)/g, '$&-'));
      assert.equal(view.hex('-', 0), hex);
    }
  });

  it('is known by MemoryView.isMemoryView, released or not', () => {
    const view = new MemoryView(bytes(4));
    assert.ok(MemoryView.isMemoryView(view) && MemoryView.isMemoryView(view.slice()));
    view.release();
    assert.ok(MemoryView.isMemoryView(view));
    for (const other of [undefined, null, {}, bytes(1), Object.create(MemoryView.prototype)]) {
      assert.equal(MemoryView.isMemoryView(other), false);
    }
  });
});
