/** Half precision (IEEE 754 binary16), for engines without DataView#getFloat16. Pure. */

const scratch = new DataView(new ArrayBuffer(8));

/** Bits to number; exact. */
export function decodeHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** To the nearest integer, halves to the even one. */
function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

/**
 * Does a number round to a finite half, or is it infinite or NaN itself? Python raises OverflowError for the
 * others.
 */
export function fitsHalf(value: number): boolean {
  return !(Math.abs(value) >= 65520) || Math.abs(value) === Infinity;
}

/**
 * A number that fits to the bits of the nearest half, ties to even: straight from the double, since rounding
 * twice can miss.
 */
export function encodeHalf(value: number): number {
  scratch.setFloat64(0, value);
  const high = scratch.getUint32(0);
  const sign = (high >>> 16) & 0x8000;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return sign | 0x7e00;
  if (magnitude === Infinity) return sign | 0x7c00;
  // Subnormal; 1024 is the least normal number.
  if (magnitude < 2 ** -14) return sign | roundToEven(magnitude * 2 ** 24);
  const exponent = ((high >>> 20) & 0x7ff) - 1023;
  // A significand that rounds up to 2048 carries into the exponent by itself.
  return sign | (((exponent + 14) << 10) + roundToEven(magnitude * 2 ** (10 - exponent)));
}
