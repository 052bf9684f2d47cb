/**
 * Form: everything about a view but where its memory lies and how many items it has. Forms are
 * shared, so that a slice is four words: owner, offset, count, form. Pure.
 */
import { parseFormat, type Format, type Kind } from './format';

/** The kind of a Form whose elements get() and set() may not reach by one index. */
export const NO_FAST_KIND = -1;

export class Form {
  readonly format: Format;
  /** Of the element, for views of one dimension; NO_FAST_KIND for all others. */
  readonly kind: Kind | typeof NO_FAST_KIND;
  /** Bytes from one item of the first dimension to the next; 0 where there is no dimension. */
  readonly stride: number;
  readonly itemsize: number;
  readonly little: boolean;
  readonly readonly: boolean;
  readonly ndim: number;
  /** Of the dimensions after the first. */
  readonly restShape: readonly number[];
  readonly restStrides: readonly number[];
  /** The forms made last from this one, by stride and by read-only: slicing in a loop makes none anew. */
  #strided: Form | undefined;
  #locked: Form | undefined;

  constructor(format: Format, readonly: boolean, ndim: number, stride: number, restShape: readonly number[],
    restStrides: readonly number[]) {
    this.format = format;
    this.kind = ndim === 1 ? format.kind : NO_FAST_KIND;
    this.stride = stride;
    this.itemsize = format.itemsize;
    this.little = format.little;
    this.readonly = readonly;
    this.ndim = ndim;
    this.restShape = restShape;
    this.restStrides = restStrides;
    this.#strided = undefined;
    this.#locked = undefined;
  }

  /** The same with another stride of the first dimension, bytes. */
  withStride(stride: number): Form {
    if (stride === this.stride) return this;
    let form = this.#strided;
    if (form?.stride !== stride) {
      form = new Form(this.format, this.readonly, this.ndim, stride, this.restShape, this.restStrides);
      this.#strided = form;
    }
    return form;
  }

  /** The same, read-only. */
  locked(): Form {
    if (this.readonly) return this;
    return (this.#locked ??= new Form(this.format, true, this.ndim, this.stride, this.restShape, this.restStrides));
  }
}

const NONE: readonly number[] = Object.freeze([]);
const flat = new Map<Format, Form>();

/** Elements one after the other: one dimension, no gaps. */
export function flatForm(format: Format, readonly: boolean): Form {
  let form = flat.get(format);
  if (form === undefined) {
    form = new Form(format, false, 1, format.itemsize, NONE, NONE);
    flat.set(format, form);
  }
  return readonly ? form.locked() : form;
}

/** The form of a view with these strides; its count is shape[0], or 1 where there is no dimension. */
export function formOf(format: Format, readonly: boolean, shape: readonly number[], strides: readonly number[]): Form {
  if (shape.length === 1) return flatForm(format, readonly).withStride(strides[0] as number);
  return new Form(format, readonly, shape.length, strides[0] ?? 0, Object.freeze(shape.slice(1)),
    Object.freeze(strides.slice(1)));
}

/** The forms that get() and set() know by themselves. */
export const BYTES = flatForm(parseFormat('B'), false);
export const INT32S = flatForm(parseFormat('i'), false);
export const FLOAT64S = flatForm(parseFormat('d'), false);
