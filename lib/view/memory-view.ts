/**
 * MemoryView: Python's memoryview over any memory a program has.
 *
 * A view is four words: its owner (memory, alive or not), where its first element lies in it, how
 * many items its first dimension has, and a form shared with all views like it. Slicing makes four
 * words and nothing else. Every operation first asks whether the owner is open; an operation that
 * ran the caller's code asks again. release() points the view at an owner that never was open.
 */
import { inspect, type InspectOptions } from 'node:util';
import { invalidThis } from '../errors';
import { oneOf, optionalBoolean, optionsObject, wholeNumber } from '../validate';
import { sameElements } from './compare';
import { elementBytes, fillArea, packed } from './copy';
import { readAt, readElement, readonlyError, rebased, toStored, writeAt, writeElement } from './elements';
import { BYTES, FLOAT64S, formOf, INT32S, NO_FAST_KIND, type Form } from './form';
import type { Format, Scalar } from './format';
import { castLayout, contiguousStrides, isContiguous, sameShape, select, steppedStride, toInteger, toSlice, type Key,
  type Order } from './layout';
import { bytesOf, checkOwner, dataOf, faultEpoch, float64sOf, int32sOf, isOwner, RELEASED, widen,
  type Owner } from './owner';
import {
  areaIn, checkCastFormat, checkCastShape, checkDimension, checkSameFormat, itemOf, layoutError, locate,
  partsOfSource, ranged, shapeText, type Parts,
} from './parts';
import { rawMemory, rawTypedArray } from './raw';
import { countOf, firstIndex, lastIndex } from './search';
import { copyChecked, intact, opened, readable, writable } from './state';
import { describe, toHex, toNestedList, toSeparator, type NestedList } from './text';
import { countable, remember, report, tracing } from './trace';
import { notMemory } from './user-memory';
import { byteLength, items, type Area } from './walk';

export type { Scalar } from './format';
export type { Key } from './layout';
export type { NestedList } from './text';

/** Something of another layer that has memory to look at: a Mapping. */
export interface MemoryExporter {
  view(offset?: number, length?: number): MemoryView;
}

/** What a view can be made from. */
export type MemorySource = MemoryView | ArrayBuffer | SharedArrayBuffer | ArrayBufferView | MemoryExporter;

/** What iterating answers: elements, or views where there are more dimensions. */
export type Item = Scalar | MemoryView;

export interface MemoryViewOptions {
  /** Refuse writes through this view and those made from it. Default: as the source. */
  readonly readonly?: boolean;
}

// Bound once, for the hot paths: what a module exports is looked up at every use.
const epochs = faultEpoch;
const bytesIn = bytesOf;
const int32sIn = int32sOf;
const float64sIn = float64sOf;
const dataIn = dataOf;
const readIn = readElement;
const writeIn = writeElement;
const storedIn = toStored;
const widenIn = widen;
const LOCKED_BYTES = BYTES.locked();
const LOCKED_INT32S = INT32S.locked();
const LOCKED_FLOAT64S = FLOAT64S.locked();

/**
 * Makes a view of format 'B' over [offset, offset + length) of an owner, counted from the owner's start. For
 * layers above.
 */
export let viewOf: (owner: Owner, offset: number, length: number) => MemoryView;

/**
 * Looks at the bytes of a 'B' view as elements of a shape that needs as many of them; unlike cast(), which follows
 * CPython there, of a shape with no items too. For layers above.
 */
export let shapedView: (bytes: MemoryView, format: Format, shape: readonly number[], order: Order) => MemoryView;

/** The elements of anything that has memory. Throws ERR_INVALID_ARG_TYPE and why it is not open. For layers above. */
export function areaOf(source: unknown, name: string): Area {
  return areaIn(partsOf(source, name));
}

export class MemoryView {
  // Plain properties, in this order: `owner` first for the sake of its clone guard, and not #private,
  // which costs 5 ns per slice. The memory is out of reach all the same: it is private to Owner.
  private owner: Owner;
  private readonly offset: number;
  private readonly items: number;
  private readonly form: Form;

  // -------------------------------------------------------------- construct

  /**
   * A view of all the memory of `source`, in the format the source has: nothing is copied.
   * Throws ERR_INVALID_ARG_TYPE for what has no memory, ERR_INVALID_ARG_VALUE for what is detached,
   * ERR_VIEW_RELEASED and ERR_MAPPING_CLOSED. Python: `memoryview(source)`.
   */
  constructor(source: MemorySource, options?: MemoryViewOptions);
  constructor(source: MemorySource | Owner, options?: MemoryViewOptions | number, count?: number, form?: Form) {
    if (form !== undefined) { // one of ours: see make()
      this.owner = source as Owner;
      this.offset = options as number;
      this.items = count as number;
      this.form = form;
      return;
    }
    const { readonly } = optionsObject(options as MemoryViewOptions | undefined, 'options', ['readonly']);
    const lock = optionalBoolean(readonly, 'options.readonly', false);
    const parts = partsOf(source, 'source');
    this.owner = parts.owner;
    this.offset = parts.offset;
    this.items = parts.items;
    this.form = lock ? parts.form.locked() : parts.form;
    if (new.target !== MemoryView) keepCountable(this);
    if (tracing) remember(this, MemoryView as never);
  }

  static {
    countable(MemoryView);
    viewOf = (owner, offset, length) => make(owner, offset, length, owner.exporter.readonly ? BYTES.locked() : BYTES);
    shapedView = (bytes, format, shape, order) => {
      const { owner, offset, form } = opened(bytes);
      const strides = contiguousStrides(shape, format.itemsize, order);
      return make(owner, offset, shape[0] ?? 1, formOf(format, form.readonly, shape, strides));
    };
  }

  /** Is `value` a MemoryView, released or not? */
  static isMemoryView(value: unknown): value is MemoryView {
    return value instanceof MemoryView && isOwner(value.owner);
  }

  // -------------------------------------------------------------- what it is

  /** The object the memory came from. Python: `memoryview.obj`. */
  get obj(): object {
    return opened(this).owner.exporter.source;
  }

  /** Format of the elements, as in Python's struct module: 'B', 'i', '<d'. */
  get format(): string {
    return opened(this).form.format.text;
  }

  /** Bytes per element. */
  get itemsize(): number {
    return opened(this).form.itemsize;
  }

  /** Bytes of all elements: as many as toBytes() copies. */
  get nbytes(): number {
    return byteLength(areaIn(opened(this)));
  }

  /** How many dimensions; 0 to 64. */
  get ndim(): number {
    return opened(this).form.ndim;
  }

  /** Items per dimension. */
  get shape(): readonly number[] {
    return areaIn(opened(this)).shape;
  }

  /** Bytes from one item to the next, per dimension; may be negative. */
  get strides(): readonly number[] {
    return areaIn(opened(this)).strides;
  }

  /** Does the view refuse writes? */
  get readonly(): boolean {
    return opened(this).form.readonly;
  }

  /** Do the elements lie side by side, the last index varying fastest? */
  get cContiguous(): boolean {
    return isContiguous(areaIn(opened(this)), this.form.itemsize, 'C');
  }

  /** Do the elements lie side by side, the first index varying fastest? */
  get fContiguous(): boolean {
    return isContiguous(areaIn(opened(this)), this.form.itemsize, 'F');
  }

  /** cContiguous or fContiguous. */
  get contiguous(): boolean {
    const area = areaIn(opened(this));
    return isContiguous(area, area.format.itemsize, 'C') || isContiguous(area, area.format.itemsize, 'F');
  }

  /** Items of the first dimension: `shape[0]`. Throws ERR_VIEW_LAYOUT where there is no dimension. */
  get length(): number {
    checkDimension(opened(this).form);
    return this.items;
  }

  /** Was it released, by release() or because its mapping was resized? What a released view still answers. */
  get released(): boolean {
    return genuine(this).owner.exporter.released === true;
  }

  // -------------------------------------------------------------- elements

  /**
   * One element; negative indices count from the end; a view of several dimensions takes as many
   * indices. Throws ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE. Python: `m[i]`, `m[i, j]`.
   */
  get(index: number | readonly number[]): Scalar {
    const owner = (this as MemoryView | undefined)?.owner;
    if (owner !== undefined && owner.epoch === epochs[0] && isBelow(index, this.items)) {
      const { form } = this;
      // What a detached or misaligned array does not have is undefined: then the slow way finds out why.
      if (form === BYTES || form === LOCKED_BYTES) {
        const value = bytesIn(owner)[this.offset + index];
        if (value !== undefined) return value;
      } else if (form === INT32S || form === LOCKED_INT32S) {
        const value = int32sIn(owner)[this.offset / 4 + index];
        if (value !== undefined) return value;
      } else if (form === FLOAT64S || form === LOCKED_FLOAT64S) {
        const value = float64sIn(owner)[this.offset / 8 + index];
        if (value !== undefined) return value;
      }
      const at = this.offset + index * form.stride;
      if (form.kind !== NO_FAST_KIND && isWhole(owner, at)) return readIn(dataIn(owner), form.kind, at, form.little);
    }
    return getSlowly(this, index);
  }

  /**
   * Writes one element. Throws ERR_VIEW_READONLY, ERR_OUT_OF_RANGE for an index or a value the format
   * cannot hold, ERR_INVALID_ARG_TYPE; nothing is coerced. Python: `m[i] = value`.
   */
  set(index: number | readonly number[], value: Scalar): void {
    const owner = (this as MemoryView | undefined)?.owner;
    if (owner !== undefined && owner.epoch === epochs[0] && isBelow(index, this.items)) {
      const { form } = this;
      // The read-only twins of these forms are other objects.
      if (form === BYTES && isByte(value)) {
        const bytes = bytesIn(owner);
        const at = this.offset + index;
        if (bytes[at] !== undefined) return void (bytes[at] = value);
      } else if (form === INT32S && isInt32(value)) {
        const int32s = int32sIn(owner);
        const at = this.offset / 4 + index;
        if (int32s[at] !== undefined) return void (int32s[at] = value);
      } else if (form === FLOAT64S && typeof value === 'number') {
        const float64s = float64sIn(owner);
        const at = this.offset / 8 + index;
        if (float64s[at] !== undefined) return void (float64s[at] = value);
      }
      const at = this.offset + index * form.stride;
      if (form.kind !== NO_FAST_KIND && !form.readonly && isWhole(owner, at)) {
        const stored = storedIn(value, form.format); // runs nothing of the caller's
        writeIn(dataIn(owner), form.kind, at, stored, form.little);
        return;
      }
    }
    setSlowly(this, index, value);
  }

  // -------------------------------------------------------------- views of the same memory

  /**
   * Part of the first dimension, as Python's `m[start:stop:step]`: negative bounds count from the end,
   * bounds are clamped, `step` may be negative, null and undefined mean the default. Copies nothing.
   * Throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for a step of 0, ERR_VIEW_LAYOUT without a dimension.
   */
  slice(start?: number | null, stop?: number | null, step?: number | null): MemoryView {
    const fast = (this as MemoryView | undefined)?.owner;
    if (fast !== undefined && fast.epoch === epochs[0] && step === undefined && isSmall(start) && isSmall(stop)
      && start < stop && stop <= this.items && this.form.ndim !== 0 && !fast.span) {
      return make(fast, this.offset + start * this.form.stride, stop - start, this.form);
    }
    const { owner, offset, items: count, form } = opened(this);
    checkDimension(form);
    const taken = toSlice(start, stop, step, count);
    return remake(owner, offset + taken.first * form.stride, taken.count, form.withStride(steppedStride(form.stride,
      taken.step)));
  }

  /**
   * NumPy's basic indexing: an integer drops a dimension, [start, stop, step] keeps part of it, '...'
   * stands for all dimensions not mentioned. Throws ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE.
   */
  select(...keys: Key[]): MemoryView {
    const { format, readonly } = opened(this).form;
    const { offset, shape, strides } = select(areaIn(opened(this)), keys);
    return remake(opened(this).owner, offset, shape[0] ?? 1, formOf(format, readonly, shape, strides));
  }

  /**
   * The same bytes as other elements: between a byte format ('b', 'B', 'c') and any other, from one
   * dimension to many and back; `order` 'F' lets the first index vary fastest. Throws ERR_VIEW_LAYOUT,
   * ERR_INVALID_ARG_VALUE, ERR_INVALID_ARG_TYPE. Python: `memoryview.cast`.
   */
  cast(format: string, shape?: readonly number[], order?: 'C' | 'F'): MemoryView {
    const area = areaIn(opened(this));
    const full = checkCastShape(area, shape);
    const to = checkCastFormat(area, format);
    const by: Order = oneOf(order, 'order', ['C', 'F'], 'C');
    const layout = castLayout(area.offset, byteLength(area), to.itemsize, full, by);
    const form = formOf(to, this.form.readonly, layout.shape, layout.strides);
    return make(opened(this).owner, layout.offset, layout.shape[0] ?? 1, form);
  }

  /** The same view, refusing writes. Python: `memoryview.toreadonly`. */
  toReadonly(): MemoryView {
    const { owner, offset, items: count, form } = opened(this);
    return make(owner, offset, count, form.locked());
  }

  // -------------------------------------------------------------- writing

  /**
   * Copies all elements of `source`, which has the same format and shape, as if through a copy where
   * the two overlap; all or nothing. Throws ERR_VIEW_READONLY, ERR_VIEW_LAYOUT, ERR_INVALID_ARG_TYPE.
   * Python: `m[a:b] = source` is `m.slice(a, b).assign(source)`.
   */
  assign(source: MemorySource): this {
    const to = areaIn(writable(this));
    const from = areaIn(partsOf(source, 'source'));
    checkSameFormat(from, to);
    if (!sameShape(from.shape, to.shape)) throw layoutError(`The source has the shape ${shapeText(from.shape)}, the view ${shapeText(to.shape)}`);
    copyChecked(from, to);
    return this;
  }

  /**
   * One value to all elements, or to those of items [start, end) of the first dimension; bounds as
   * in slice(). Throws ERR_VIEW_READONLY, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE.
   */
  fill(value: Scalar, start?: number, end?: number): this {
    const parts = writable(this);
    const { format, ndim } = parts.form;
    const element = elementBytes(toStored(value, format), format);
    const target = ndim === 0 ? areaIn(parts) : ranged(parts, start, end);
    checkOwner(target.owner);
    fillArea(target, element);
    checkOwner(target.owner);
    return this;
  }

  /**
   * Copies items [start, stop) of the first dimension to `target` from its item `targetStart` on: as
   * many as fit, as Buffer#copy does. Answers how many items were copied. The format must be the
   * target's. Throws ERR_VIEW_READONLY, ERR_VIEW_LAYOUT, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE.
   */
  copyTo(target: MemorySource, targetStart = 0, start?: number, stop?: number): number {
    const source = opened(this);
    checkOwner(source.owner);
    const parts = partsOf(target, 'target');
    if (parts.form.readonly) throw readonlyError();
    checkDimension(parts.form);
    const wanted = ranged(source, start, stop);
    const first = wholeNumber(targetStart, 'targetStart', 0, parts.items);
    const count = Math.min(wanted.shape[0] as number, parts.items - first);
    const from = items(wanted, 0, count);
    const to = items(areaIn(parts), first, first + count);
    checkSameFormat(from, to);
    if (!sameShape(from.shape.slice(1), to.shape.slice(1))) {
      throw layoutError(`Items of the shape ${shapeText(from.shape.slice(1))} do not fit a target of ${shapeText(to.shape.slice(1))}`);
    }
    copyChecked(from, to);
    return count;
  }

  // -------------------------------------------------------------- copies

  /**
   * All elements, nested as deep as there are dimensions. Throws ERR_BUFFER_TOO_LARGE for more than 10 ** 8 of them.
   * Python: `memoryview.tolist`.
   */
  toList(): NestedList {
    const from = readable(this);
    return intact(from, toNestedList(from));
  }

  /**
   * A copy of the elements' bytes: 'C' (the default) with the last index varying fastest, 'F' the
   * first, 'A' as they lie in memory where that is F order, else C. Throws ERR_BUFFER_TOO_LARGE for more
   * than an array can hold. Python: `memoryview.tobytes`.
   */
  toBytes(order?: 'C' | 'F' | 'A' | null): Uint8Array {
    const from = readable(this);
    const by = oneOf(order ?? undefined, 'order', ['C', 'F', 'A'], 'C');
    const stored: Order = isContiguous(from, from.format.itemsize, 'F') ? 'F' : 'C';
    return intact(from, packed(from, by === 'A' ? stored : by));
  }

  /**
   * The elements' bytes as hexadecimal digits, with `sep` (one ASCII character) between groups of
   * `bytesPerSep` (default 1) counted from the right, from the left where negative. Python: `memoryview.hex`.
   */
  hex(sep?: string, bytesPerSep = 1): string {
    const from = readable(this);
    return intact(from, toHex(from, toSeparator(sep), toInteger(bytesPerSep, 'bytesPerSep')));
  }

  /**
   * What JSON.stringify() writes: format, shape, and the elements as toList() has them, as Buffer's does. Throws as
   * toList().
   */
  toJSON(): { type: 'MemoryView'; format: string; shape: readonly number[]; data: NestedList } {
    const { format, shape } = readable(this);
    return { type: 'MemoryView', format: format.text, shape, data: this.toList() };
  }

  // -------------------------------------------------------------- looking for values

  /**
   * Same shape and equal elements, by value whatever the formats; NaN equals nothing. `other` is a
   * view or anything a view can be made from; of memory that is gone only the same view is equal.
   * Never throws. Python: `==`.
   */
  equals(other: unknown): boolean {
    genuine(this);
    try {
      const [one, two] = [readable(this), areaIn(partsOf(other, 'other'))];
      return intact(one, intact(two, sameElements(one, two)));
    } catch {
      return this === other;
    }
  }

  /**
   * Index of the first item equal to `value` in [start, stop), bounds as in slice(); -1. Items are
   * elements, or views where there are more dimensions. Python: `memoryview.index`.
   */
  indexOf(value: unknown, start?: number, stop?: number): number {
    const { area, first } = searched(this, start, stop);
    const found = intact(area, firstItem(area, value));
    return found < 0 ? -1 : first + found;
  }

  /** Index of the last item equal to `value` in [start, stop), bounds as in slice(); -1. */
  lastIndexOf(value: unknown, start?: number, stop?: number): number {
    const { area, first } = searched(this, start, stop);
    const found = area.shape.length === 1 ? lastIndex(area, value) : itemsEqual(area, value).lastIndexOf(true);
    return intact(area, found) < 0 ? -1 : first + found;
  }

  /** Is an item equal to `value`? NaN is never found. Python: `value in m`. */
  includes(value: unknown): boolean {
    const { area } = searched(this, undefined, undefined);
    return intact(area, firstItem(area, value)) >= 0;
  }

  /** How many items are equal to `value`. Python: `memoryview.count`. */
  count(value: unknown): number {
    const { area } = searched(this, undefined, undefined);
    const count = area.shape.length === 1 ? countOf(area, value) : itemsEqual(area, value).filter(Boolean).length;
    return intact(area, count);
  }

  /** The items from the first to the last, read when they are asked for. */
  [Symbol.iterator](): IterableIterator<Item> {
    checkDimension(opened(this).form);
    return iterate(this, 0, 1);
  }

  /** The items from the last to the first, read when they are asked for. */
  reversed(): IterableIterator<Item> {
    checkDimension(opened(this).form);
    return iterate(this, this.items - 1, -1);
  }

  // -------------------------------------------------------------- the memory itself

  /**
   * The bytes of the view, shared. Throws ERR_VIEW_LAYOUT unless contiguous, ERR_VIEW_READONLY over
   * memory that a raw write would change, ERR_BUFFER_TOO_LARGE for more than an array can hold.
   */
  asUint8Array(): Uint8Array {
    const { buffer, byteOffset, byteLength: length } = rawMemory(areaIn(opened(this)), this.form.readonly);
    return new Uint8Array(buffer, byteOffset, length);
  }

  /** As asUint8Array(), as Node's Buffer. */
  asBuffer(): Buffer {
    const { buffer, byteOffset, byteLength: length } = rawMemory(areaIn(opened(this)), this.form.readonly);
    return Buffer.from(buffer, byteOffset, length);
  }

  /** As asUint8Array(), as a DataView. */
  asDataView(): DataView {
    const { buffer, byteOffset, byteLength: length } = rawMemory(areaIn(opened(this)), this.form.readonly);
    return new DataView(buffer, byteOffset, length);
  }

  /**
   * The elements as the typed array of their format, shared, in memory order. Throws as asUint8Array(),
   * and ERR_VIEW_LAYOUT where the elements are not aligned or not in this machine's byte order.
   */
  asTypedArray(): NodeJS.TypedArray {
    return rawTypedArray(areaIn(opened(this)), this.form.readonly);
  }

  // -------------------------------------------------------------- end

  /**
   * Ends this view, not those made from it; idempotent. It keeps no memory alive any more. Python:
   * `memoryview.release`.
   */
  release(): void {
    end(genuine(this));
  }

  [Symbol.dispose](): void {
    end(genuine(this));
  }

  /** What console.log shows: one line. Never throws. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const parts = this as unknown as Parts;
    if (countedByCensus(parts, this)) return '';
    return isOwner(parts.owner) ? describe(parts, this.released, options) : 'MemoryView {}';
  }
}

/** An heir may be inspected as it likes, but a census reaches it first, and runs none of its code. */
function keepCountable(heir: MemoryView): void {
  Object.defineProperty(heir, inspect.custom, {
    configurable: true,
    writable: true,
    value(this: MemoryView, ...args: [number, InspectOptions]): unknown {
      if (countedByCensus(this as unknown as Parts, this)) return '';
      const own = (Object.getPrototypeOf(this) as MemoryView)[inspect.custom] as (...rest: unknown[]) => unknown;
      return Reflect.apply(own, this, args);
    },
  });
}

/** While somebody counts the live views, being inspected is being counted (trace.ts). */
function countedByCensus({ owner, offset, items, form }: Parts, view: MemoryView): boolean {
  if (!isOwner(owner) || !owner.open) return report(undefined);
  return report({ view, source: owner.exporter.source, nbytes: byteLength(areaIn({ owner, offset, items, form })) });
}

// ---------------------------------------------------------------- elements, fast and slow

/** An index from 0 to 2 ** 31 - 1. */
function isSmall(index: unknown): index is number {
  return typeof index === 'number' && (index | 0) === index && index >= 0;
}

/** An index from 0 to `count` - 1. */
function isBelow(index: unknown, count: number): index is number {
  return isSmall(index) && index < count;
}

/**
 * Has the owner all its memory, in one typed array? Then that has the byte `at`: its length is not to be trusted, and
 * an ArrayBuffer's costs more (isIntact()). Widened the first time, for the next.
 */
function isWhole(owner: Owner, at: number): boolean {
  if (bytesIn(owner)[at] === undefined) return false;
  widenIn(owner);
  return true;
}

function isInt32(value: unknown): value is number {
  return typeof value === 'number' && (value | 0) === value;
}

function isByte(value: unknown): value is number {
  return typeof value === 'number' && (value & 255) === value;
}

function getSlowly(view: MemoryView, index: unknown): Scalar {
  const parts = opened(view);
  checkOwner(parts.owner);
  const { form } = parts;
  const at = locate(parts, index);
  const { owner } = opened(view);
  return readAt(owner, at, form.format);
}

function setSlowly(view: MemoryView, index: unknown, value: unknown): void {
  const parts = writable(view);
  const { form } = parts;
  const at = locate(parts, index);
  const stored = toStored(value, form.format);
  const { owner } = opened(view);
  writeAt(owner, at, form.format, stored);
}

// ---------------------------------------------------------------- making views

const Make = MemoryView as unknown as new (owner: Owner, offset: number, items: number, form: Form) => MemoryView;

function make(owner: Owner, offset: number, count: number, form: Form): MemoryView {
  const view = new Make(owner, offset, count, form);
  if (tracing) remember(view, make);
  return view;
}

/** As make(); of memory longer than a typed array, over a piece that holds the whole view where there is one. */
function remake(owner: Owner, offset: number, count: number, form: Form): MemoryView {
  if (!owner.span) return make(owner, offset, count, form);
  const found = rebased(areaIn({ owner, offset, items: count, form }));
  return make(found.owner, found.at, count, form);
}

/** The parts of anything that has memory, open. Throws ERR_INVALID_ARG_TYPE and why it is not open. */
function partsOf(source: unknown, name: string): Parts {
  if (source instanceof MemoryView) {
    const parts = opened(source);
    checkOwner(parts.owner);
    return parts;
  }
  const parts = typeof source === 'object' && source !== null ? partsOfSource(source, name) : undefined;
  if (parts === undefined) throw notMemory(source, name);
  checkOwner(parts.owner);
  return parts;
}

/** The parts of a view, open or not. Throws ERR_INVALID_THIS. */
function genuine(view: MemoryView): Parts {
  if (!MemoryView.isMemoryView(view)) throw invalidThis('MemoryView');
  return view as unknown as Parts;
}

/** Points a view at nothing, unless Object.freeze() has made that impossible. */
function end(parts: { -readonly [Name in keyof Parts]: Parts[Name] }): void {
  try {
    parts.owner = RELEASED;
  } catch {
    throw invalidThis('MemoryView that is not frozen');
  }
}

// ---------------------------------------------------------------- items

function searched(view: MemoryView, start: unknown, stop: unknown): { area: Area; first: number } {
  const parts = opened(view);
  checkOwner(parts.owner);
  checkDimension(parts.form);
  const { first, count } = toSlice(start, stop, undefined, parts.items);
  return { area: items(areaIn(parts), first, first + count), first };
}

function firstItem(area: Area, value: unknown): number {
  return area.shape.length === 1 ? firstIndex(area, value) : itemsEqual(area, value).indexOf(true);
}

/** Which items of an area with several dimensions equal `value`, which is memory too. */
function itemsEqual(area: Area, value: unknown): boolean[] {
  let other: Area;
  try {
    other = areaIn(partsOf(value, 'value'));
  } catch {
    return [];
  }
  return Array.from({ length: area.shape[0] as number }, (_, index) => sameElements(itemOf(area, index), other));
}

function* iterate(view: MemoryView, first: number, step: 1 | -1): IterableIterator<Item> {
  for (let i = first; i >= 0 && i < opened(view).items; i += step) yield itemOrView(view, i);
}

function itemOrView(view: MemoryView, index: number): Item {
  return opened(view).form.ndim === 1 ? view.get(index) : view.select(index);
}
