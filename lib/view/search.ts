/** Looking for a value: by value as Python's `==` has it, so 1, 1n and true are the same, and NaN is never found. */
import { types } from 'node:util';
import { forEachChunk } from './copy';
import { KIND, type Format } from './format';
import { product } from './layout';
import { isBig, numbersIn, type BigNumbers, type SmallNumbers } from './values';
import type { Area } from './walk';

/**
 * What to look for among the elements of a format: a number, or a bigint for 8-byte integers; undefined: cannot
 * be there.
 */
function soughtIn(value: unknown, { kind }: Format): number | bigint | undefined {
  if (kind === KIND.CHAR) return charOf(value);
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (typeof number !== 'number' && typeof number !== 'bigint') return undefined;
  if (kind === KIND.I64 || kind === KIND.U64) {
    if (typeof number === 'number' && !Number.isInteger(number)) return undefined;
    const integer = BigInt(number);
    // JavaScriptCore's arrays would wrap it, and find another.
    const wrapped = kind === KIND.I64 ? BigInt.asIntN(64, integer) : BigInt.asUintN(64, integer);
    return wrapped === integer ? integer : undefined;
  }
  // A bigint that no double equals cannot be among elements that all are doubles.
  return typeof number === 'bigint' && BigInt(Number(number)) !== number ? undefined : Number(number);
}

function charOf(value: unknown): number | undefined {
  if (!types.isUint8Array(value)) return undefined;
  const copy = new Uint8Array(value);
  return copy.length === 1 ? copy[0] : undefined;
}

interface Typed {
  indexOf(value: number | bigint): number;
  lastIndexOf(value: number | bigint): number;
  readonly length: number;
}

/** An 8-byte integer out of range must not wrap, and a number out of range is simply absent. */
function placeIn(numbers: SmallNumbers | BigNumbers, sought: number | bigint, last: boolean): number {
  // Bytes: Buffer's search for one is a memchr, or a memrchr.
  if (numbers instanceof Uint8Array) {
    if (!isByte(sought)) return -1;
    const bytes = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.length);
    return last ? bytes.lastIndexOf(Number(sought)) : bytes.indexOf(Number(sought));
  }
  return last ? (numbers as Typed).lastIndexOf(sought) : (numbers as Typed).indexOf(sought);
}

function isByte(sought: number | bigint): boolean {
  return Number.isInteger(sought) && sought >= 0 && sought <= 255;
}

/** Index of the first element equal to `value`, in C order; -1. */
export function firstIndex(area: Area, value: unknown): number {
  const sought = soughtIn(value, area.format);
  if (sought === undefined) return -1;
  let before = 0;
  let found = -1;
  forEachChunk(area, (bytes) => {
    const numbers = numbersIn(bytes, area.format);
    found = placeIn(numbers, sought, false);
    if (found >= 0) found += before;
    before += numbers.length;
    return found < 0;
  });
  return found;
}

/** Index of the last element equal to `value`, in C order; -1. */
export function lastIndex(area: Area, value: unknown): number {
  const sought = soughtIn(value, area.format);
  if (sought === undefined) return -1;
  let before = product(area.shape);
  let found = -1;
  forEachChunk(area, (bytes) => {
    const numbers = numbersIn(bytes, area.format);
    before -= numbers.length;
    found = placeIn(numbers, sought, true);
    if (found >= 0) found += before;
    return found < 0;
  }, 'backwards');
  return found;
}

const BLOCK = 4096;
const doubles = new Float64Array(BLOCK);

function countDoubles(numbers: Float64Array, length: number, sought: number): number {
  let count = 0;
  for (let i = 0; i < length; i++) if (numbers[i] === sought) count++;
  return count;
}

function countBytes(bytes: Uint8Array, sought: number): number {
  let count = 0;
  for (const byte of bytes) if (byte === sought) count++;
  return count;
}

function countSmall(numbers: SmallNumbers, sought: number): number {
  if (numbers instanceof Uint8Array) return countBytes(numbers, sought);
  let count = 0;
  for (let at = 0; at < numbers.length; at += BLOCK) {
    const end = Math.min(at + BLOCK, numbers.length);
    doubles.set(numbers.subarray(at, end)); // converted natively, so that one loop over doubles serves all
    count += countDoubles(doubles, end - at, sought);
  }
  return count;
}

function countBig(numbers: BigNumbers, sought: bigint): number {
  let count = 0;
  for (const number of numbers) if (number === sought) count++;
  return count;
}

/** How many elements are equal to `value`. */
export function countOf(area: Area, value: unknown): number {
  const sought = soughtIn(value, area.format);
  if (sought === undefined) return 0;
  let count = 0;
  forEachChunk(area, (bytes) => {
    const numbers = numbersIn(bytes, area.format);
    count += isBig(numbers) ? countBig(numbers, sought as bigint) : countSmall(numbers, sought as number);
    return true;
  });
  return count;
}
