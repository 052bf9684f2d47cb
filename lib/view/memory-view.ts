/**
 * MemoryView: Python's memoryview over any memory a program has.
 *
 * A view is four words: its owner (memory, alive or not), where its first element lies in it, how
 * many items its first dimension has, and a form shared with all views like it. Slicing makes four
 * words and nothing else. Every operation first asks whether the owner is open; an operation that
 * ran the caller's code asks again. release() points the view at an owner that never was open.
 */
import { invalidThis } from '../errors';
import { optionalBoolean, optionsObject } from '../validate';
import { readAt, toStored, writeAt, bytesAt, place } from './elements';
import { BYTES, flatForm, Form, formOf } from './form';
import { KIND, parseFormat, type Scalar } from './format';
import { elementOffset, isContiguous, product, toIndex, toInteger, toSlice, type Layout } from './layout';
import { bytesOf, checkOwner, dataOf, exportedBy, isOwner, RELEASED, type Owner } from './owner';
import { readonlyError } from './elements';
import { notMemory, userMemory } from './user-memory';

export type { Scalar } from './format';

/** What a view can be made from; a Mapping as well, and any exporter registered with registerExporter(). */
export type MemorySource = object;

export interface MemoryViewOptions {
  /** Refuse writes through this view and those made from it. Default: as the source. */
  readonly readonly?: boolean;
}

export let viewOf: (owner: Owner, offset: number, length: number) => MemoryView;

export class MemoryView {
  // Plain properties, in this order: `owner` first for the sake of its clone guard, and not #private,
  // which costs 5 ns per slice. The memory is out of reach all the same: it is private to Owner.
  private owner: Owner;
  /** Of the element whose indices are all 0, bytes from the owner's start. */
  private readonly offset: number;
  /** Items of the first dimension; 1 where there is none. */
  private readonly count: number;
  private readonly form: Form;

  static {
    viewOf = (owner, offset, length) => make(owner, offset, length, owner.exporter.readonly ? BYTES.locked() : BYTES);
  }

  constructor(source: MemorySource, options?: MemoryViewOptions);
  constructor(source: MemorySource, options?: MemoryViewOptions | number, count?: number, form?: unknown) {
    if (form instanceof Form) {
      this.owner = source as Owner;
      this.offset = options as number;
      this.count = count as number;
      this.form = form;
      return;
    }
    const { readonly } = optionsObject(options as MemoryViewOptions | undefined, 'options', ['readonly']);
    const lock = optionalBoolean(readonly, 'options.readonly', false);
    const origin = originOf(source);
    if (origin === undefined) throw notMemory(source);
    checkOwner(origin.owner);
    this.owner = origin.owner;
    this.offset = origin.offset;
    this.count = origin.count;
    this.form = lock ? origin.form.locked() : origin.form;
  }

  /** Reads one element. */
  get(index: number | readonly number[]): Scalar {
    const owner = openOwner(this);
    const { form } = this;
    if (typeof index === 'number' && form.kind === KIND.U8 && index >= 0 && index < this.count && Number.isInteger(index)) {
      const value = bytesOf(owner)[this.offset + index * form.stride];
      if (value !== undefined) return value;
    }
    return readAt(owner, this.locate(index), form.format);
  }

  /** Writes one element. */
  set(index: number | readonly number[], value: Scalar): void {
    const owner = openOwner(this);
    const { form } = this;
    if (form.readonly) throw readonlyError();
    const at = this.locate(index);
    const stored = toStored(value, form.format);
    openOwner(this);
    writeAt(owner, at, form.format, stored);
  }

  private locate(index: unknown): number {
    if (Array.isArray(index)) return elementOffset(this.layout(), index.slice());
    if (this.form.ndim === 1) return this.offset + toIndex(index, this.count) * this.form.stride;
    return elementOffset(this.layout(), [index]);
  }

  private layout(): Layout {
    const { offset, form, count } = this;
    if (form.ndim === 0) return { offset, shape: [], strides: [] };
    return { offset, shape: [count, ...form.restShape], strides: [form.stride, ...form.restStrides] };
  }

  /** Python's slice of the first dimension. */
  slice(start?: number | null, stop?: number | null, step?: number | null): MemoryView {
    const owner = openOwner(this);
    const { form } = this;
    const part = toSlice(start, stop, step, this.count);
    return make(owner, this.offset + part.first * form.stride, part.count, form.withStride(form.stride * part.step));
  }

  /** A copy of the bytes. */
  toBytes(): Uint8Array {
    return new Uint8Array(this.asUint8Array());
  }

  asUint8Array(): Uint8Array {
    const owner = openOwner(this);
    checkOwner(owner);
    const length = this.count * this.form.itemsize;
    const spot = place(owner, this.offset, length);
    spot.owner.exporter.expose(spot.owner);
    return bytesAt(spot, length);
  }

  get length(): number {
    openOwner(this);
    return this.count;
  }

  get nbytes(): number {
    openOwner(this);
    return product(this.layout().shape) * this.form.itemsize;
  }

  get readonly(): boolean {
    openOwner(this);
    return this.form.readonly;
  }

  get released(): boolean {
    return this.owner === RELEASED;
  }

  release(): void {
    this.owner = RELEASED;
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

interface Origin {
  readonly owner: Owner;
  readonly offset: number;
  readonly count: number;
  readonly form: Form;
}

function originOf(source: unknown): Origin | undefined {
  if (typeof source !== 'object' || source === null) return undefined;
  if (source instanceof MemoryView) return source as unknown as Origin;
  const memory = userMemory(source);
  if (memory !== undefined) return { ...memory, offset: 0, count: memory.owner.byteLength / memory.form.itemsize };
  const exported = exportedBy(source);
  if (exported === undefined) return undefined;
  const { owner, offset, byteLength } = exported;
  return { owner, offset, count: byteLength, form: flatForm(parseFormat('B'), owner.exporter.readonly) };
}

const Make = MemoryView as unknown as new (owner: Owner, offset: number, count: number, form: Form) => MemoryView;

function make(owner: Owner, offset: number, count: number, form: Form): MemoryView {
  return new Make(owner, offset, count, form);
}

function openOwner(view: MemoryView): Owner {
  const owner = (view as unknown as { owner?: Owner } | undefined)?.owner;
  if (owner?.open !== true) throw whyNot(owner);
  return owner;
}

function whyNot(owner: unknown): Error {
  return isOwner(owner) ? owner.exporter.reason() : invalidThis('MemoryView');
}
