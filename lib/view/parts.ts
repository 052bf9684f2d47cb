/** What one view is made of, and what its functions make of that: areas to walk, offsets to read. */
import { zeroCopyError } from '../errors';
import { flatForm, type Form } from './form';
import { parseFormat, type Format } from './format';
import { elementOffset, isContiguous, part, toIndex, toShape, toSlice } from './layout';
import { exportedBy, type Owner } from './owner';
import { userMemory } from './user-memory';
import { items, rearranged, type Area } from './walk';

export interface Parts {
  readonly owner: Owner;
  /** Of the element whose indices are all 0, bytes from the owner's start. */
  readonly offset: number;
  /** Items of the first dimension; 1 where there is none. */
  readonly items: number;
  readonly form: Form;
}

/** The parts of what is no view itself; undefined for what has no memory. */
export function partsOfSource(source: object, name: string): Parts | undefined {
  const memory = userMemory(source, name);
  if (memory !== undefined) {
    const { owner, form } = memory;
    return { owner, offset: 0, items: owner.byteLength / form.itemsize, form };
  }
  const exported = exportedBy(source);
  if (exported === undefined) return undefined;
  const { owner, offset, byteLength } = exported;
  return { owner, offset, items: byteLength, form: flatForm(parseFormat('B'), owner.exporter.readonly) };
}

export function areaIn({ owner, offset, items: count, form }: Parts): Area {
  const { format, ndim, stride, restShape, restStrides } = form;
  if (ndim === 0) return { owner, format, offset, shape: [], strides: [] };
  return { owner, format, offset, shape: [count, ...restShape], strides: [stride, ...restStrides] };
}

/**
 * Where the element of an index, or of several, lies. Throws ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE,
 * ERR_INVALID_ARG_VALUE.
 */
export function locate(parts: Parts, index: unknown): number {
  if (Array.isArray(index)) return elementOffset(areaIn(parts), Array.from(index as readonly unknown[]));
  if (parts.form.ndim !== 1) return elementOffset(areaIn(parts), [index]);
  return parts.offset + toIndex(index, parts.items) * parts.form.stride;
}

export function layoutError(message: string): Error {
  return zeroCopyError('ERR_VIEW_LAYOUT', message);
}

export function checkDimension({ ndim }: Form): void {
  if (ndim === 0) throw layoutError('This view has no dimension: it is one element, which get([]) reads');
}

/** Items [start, stop) of the first dimension, bounds as in slice(). */
export function ranged(parts: Parts, start: unknown, stop: unknown): Area {
  checkDimension(parts.form);
  const { first, count } = toSlice(start, stop, undefined, parts.items);
  return items(areaIn(parts), first, first + count);
}

/** Item `index` of the first dimension, which there is, without that dimension. */
export function itemOf(area: Area, index: number): Area {
  const { offset, shape, strides } = part(area, 0, index, index + 1);
  return rearranged(area, { offset, shape: shape.slice(1), strides: strides.slice(1) });
}

export function checkSameFormat(from: Area, to: Area): void {
  if (from.format.id === to.format.id) return;
  throw layoutError(`The formats differ, '${from.format.text}' and '${to.format.text}': cast one of them, or copy by toBytes()`);
}

export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/**
 * What cast() may be asked of an area; the order of these checks is CPython's. Throws ERR_VIEW_LAYOUT and of
 * toShape().
 */
export function checkCastShape({ shape, format, ...area }: Area, wanted: unknown): unknown[] | undefined {
  if (!isContiguous({ ...area, shape }, format.itemsize, 'C')) {
    throw layoutError('Only a C-contiguous view can be cast: make a view of a copy, toBytes(), first');
  }
  const given = wanted !== undefined && wanted !== null;
  if ((given || shape.length !== 1) && shape.includes(0)) {
    throw layoutError('A view with a dimension of 0 items has no other shape');
  }
  const full = given ? toShape(wanted) : undefined;
  if (shape.length !== 1 && full !== undefined && full.length !== 1) {
    throw layoutError('A cast goes from 1 dimension to n or from n to 1: cast to 1 dimension in between');
  }
  return full;
}

/** The format to cast to. Throws ERR_VIEW_LAYOUT unless one of the two is a byte format, and as parseFormat(). */
export function checkCastFormat({ format }: Area, wanted: unknown): Format {
  const to = parseFormat(wanted);
  if (!format.byte && !to.byte) throw layoutError(`A cast from '${format.text}' to '${to.text}' goes by bytes: cast('B').cast('${to.text}')`);
  return to;
}
