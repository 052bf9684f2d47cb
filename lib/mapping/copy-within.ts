/** Moving bytes inside a mapping: memmove(3) over all of it, however long. */
import { valueOrThrow, zeroCopyError } from '../errors';
import { native } from '../native';
import { wholeNumber } from '../validate';
import type { Windows } from './windows';

/** An index as TypedArray#copyWithin takes it, between 0 and `length`: negative from the end, clamped. */
function position(value: unknown, name: string, length: number): number {
  const index = wholeNumber(value, name, Number.MIN_SAFE_INTEGER);
  return index < 0 ? Math.max(length + index, 0) : Math.min(index, length);
}

/**
 * Copies [start, end) to `target`, as many bytes as fit.
 * @throws ERR_VIEW_READONLY, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE; ERR_MAPPING_FAULT for what was lost before, or
 * could not be read now and was copied as zeros
 */
export function copyWithin(windows: Windows, target: unknown, start: unknown, end: unknown): void {
  const { byteLength, readonly, region } = windows;
  if (readonly) throw zeroCopyError('ERR_VIEW_READONLY', "The mapping is read-only: map it with access 'write'");
  const to = position(target, 'target', byteLength);
  const from = position(start, 'start', byteLength);
  const until = end === undefined ? byteLength : position(end, 'end', byteLength);
  const length = Math.max(0, Math.min(until - from, byteLength - to));
  windows.check();
  valueOrThrow(native.copyWithin(region, to, from, length));
  windows.check();
}
