/**
 * Format characters of the struct module: how many bytes an element has and which values it holds.
 * Pure: no memory is touched here. Python: `struct`, "Format Characters"; sizes are those of LP64.
 */
import { invalidArgType, invalidArgValue, outOfRange } from '../errors';

/** What an element reads as. 8-byte integers are bigint, `?` is boolean, `c` a Uint8Array of length 1. */
export type Scalar = number | bigint | boolean | Uint8Array;

/** How an element is stored; dense numbers, so that a switch over them is a jump table. */
export const KIND = {
  U8: 0, I8: 1, I16: 2, U16: 3, I32: 4, U32: 5, F32: 6, F64: 7, I64: 8, U64: 9, F16: 10, BOOL: 11, CHAR: 12,
} as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/** One format, interned: equal texts are the same object. */
export interface Format {
  /** As the user wrote it: 'I', '@I', '<I'. */
  readonly text: string;
  /** Two views have the same format when these are equal: the text without '@'. */
  readonly id: string;
  readonly kind: Kind;
  /** Bytes per element. */
  readonly itemsize: number;
  readonly little: boolean;
  /** Stored as this machine stores it, so that a typed array can look at it. */
  readonly native: boolean;
  /** Bounds of the integers of at most 4 bytes; 0 for all others. */
  readonly least: number;
  readonly greatest: number;
  /** 'b', 'B' or 'c': what any other format may be cast from and to. */
  readonly byte: boolean;
}

const CODES: Readonly<Record<string, readonly [Kind, number]>> = {
  b: [KIND.I8, 1], B: [KIND.U8, 1], c: [KIND.CHAR, 1], '?': [KIND.BOOL, 1],
  h: [KIND.I16, 2], H: [KIND.U16, 2], i: [KIND.I32, 4], I: [KIND.U32, 4],
  l: [KIND.I64, 8], L: [KIND.U64, 8], q: [KIND.I64, 8], Q: [KIND.U64, 8],
  n: [KIND.I64, 8], N: [KIND.U64, 8], P: [KIND.U64, 8],
  e: [KIND.F16, 2], f: [KIND.F32, 4], d: [KIND.F64, 8],
};
/** Does this machine store the low byte first? */
export const HOST_LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const interned = new Map<string, Format>();

/** Least and greatest value of the integer kinds that read as number. */
const SMALL_RANGE: Readonly<Partial<Record<Kind, readonly [number, number]>>> = {
  [KIND.U8]: [0, 0xff], [KIND.I8]: [-0x80, 0x7f], [KIND.I16]: [-0x8000, 0x7fff], [KIND.U16]: [0, 0xffff],
  [KIND.I32]: [-0x80000000, 0x7fffffff], [KIND.U32]: [0, 0xffffffff],
};

function makeFormat(text: string): Format | undefined {
  const match = /^([@<>]?)(.)$/s.exec(text);
  if (match === null) return undefined;
  const [, order = '', code = ''] = match;
  if (!Object.hasOwn(CODES, code)) return undefined;
  const [kind, itemsize] = CODES[code] as readonly [Kind, number];
  const little = order === '<' || (order !== '>' && HOST_LITTLE);
  const native = itemsize === 1 || little === HOST_LITTLE;
  const [least, greatest] = SMALL_RANGE[kind] ?? [0, 0];
  return Object.freeze({
    text, id: order === '@' ? code : text, kind, itemsize, little, native, least, greatest, byte: 'bBc'.includes(code),
  });
}

/** The format a text names. Throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE. */
export function parseFormat(text: unknown): Format {
  if (typeof text !== 'string') throw invalidArgType('format', 'of type string', text);
  let format = interned.get(text);
  if (format === undefined) {
    format = makeFormat(text);
    if (format === undefined) {
      throw invalidArgValue('format', text,
        "must be one of b B c ? h H i I l L q Q n N P e f d, alone or after '@', '<' or '>'");
    }
    interned.set(text, format);
  }
  return format;
}

function checkInteger(
  value: unknown, format: Format, least: number | bigint, greatest: number | bigint,
): number | bigint {
  if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isInteger(value))) {
    throw invalidArgType('value', `an integer for format '${format.text}'`, value);
  }
  if (value < least || value > greatest) {
    throw outOfRange('value', `an integer >= ${String(least)} and <= ${String(greatest)} for format '${format.text}'`, value);
  }
  return value;
}

/** A value as an integer of at most 4 bytes. Throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE. */
export function toSmallInteger(value: unknown, format: Format): number {
  const { least, greatest } = format;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= greatest) return value + 0;
  return Number(checkInteger(value, format, least, greatest));
}

/**
 * A value as an 8-byte integer: a bigint, or a number that is a safe integer. Throws ERR_INVALID_ARG_TYPE,
 * ERR_OUT_OF_RANGE.
 */
export function toBigInteger(value: unknown, format: Format): bigint {
  const signed = format.kind === KIND.I64;
  const least = signed || format.id.endsWith('P') ? -(2n ** 63n) : 0n; // a pointer may be written as a negative number
  const integer = checkInteger(value, format, least, signed ? 2n ** 63n - 1n : 2n ** 64n - 1n);
  if (typeof integer === 'number' && !Number.isSafeInteger(integer)) {
    throw outOfRange('value', 'a bigint, or a number that is a safe integer', value);
  }
  return BigInt(integer);
}

/**
 * A value as a float: a number, or a bigint that a double can hold, rounded. Throws ERR_INVALID_ARG_TYPE,
 * ERR_OUT_OF_RANGE.
 */
export function toFloat(value: unknown, format: Format): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'bigint') throw invalidArgType('value', `of type number or bigint for format '${format.text}'`, value);
  const float = Number(value);
  if (!Number.isFinite(float)) throw outOfRange('value', 'within the range of a double', value);
  return float;
}

/**
 * A value as Python's bool() takes it, since that is what `?` stores: zero, '', null and empty bytes
 * are false, NaN is true. Throws ERR_INVALID_ARG_TYPE for what has no such meaning.
 */
export function toTruth(value: unknown): boolean {
  switch (typeof value) {
    case 'boolean': return value;
    case 'number': return value !== 0;
    case 'bigint': return value !== 0n;
    case 'string': return value !== '';
    default: break;
  }
  if (value === null) return false;
  if (ArrayBuffer.isView(value)) return value.byteLength !== 0;
  throw invalidArgType('value', "a boolean for format '?'", value);
}
