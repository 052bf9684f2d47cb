/** The memory of a view as arrays of the language: shared, never copied. */
import { zeroCopyError } from '../errors';
import { bytesOf, checkOwner } from './owner';
import { readonlyError } from './elements';
import { KIND, type Format } from './format';
import { isContiguous } from './layout';
import { byteLength, type Area } from './walk';

/** A stretch of memory in one ArrayBuffer. */
export interface Raw {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly byteLength: number;
}

interface ArrayClass {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): NodeJS.TypedArray;
  readonly BYTES_PER_ELEMENT: number;
}

const CLASSES: Readonly<Partial<Record<number, ArrayClass>>> = {
  [KIND.U8]: Uint8Array, [KIND.CHAR]: Uint8Array, [KIND.BOOL]: Uint8Array, [KIND.I8]: Int8Array,
  [KIND.I16]: Int16Array, [KIND.U16]: Uint16Array, [KIND.I32]: Int32Array, [KIND.U32]: Uint32Array,
  [KIND.F32]: Float32Array, [KIND.F64]: Float64Array, [KIND.I64]: BigInt64Array, [KIND.U64]: BigUint64Array,
};

function float16Array(): ArrayClass {
  const { Float16Array: found } = globalThis as { Float16Array?: ArrayClass };
  if (found === undefined) {
    throw zeroCopyError('ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
      "This engine has no Float16Array. Use get() or toList(), or cast('B').cast('H') for the bits");
  }
  return found;
}

/** The memory of a contiguous area, C or F order. Throws ERR_VIEW_LAYOUT, ERR_VIEW_READONLY, ERR_BUFFER_TOO_LARGE. */
export function rawMemory(area: Area, readonly: boolean): Raw {
  const { owner, format } = area;
  checkOwner(owner);
  const { exporter } = owner;
  // A read-only view of writable memory stays so whatever its exporter allows for read-only memory.
  if (readonly && !(exporter.readonly && exporter.rawWhenReadonly)) {
    throw readonlyError('A raw array cannot keep it so');
  }
  const length = byteLength(area);
  if (length > 0 && !isContiguous(area, format.itemsize, 'C') && !isContiguous(area, format.itemsize, 'F')) {
    throw zeroCopyError('ERR_VIEW_LAYOUT', 'The elements of this view do not lie side by side in memory, so no array can share them. Copy them with toBytes()');
  }
  const holder = owner.span ? exporter.hold(owner.start + area.offset, length) : owner;
  exporter.expose(holder);
  const { buffer, byteOffset } = bytesOf(holder);
  return { buffer, byteOffset: byteOffset + (owner.start + area.offset - holder.start), byteLength: length };
}

function checkArrayFits({ byteOffset }: Raw, { text, itemsize, native }: Format): void {
  if (!native) {
    throw zeroCopyError('ERR_VIEW_LAYOUT', `Format '${text}' is not this machine's byte order. Use asDataView(), get() or toList()`);
  }
  if (byteOffset % itemsize !== 0) {
    throw zeroCopyError('ERR_VIEW_LAYOUT',
      `The view begins at byte ${String(byteOffset)} of its ArrayBuffer, which is not a multiple of ${String(itemsize)}. `
      + 'Use asDataView() or get(), or a copy: toBytes()');
  }
}

/**
 * The typed array of the format over a contiguous area. Throws as rawMemory(); ERR_VIEW_LAYOUT for alignment and
 * byte order.
 */
export function rawTypedArray(area: Area, readonly: boolean): NodeJS.TypedArray {
  const { format } = area;
  const Class = format.kind === KIND.F16 ? float16Array() : (CLASSES[format.kind] as ArrayClass);
  const raw = rawMemory(area, readonly);
  checkArrayFits(raw, format);
  return new Class(raw.buffer, raw.byteOffset, raw.byteLength / format.itemsize);
}
