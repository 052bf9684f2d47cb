/** Equality by value, whatever the formats. Python: memoryview's `==`. */
import { KIND, type Format } from './format';
import { sameShape } from './layout';
import { flatBytes, forEachPair, type Area, type Piece } from './walk';
import { packedBytes } from './copy';
import { isBig, numbersIn } from './values';

/** Integers of one format are equal exactly when their bytes are; floats are not (NaN, -0), nor are truths (2 is 1). */
function comparesBytes(a: Format, b: Format): boolean {
  return a.kind === b.kind && a.little === b.little && !FLOATS_AND_TRUTHS.has(a.kind);
}
const FLOATS_AND_TRUTHS: ReadonlySet<number> = new Set([KIND.F16, KIND.F32, KIND.F64, KIND.BOOL]);

/** Doubles hold every value of the formats compared this way. */
const scratch = [new Float64Array(4096), new Float64Array(4096)] as const;

function sameDoubles(a: Float64Array, b: Float64Array, count: number): boolean {
  for (let i = 0; i < count; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Exact between bigint and double too: JavaScript's <= and >= compare them by mathematical value. */
function sameMixed(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): boolean {
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as number | bigint;
    const y = b[i] as number | bigint;
    if (!(x <= y && x >= y)) return false;
  }
  return true;
}

function sameValues(first: Uint8Array, firstFormat: Format, second: Uint8Array, secondFormat: Format): boolean {
  const a = numbersIn(first, firstFormat);
  const b = numbersIn(second, secondFormat);
  if (isBig(a) || isBig(b)) return sameMixed(a, b);
  if (a instanceof Float64Array && b instanceof Float64Array) return sameDoubles(a, b, a.length);
  const [left, right] = scratch;
  for (let at = 0; at < a.length; at += left.length) {
    const end = Math.min(at + left.length, a.length);
    left.set(a.subarray(at, end)); // converted natively, so that one loop over doubles serves all
    right.set(b.subarray(at, end));
    if (!sameDoubles(left, right, end - at)) return false;
  }
  return true;
}

function samePieces(a: Piece, b: Piece): boolean {
  const first = a.flat ? flatBytes(a) : packedBytes(a);
  const second = b.flat ? flatBytes(b) : packedBytes(b);
  if (comparesBytes(a.format, b.format)) return Buffer.compare(first, second) === 0;
  return sameValues(first, a.format, second, b.format);
}

/** Same shape, and every element equal to its counterpart. */
export function sameElements(a: Area, b: Area): boolean {
  if (!sameShape(a.shape, b.shape)) return false;
  if (a.shape.includes(0)) return true;
  // Bytes are equal to bytes only: b'a' is not 97.
  if ((a.format.kind === KIND.CHAR) !== (b.format.kind === KIND.CHAR)) return false;
  return forEachPair(a, b, samePieces);
}
