/**
 * Argument checks. Nothing is coerced: a wrong type, a fraction, NaN or a value out of range is an
 * error that names the argument and the value (docs/errors.md).
 */
import { invalidArgType, invalidArgValue, outOfRange } from './errors';

const MAX = Number.MAX_SAFE_INTEGER;

function between(min: number, max: number): string {
  if (min === -MAX && max === MAX) return 'a safe integer';
  return max === MAX ? `an integer >= ${String(min)}` : `an integer >= ${String(min)} and <= ${String(max)}`;
}

/**
 * A whole number in [min, max], as number or bigint; returned as number. Throws ERR_INVALID_ARG_TYPE,
 * ERR_OUT_OF_RANGE.
 */
export function wholeNumber(value: unknown, name: string, min = 0, max: number = MAX): number {
  if (typeof value !== 'number' && typeof value !== 'bigint') {
    throw invalidArgType(name, 'of type number or bigint', value);
  }
  if (!(value >= min && value <= max) || (typeof value === 'number' && !Number.isInteger(value))) {
    throw outOfRange(name, between(min, max), value);
  }
  return Number(value) + 0; // + 0: never -0
}

/** A whole number or, where it was left out (`undefined`), the default. */
export function optionalWholeNumber(
  value: unknown, name: string, fallback: number, min = 0, max: number = MAX,
): number {
  return value === undefined ? fallback : wholeNumber(value, name, min, max);
}

/** A range of bytes inside something `size` bytes long. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * The one place that checks an offset and a length against a size, without adding them.
 * Defaults: from 0, to the end. Throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE.
 */
export function byteRange(offset: unknown, length: unknown, size: number): ByteRange {
  const from = optionalWholeNumber(offset, 'offset', 0, 0, size);
  return { offset: from, length: optionalWholeNumber(length, 'length', size - from, 0, size - from) };
}

/**
 * The bytes of Python's `[from:to]` in something `size` bytes long: negative bounds count from the end, and what lies
 * outside is cut off. Defaults: from 0, to the end. Undefined when it would end before it begins. Throws
 * ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for what is no whole number.
 */
export function clampedRange(from: unknown, to: unknown, size: number): ByteRange | undefined {
  const offset = boundFromStart(from, 'from', size, 0);
  const end = Math.min(boundFromStart(to, 'to', size, size), size);
  return end < offset ? undefined : { offset, length: end - offset };
}

function boundFromStart(value: unknown, name: string, size: number, fallback: number): number {
  const bound = optionalWholeNumber(value, name, fallback, -MAX);
  return Math.max(bound < 0 ? bound + size : bound, 0);
}

const NO_OPTIONS = Object.freeze(Object.create(null) as object);

/**
 * Without what Object.prototype has, if somebody has put options there: everything would inherit them. Costs a look for
 * each name otherwise.
 */
function withoutInherited<T extends object>(value: T, allowed: readonly string[]): Partial<T> {
  if (!allowed.some((key) => key in Object.prototype)) return value;
  const given = allowed.filter((key) => Object.hasOwn(value, key) || !(key in Object.prototype));
  const read = Object.create(null) as Record<string, unknown>;
  for (const key of given) read[key] = (value as Record<string, unknown>)[key];
  return read as Partial<T>;
}

/** An options object with no name but those allowed: a misspelt option is an error, not a default. */
export function optionsObject<T extends object>(
  value: T | undefined, name: string, allowed: readonly string[],
): Partial<T> {
  if (value === undefined) return NO_OPTIONS;
  if (typeof value !== 'object' || (value as unknown) === null || Array.isArray(value)) {
    throw invalidArgType(name, 'an options object', value);
  }
  for (const key of Object.keys(value)) {
    if (!allowed.includes(key)) throw invalidArgValue(`${name}.${key}`, (value as Record<string, unknown>)[key], `is no known option. Known: ${allowed.join(', ')}`);
  }
  return withoutInherited(value, allowed);
}

/** One of a few words; where it was left out the default, if there is one. */
export function oneOf<T extends string>(value: unknown, name: string, words: readonly T[], fallback?: T): T {
  if (value === undefined && fallback !== undefined) return fallback;
  if (typeof value !== 'string') throw invalidArgType(name, 'of type string', value);
  if (!(words as readonly string[]).includes(value)) throw invalidArgValue(name, value, `must be one of: ${words.join(', ')}`);
  return value as T;
}

export function optionalBoolean(value: unknown, name: string, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') throw invalidArgType(name, 'of type boolean', value);
  return value;
}

export function optionalFunction<T>(value: T | undefined, name: string): T | undefined {
  if (value !== undefined && typeof value !== 'function') throw invalidArgType(name, 'of type function', value);
  return value;
}

export function optionalSignal(value: AbortSignal | undefined, name: string): AbortSignal | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || (value as unknown) === null || !('aborted' in value)) throw invalidArgType(name, 'an instance of AbortSignal', value);
  return value;
}
