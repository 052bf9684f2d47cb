/** Bytes without gaps as the values they hold: typed arrays, lists, numbers to compare. */
import { decodeHalf } from './float16';
import { KIND, type Format, type Scalar } from './format';

export type SmallNumbers =
  Uint8Array | Int8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;
export type BigNumbers = BigInt64Array | BigUint64Array;

/** Bytes in this machine's order at an aligned address: the same memory where it is so already, else a copy. */
function nativeBytes(bytes: Uint8Array, { itemsize, native }: Format): Uint8Array {
  if (itemsize === 1 || (native && bytes.byteOffset % itemsize === 0)) return bytes;
  const copy = new Uint8Array(bytes);
  if (native) return copy;
  const swapped = Buffer.from(copy.buffer);
  if (itemsize === 2) swapped.swap16();
  else if (itemsize === 4) swapped.swap32();
  else swapped.swap64();
  return copy;
}

function decodeHalves(bits: Uint16Array): Float32Array {
  const halves = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) halves[i] = decodeHalf(bits[i] as number);
  return halves;
}

function decodeTruths(bytes: Uint8Array): Uint8Array {
  const truths = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) truths[i] = bytes[i] === 0 ? 0 : 1;
  return truths;
}

/** The elements as numbers: `?` as 0 and 1, `e` widened, `c` as bytes. Shares `bytes` where it can. */
export function numbersIn(bytes: Uint8Array, format: Format): SmallNumbers | BigNumbers {
  const { buffer, byteOffset, length } = nativeBytes(bytes, format);
  const count = length / format.itemsize;
  switch (format.kind) {
    case KIND.U8:
    case KIND.CHAR: return new Uint8Array(buffer, byteOffset, count);
    case KIND.BOOL: return decodeTruths(new Uint8Array(buffer, byteOffset, count));
    case KIND.I8: return new Int8Array(buffer, byteOffset, count);
    case KIND.I16: return new Int16Array(buffer, byteOffset, count);
    case KIND.U16: return new Uint16Array(buffer, byteOffset, count);
    case KIND.I32: return new Int32Array(buffer, byteOffset, count);
    case KIND.U32: return new Uint32Array(buffer, byteOffset, count);
    case KIND.F32: return new Float32Array(buffer, byteOffset, count);
    case KIND.F64: return new Float64Array(buffer, byteOffset, count);
    case KIND.I64: return new BigInt64Array(buffer, byteOffset, count);
    case KIND.U64: return new BigUint64Array(buffer, byteOffset, count);
    case KIND.F16: return decodeHalves(new Uint16Array(buffer, byteOffset, count));
  }
}

export function isBig(numbers: SmallNumbers | BigNumbers): numbers is BigNumbers {
  return numbers instanceof BigInt64Array || numbers instanceof BigUint64Array;
}

/** The elements as get() would answer them. */
export function listOf(bytes: Uint8Array, format: Format): Scalar[] {
  if (format.kind === KIND.CHAR) return Array.from(bytes, (byte) => Uint8Array.of(byte));
  const numbers = numbersIn(bytes, format);
  if (format.kind === KIND.BOOL) return Array.from(numbers as Uint8Array, (truth) => truth === 1);
  return Array.from<Scalar>(numbers as ArrayLike<Scalar>);
}
