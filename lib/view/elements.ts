/** One element: reading it out of memory, writing it into memory. The memory must be intact. */
import { types } from 'node:util';
import { bufferTooLarge, invalidArgType, outOfRange, zeroCopyError } from '../errors';
import { encodeHalf, decodeHalf, fitsHalf } from './float16';
import { KIND, toBigInteger, toFloat, toSmallInteger, toTruth, type Format, type Kind, type Scalar } from './format';
import { extent, type Layout } from './layout';
import { checkOwner, dataOf, type Owner } from './owner';

/** Reads the element of `kind` at `at`. */
export function readElement(data: DataView, kind: Kind, at: number, little: boolean): Scalar {
  switch (kind) {
    case KIND.U8: return data.getUint8(at);
    case KIND.I8: return data.getInt8(at);
    case KIND.I16: return data.getInt16(at, little);
    case KIND.U16: return data.getUint16(at, little);
    case KIND.I32: return data.getInt32(at, little);
    case KIND.U32: return data.getUint32(at, little);
    case KIND.F32: return data.getFloat32(at, little);
    case KIND.F64: return data.getFloat64(at, little);
    case KIND.I64: return data.getBigInt64(at, little);
    case KIND.U64: return data.getBigUint64(at, little);
    case KIND.F16: return decodeHalf(data.getUint16(at, little));
    case KIND.BOOL: return data.getUint8(at) !== 0;
    case KIND.CHAR: return Uint8Array.of(data.getUint8(at));
  }
}

/** The byte of a `c` value: bytes of length 1, as Python's b'x'. */
function toChar(value: unknown): number {
  if (!types.isUint8Array(value)) throw invalidArgType('value', "a Uint8Array of length 1 for format 'c'", value);
  const copy = new Uint8Array(value);
  if (copy.length !== 1) throw outOfRange('value', "a Uint8Array of length 1 for format 'c'", value);
  return copy[0] as number;
}

/**
 * A value as `format` stores it: what writeElement() takes. Never coerces and never calls the
 * caller's code. Throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
 */
export function toStored(value: unknown, format: Format): number | bigint {
  switch (format.kind) {
    case KIND.I64:
    case KIND.U64: return toBigInteger(value, format);
    case KIND.F32:
    case KIND.F64: return toFloat(value, format);
    case KIND.F16: {
      const float = toFloat(value, format);
      if (!fitsHalf(float)) throw outOfRange('value', "within the range of a half, +-65504, for format 'e'", value);
      return encodeHalf(float);
    }
    case KIND.BOOL: return toTruth(value) ? 1 : 0;
    case KIND.CHAR: return toChar(value);
    default: return toSmallInteger(value, format);
  }
}

/** Writes what toStored() made of a value. */
export function writeElement(data: DataView, kind: Kind, at: number, stored: number | bigint, little: boolean): void {
  switch (kind) {
    case KIND.U8:
    case KIND.BOOL:
    case KIND.CHAR: data.setUint8(at, stored as number); break;
    case KIND.I8: data.setInt8(at, stored as number); break;
    case KIND.F16:
    case KIND.U16: data.setUint16(at, stored as number, little); break;
    case KIND.I16: data.setInt16(at, stored as number, little); break;
    case KIND.I32: data.setInt32(at, stored as number, little); break;
    case KIND.U32: data.setUint32(at, stored as number, little); break;
    case KIND.F32: data.setFloat32(at, stored as number, little); break;
    case KIND.F64: data.setFloat64(at, stored as number, little); break;
    case KIND.I64: data.setBigInt64(at, stored as bigint, little); break;
    case KIND.U64: data.setBigUint64(at, stored as bigint, little); break;
  }
}

/** Memory that one typed array holds: `at` counts from the owner's start. */
export interface Place {
  readonly owner: Owner;
  readonly at: number;
}

/**
 * Where [at, at + length) of an owner lies in one typed array; undefined when no single one holds it. Throws
 * when the memory is gone.
 */
export function findPlace(owner: Owner, at: number, length: number): Place | undefined {
  checkOwner(owner);
  if (!owner.span) return { owner, at };
  const absolute = owner.start + at;
  const found = owner.exporter.locate(absolute, length);
  if (found === undefined) return undefined;
  checkOwner(found);
  return { owner: found, at: absolute - found.start };
}

/** As findPlace(), for what must fit: an element, a chunk. */
export function place(owner: Owner, at: number, length: number): Place {
  const found = findPlace(owner, at, length);
  if (found === undefined) {
    throw bufferTooLarge(length, 'slice the view into parts of at most 2 ** 30 bytes, each fits');
  }
  return found;
}

/**
 * Where the whole of an area lies in one typed array, if it does, else where it is: views over a piece have
 * small offsets.
 */
export function rebased(area: Layout & { readonly owner: Owner; readonly format: Format }): Place {
  const { low, high } = extent(area, area.format.itemsize);
  const found = low === high ? undefined : findPlace(area.owner, low, high - low);
  return found === undefined ? { owner: area.owner, at: area.offset } : { owner: found.owner,
    at: found.at + area.offset - low };
}

/** The element at `at` of any owner. */
export function readAt(owner: Owner, at: number, format: Format): Scalar {
  const { owner: holder, at: position } = place(owner, at, format.itemsize);
  return readElement(dataOf(holder), format.kind, position, format.little);
}

/** Writes what toStored() made of a value at `at` of any owner. */
export function writeAt(owner: Owner, at: number, format: Format, stored: number | bigint): void {
  const { owner: holder, at: position } = place(owner, at, format.itemsize);
  writeElement(dataOf(holder), format.kind, position, stored, format.little);
}

export function readonlyError(why = 'It refuses writes'): Error {
  return zeroCopyError('ERR_VIEW_READONLY', `This view is read-only. ${why}: copy it with toBytes(), or make a view of a writable source`);
}
