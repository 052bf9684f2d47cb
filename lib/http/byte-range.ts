/**
 * The Range header (RFC 9110 section 14); pure. Of the packages for it range-parser answers 416 where the RFC wants the
 * whole file, for a suffix longer than that, and for a range that ends before it begins.
 */
import type { ByteRange } from '../validate';

/** Of more than these in one request the whole file comes: nobody needs so many at once (RFC 9110 section 17.15). */
export const MAX_RANGES = 32;

const SPEC = /^(\d*)-(\d*)$/;

/**
 * The ranges that can be satisfied, in the order of the request, within [0, size). 'whole': the header is to be
 * ignored, because it is no valid `bytes=…` or asks for too much. 'unsatisfiable': 416.
 */
export function parseRange(header: string, size: number): ByteRange[] | 'whole' | 'unsatisfiable' {
  const specs = /^bytes=(.+)$/is.exec(header)?.[1]?.split(',', MAX_RANGES * 4);
  if (specs === undefined) return 'whole';
  const ranges: ByteRange[] = [];
  for (const text of specs) {
    const spec = text.trim();
    if (spec === '') continue; // an empty element of a list (section 5.6.1)
    const range = parseSpec(spec, size);
    if (range === undefined) return 'whole';
    if (range !== 'unsatisfiable') ranges.push(range);
  }
  if (ranges.length === 0) return specs.some((spec) => spec.trim() !== '') ? 'unsatisfiable' : 'whole';
  return isExcessive(ranges, size) ? 'whole' : ranges;
}

/** As nginx counts: more bytes than the file has are only to be had by overlaps. */
function isExcessive(ranges: readonly ByteRange[], size: number): boolean {
  return ranges.length > MAX_RANGES || ranges.reduce((sum, { length }) => sum + length, 0) > size;
}

/** Positions beyond 2^53 are not exact, and past the end of every file all the same. */
function parseSpec(spec: string, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = SPEC.exec(spec) ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { offset: size - length, length };
  }
  const offset = Number(first);
  if (last !== '' && compareDigits(last, first) < 0) return undefined;
  if (offset >= size) return 'unsatisfiable';
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  return { offset, length: end - offset };
}

/** Exact for any number of digits. */
function compareDigits(a: string, b: string): number {
  const difference = BigInt(a) - BigInt(b);
  return difference < 0n ? -1 : Number(difference > 0n);
}
