/**
 * Shape and strides: which byte an index means, what a slice of a slice is, when memory is
 * contiguous. Pure arithmetic on numbers; no memory is touched here.
 *
 * The element at [i, j, …] lies at offset + i * strides[0] + j * strides[1] + …, all in bytes.
 * Python: `memoryview.shape`, `memoryview.strides`; NumPy: "Basic indexing".
 */
import { invalidArgType, invalidArgValue, outOfRange, zeroCopyError } from '../errors';

/** Where the elements of a view lie. */
export interface Layout {
  /** Of the element whose indices are all 0, bytes. */
  readonly offset: number;
  readonly shape: readonly number[];
  /** Bytes from one element to the next, per dimension; may be negative. */
  readonly strides: readonly number[];
}

export type Order = 'C' | 'F';

/** CPython's PyBUF_MAX_NDIM. */
export const MAX_NDIM = 64;

export function product(shape: readonly number[]): number {
  return shape.reduce((total, count) => total * count, 1);
}

/** Strides of memory without gaps: C order has the last index vary fastest, F order the first. */
export function contiguousStrides(shape: readonly number[], itemsize: number, order: Order): number[] {
  const strides = new Array<number>(shape.length);
  let step = itemsize;
  for (let i = 0; i < shape.length; i++) {
    const dimension = order === 'F' ? i : shape.length - 1 - i;
    strides[dimension] = step;
    step *= shape[dimension] as number;
  }
  return strides;
}

/**
 * Do the elements follow one another without a gap, in this order? As CPython decides it: a single
 * dimension by its stride even when it is empty; more dimensions are contiguous when they are empty.
 */
export function isContiguous({ shape, strides }: Layout, itemsize: number, order: Order): boolean {
  if (shape.length > 1 && shape.includes(0)) return true;
  let step = itemsize;
  for (let i = 0; i < shape.length; i++) {
    const dimension = order === 'F' ? i : shape.length - 1 - i;
    const count = shape[dimension] as number;
    if (count !== 1 && strides[dimension] !== step) return false;
    step *= count;
  }
  return true;
}

/** Lowest byte used and the one after the highest: [low, high). Empty layouts use none. */
export function extent({ offset, shape, strides }: Layout, itemsize: number): { low: number; high: number } {
  let low = offset;
  let high = offset + itemsize;
  for (let i = 0; i < shape.length; i++) {
    const count = shape[i] as number;
    if (count === 0) return { low: offset, high: offset };
    const reach = (count - 1) * (strides[i] as number);
    if (reach < 0) low += reach;
    else high += reach;
  }
  return { low, high };
}

/** As CPython compares shapes: what follows a dimension of 0 elements does not matter. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
    if (a[i] === 0) break;
  }
  return true;
}

/**
 * The same elements in the same (C) order with as few dimensions as possible, at least one: long rows make fast
 * loops.
 */
export function coalesce(shape: readonly number[], strides: readonly number[],
  itemsize: number): { shape: number[]; strides: number[] } {
  const merged = { shape: [] as number[], strides: [] as number[] };
  for (let i = 0; i < shape.length; i++) {
    const count = shape[i] as number;
    const stride = strides[i] as number;
    if (count === 1) continue;
    const last = merged.shape.length - 1;
    if (last >= 0 && merged.strides[last] === stride * count) {
      merged.shape[last] = (merged.shape[last] as number) * count;
      merged.strides[last] = stride;
    } else {
      merged.shape.push(count);
      merged.strides.push(stride);
    }
  }
  return merged.shape.length > 0 ? merged : { shape: [1], strides: [itemsize] };
}

/** [from, to) of one dimension. */
export function part(layout: Layout, dimension: number, from: number, to: number): Layout {
  const shape = layout.shape.slice();
  shape[dimension] = to - from;
  return { offset: layout.offset + from * (layout.strides[dimension] as number), shape, strides: layout.strides };
}

/** The same elements with the dimensions in reverse: what is F order in one is C order in the other. */
export function transpose({ offset, shape, strides }: Layout): Layout {
  return { offset, shape: shape.slice().reverse(), strides: strides.slice().reverse() };
}

// ---------------------------------------------------------------- indices and slices

/** An integer as a user gives one: a number or bigint. Throws ERR_INVALID_ARG_TYPE for anything else, fractions too. */
export function toInteger(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  if (typeof value === 'bigint') return Number(value);
  throw invalidArgType(name, 'an integer', value);
}

/** An index from 0 on; negative ones count from the end. Throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE. */
export function toIndex(value: unknown, count: number, name = 'index'): number {
  const index = toInteger(value, name);
  const fromStart = index < 0 ? index + count : index;
  if (fromStart >= 0 && fromStart < count) return fromStart + 0;
  const range = count === 0 ? 'absent: there are no elements' : `>= ${String(-count)} and <= ${String(count - 1)}`;
  throw outOfRange(name, range, value);
}

/** What a slice takes of a dimension. */
export interface Slice {
  /** Index of the first element taken; 0 when none is. */
  readonly first: number;
  /** How many are taken. */
  readonly count: number;
  readonly step: number;
}

/** A bound of a slice inside [least, greatest]; negative ones count from the end. */
function clamp(value: unknown, name: string, count: number, least: number, greatest: number, fallback: number): number {
  if (value === undefined || value === null) return fallback;
  const bound = toInteger(value, name);
  const fromStart = bound < 0 ? bound + count : bound;
  return Math.min(Math.max(fromStart, least), greatest);
}

/**
 * Python's `slice(start, stop, step).indices(count)`. Throws ERR_INVALID_ARG_TYPE; ERR_INVALID_ARG_VALUE for a
 * step of 0.
 */
export function toSlice(start: unknown, stop: unknown, step: unknown, count: number): Slice {
  const by = step === undefined || step === null ? 1 : toInteger(step, 'step');
  if (by === 0) throw invalidArgValue('step', step, 'must not be 0');
  const back = by < 0;
  const [least, greatest] = back ? [-1, count - 1] : [0, count];
  const from = clamp(start, 'start', count, least, greatest, back ? greatest : least);
  const to = clamp(stop, 'stop', count, least, greatest, back ? least : greatest);
  const distance = back ? from - to : to - from;
  if (distance <= 0) return { first: 0, count: 0, step: by };
  return { first: from, count: Math.floor((distance - 1) / Math.abs(by)) + 1, step: by };
}

const MOST_STEP = 2n ** 63n - 1n;

/**
 * The stride of every step-th item. A step so large that it takes one item at most may give any
 * stride: it wraps at 64 bits, as CPython's does, so that `strides` reads the same.
 */
export function steppedStride(stride: number, step: number): number {
  const exact = stride * step;
  if (Number.isSafeInteger(exact)) return exact;
  const clamped = step > 0 ? (step >= 2 ** 63 ? MOST_STEP : BigInt(step)) : (step <= -(2 ** 63) ?
    -MOST_STEP : BigInt(step));
  return Number(BigInt.asIntN(64, BigInt(stride) * clamped));
}

/** A part of a dimension, or an index that drops it, or '...' for all dimensions not mentioned. */
export type Key = number | readonly [start: number | null | undefined, stop?: number | null,
  step?: number | null] | '...';

/** All keys, with '...' replaced by the whole dimensions that it stands for. */
function expand(keys: readonly Key[], ndim: number): readonly Key[] {
  const at = keys.indexOf('...');
  if (at !== keys.lastIndexOf('...')) throw invalidArgValue('keys', keys, "may hold '...' once only");
  const given = at < 0 ? keys.length : keys.length - 1;
  if (given > ndim) throw invalidArgValue('keys', keys, `has ${String(given)} keys for ${String(ndim)} dimensions`);
  const whole = new Array<Key>(ndim - given).fill([null]);
  return at < 0 ? [...keys, ...whole] : [...keys.slice(0, at), ...whole, ...keys.slice(at + 1)];
}

/**
 * NumPy's basic indexing: an integer drops a dimension, a triple keeps part of it. Throws ERR_INVALID_ARG_TYPE,
 * ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE.
 */
export function select(layout: Layout, keys: readonly Key[]): Layout {
  const shape: number[] = [];
  const strides: number[] = [];
  let { offset } = layout;
  expand(keys, layout.shape.length).forEach((key, dimension) => {
    const count = layout.shape[dimension] as number;
    const stride = layout.strides[dimension] as number;
    if (Array.isArray(key)) {
      const taken = toSlice(key[0], key[1], key[2], count);
      offset += taken.first * stride;
      shape.push(taken.count);
      strides.push(steppedStride(stride, taken.step));
    } else {
      offset += toIndex(key, count) * stride;
    }
  });
  return { offset, shape, strides };
}

/**
 * Where the element with these indices lies, bytes. Throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE,
 * ERR_OUT_OF_RANGE.
 */
export function elementOffset({ offset, shape, strides }: Layout, indices: readonly unknown[]): number {
  if (indices.length !== shape.length) {
    const remedy = indices.length < shape.length ? '; select() takes fewer and answers a view' : '';
    throw invalidArgValue('index', indices, `must have ${String(shape.length)} indices, one per dimension${remedy}`);
  }
  return indices.reduce<number>(
    (at, index, dimension) => at + toIndex(index, shape[dimension] as number) * (strides[dimension] as number), offset);
}

// ---------------------------------------------------------------- casts

function doesNotFit(what: string): Error {
  return zeroCopyError('ERR_VIEW_LAYOUT', what);
}

/**
 * The items of a shape as cast() takes it, read once, not yet checked one by one. Throws ERR_INVALID_ARG_TYPE,
 * ERR_VIEW_LAYOUT.
 */
export function toShape(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw invalidArgType('shape', 'an array of integers', value);
  if (value.length > MAX_NDIM) throw doesNotFit(`A view has at most ${MAX_NDIM} dimensions, not ${value.length}`);
  return Array.from(value as unknown[]);
}

function toCount(value: unknown): number {
  const count = toInteger(value, 'shape');
  if (!(count > 0 && count <= Number.MAX_SAFE_INTEGER)) throw outOfRange('shape', 'positive integers', value);
  return count;
}

/**
 * What cast() makes of contiguous memory of `nbytes` bytes: one dimension, or the shape given. The
 * order of the checks is CPython's. Throws ERR_VIEW_LAYOUT, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
 */
export function castLayout(
  offset: number, nbytes: number, itemsize: number, items: readonly unknown[] | undefined, order: Order,
): Layout {
  if (nbytes % itemsize !== 0) {
    throw doesNotFit(`${nbytes} bytes are not a multiple of the itemsize ${itemsize}: slice the view first`);
  }
  const shape = items === undefined ? [nbytes / itemsize] : items.map(toCount);
  const needed = product(shape) * itemsize;
  if (needed !== nbytes) {
    throw doesNotFit(`The shape [${shape.join(', ')}] of ${itemsize}-byte elements needs ${needed} bytes, the view has ${nbytes}`);
  }
  return { offset, shape, strides: contiguousStrides(shape, itemsize, order) };
}
