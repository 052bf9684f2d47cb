/** Random programs against a plain-array model: every source, every format, every way of slicing. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MemoryView, type Scalar } from '#lib/view/memory-view';
import { SOURCES } from './sources';

const SIZES: Readonly<Record<string, number>> = { B: 1, b: 1, c: 1, '?': 1, h: 2, H: 2, e: 2, i: 4, I: 4, f: 4, q: 8,
  Q: 8, d: 8 };
const FORMATS = Object.keys(SIZES).flatMap((code) => [code, `<${code}`, `>${code}`]);

/** The element at `at` as DataView reads it: the model's own way, written apart from the library's. */
function modelRead(bytes: Uint8Array, format: string, at: number): Scalar {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = !format.startsWith('>');
  switch (format.at(-1)) {
    case 'B': return data.getUint8(at);
    case 'b': return data.getInt8(at);
    case 'c': return bytes.slice(at, at + 1);
    case '?': return data.getUint8(at) !== 0;
    case 'h': return data.getInt16(at, little);
    case 'H': return data.getUint16(at, little);
    case 'e': {
      const bits = data.getUint16(at, little);
      const normal = (1 + (bits & 0x3ff) / 1024) * 2 ** (((bits >> 10) & 31) - 15);
      const magnitude = (bits & 0x7c00) === 0 ? (bits & 0x3ff) * 2 ** -24 : normal;
      const value = (bits & 0x7c00) !== 0x7c00 ? magnitude : (bits & 0x3ff) === 0 ? Infinity : NaN;
      return bits >> 15 === 1 ? -value : value;
    }
    case 'i': return data.getInt32(at, little);
    case 'I': return data.getUint32(at, little);
    case 'f': return data.getFloat32(at, little);
    case 'q': return data.getBigInt64(at, little);
    case 'Q': return data.getBigUint64(at, little);
    default: return data.getFloat64(at, little);
  }
}

/** A view as a list of byte offsets into its source. */
interface Model {
  readonly bytes: Uint8Array;
  readonly format: string;
  readonly at: readonly number[];
}

function slice<T>(list: readonly T[], [start, stop, step]: Bounds): T[] {
  const count = list.length;
  const by = step ?? 1;
  const bound = (value: number | null, fallback: number): number => {
    if (value === null) return fallback;
    const from = value < 0 ? value + count : value;
    return by > 0 ? Math.min(Math.max(from, 0), count) : Math.min(Math.max(from, -1), count - 1);
  };
  const taken: T[] = [];
  const from = bound(start, by > 0 ? 0 : count - 1);
  const to = bound(stop, by > 0 ? count : -1);
  for (let i = from; by > 0 ? i < to : i > to; i += by) taken.push(list[i] as T);
  return taken;
}

/** As programs write it: a step that is not wanted is left out. */
function take(view: MemoryView, [start, stop, step]: Bounds): MemoryView {
  return step === null ? view.slice(start, stop) : view.slice(start, stop, step);
}

type Bounds = readonly [number | null, number | null, number | null];
const bound = fc.option(fc.integer({ min: -90, max: 90 }), { nil: null });
const bounds = fc.tuple(bound, bound, fc.option(fc.integer({ min: -5, max: 5 }).filter((step) => step !== 0),
  { nil: null }));
const program = fc.record({
  bytes: fc.uint8Array({ minLength: 0, maxLength: 160 }),
  format: fc.constantFrom(...FORMATS),
  slices: fc.array(bounds, { maxLength: 3 }),
  others: fc.array(bounds, { minLength: 1, maxLength: 2 }),
  pick: fc.nat(),
});

function sameScalar(a: unknown, b: unknown): boolean {
  return a instanceof Uint8Array ? Buffer.compare(a, b as Uint8Array) === 0 : Object.is(a, b);
}

function equalValue(a: Scalar, b: Scalar): boolean {
  return a instanceof Uint8Array ? sameScalar(a, b) : a === b;
}

for (const [kind, makeSource] of Object.entries(SOURCES)) {
  describe(`MemoryView and a plain array, over ${kind}`, () => {
    it('agree on every read, and writing one view is writing the array', () => {
      fc.assert(fc.property(program, ({ bytes, format, slices, others, pick }) => {
        const size = SIZES[format.at(-1) as string] as number;
        const whole = bytes.slice(0, bytes.length - (bytes.length % size));
        const { source, memory } = makeSource(whole);
        const base = new MemoryView(source).cast(format);
        const all = Array.from({ length: whole.length / size }, (_, i) => i * size);
        const view = slices.reduce(take, base);
        const model: Model = { bytes: memory, format, at: slices.reduce<number[]>(slice, all) };
        checkReads(view, model, pick);
        checkWrites(view, model, pick);
        const other = others.reduce(take, base);
        const otherAt = others.reduce<number[]>(slice, all);
        checkAssign(view, model, other, otherAt);
      }), { numRuns: 150 });
    });
  });
}

function values({ bytes, format, at }: Model): Scalar[] {
  return at.map((offset) => modelRead(bytes, format, offset));
}

function modelBytes({ bytes, format, at }: Model): Buffer {
  const size = SIZES[format.at(-1) as string] as number;
  return Buffer.concat(at.map((offset) => bytes.slice(offset, offset + size)));
}

function checkReads(view: MemoryView, model: Model, pick: number): void {
  const list = values(model);
  assert.equal(view.length, list.length);
  assert.ok(list.every((value, i) => sameScalar(view.get(i), value) && sameScalar(view.get(i - list.length), value)));
  assert.ok((view.toList() as Scalar[]).every((value, i) => sameScalar(value, list[i])));
  assert.ok([...view].every((value, i) => sameScalar(value, list[i])));
  assert.ok([...view.reversed()].every((value, i) => sameScalar(value, list[list.length - 1 - i])));
  assert.equal(Buffer.compare(view.toBytes(), modelBytes(model)), 0);
  assert.equal(view.hex(), modelBytes(model).toString('hex'));
  const sought = list[pick % Math.max(1, list.length)] ?? 0;
  assert.equal(view.indexOf(sought), list.findIndex((value) => equalValue(value, sought)));
  assert.equal(view.lastIndexOf(sought), list.findLastIndex((value) => equalValue(value, sought)));
  assert.equal(view.count(sought), list.filter((value) => equalValue(value, sought)).length);
  const middle = list.length >> 1;
  assert.equal(view.indexOf(sought, middle), list.findIndex((value, i) => i >= middle && equalValue(value, sought)));
  assert.equal(view.lastIndexOf(sought, 0, middle), list.slice(0, middle).findLastIndex((value) => equalValue(value,
    sought)));
  const copy = new MemoryView(Uint8Array.from(modelBytes(model))).cast(model.format);
  assert.equal(view.equals(copy), list.every((value) => equalValue(value, value)));
}

function checkWrites(view: MemoryView, model: Model, pick: number): void {
  if (model.at.length === 0) return;
  const from = pick % model.at.length;
  const to = (pick >> 8) % model.at.length;
  const before = Uint8Array.from(model.bytes);
  const value = view.get(from);
  view.set(to, value);
  if (!Number.isNaN(value)) assert.ok(equalValue(view.get(to), value));
  const size = SIZES[model.format.at(-1) as string] as number;
  const touched = model.at[to] as number;
  assert.ok(model.bytes.every((byte, i) => byte === before[i] || (i >= touched && i < touched + size)),
    'only the element is written');
  if (pick % 3 === 0) {
    view.fill(value, from);
    assert.ok(values(model).slice(from).every((filled) => equalValue(filled, value) || Number.isNaN(value)));
  }
}

/** As if through a copy, whatever overlaps. */
function checkAssign(view: MemoryView, model: Model, other: MemoryView, otherAt: readonly number[]): void {
  const count = Math.min(view.length, otherAt.length);
  const size = SIZES[model.format.at(-1) as string] as number;
  const expected = Uint8Array.from(model.bytes);
  const copy = Uint8Array.from(model.bytes);
  for (let i = 0; i < count; i++) {
    const target = model.at[i] as number;
    const source = otherAt[i] as number;
    expected.set(copy.subarray(source, source + size), target);
  }
  if (count % 2 === 0) view.slice(0, count).assign(other.slice(0, count));
  else assert.equal(other.copyTo(view), count);
  assert.equal(Buffer.compare(Uint8Array.from(model.bytes), expected), 0);
}
