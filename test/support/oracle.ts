/** What CPython (and NumPy) answered, as JSON: reading it, and comparing it with what we answer. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { gunzipSync } from 'node:zlib';
import type { MemoryView } from '#lib/view/memory-view';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = Readonly<Record<string, Json>>;

/** What each program has, whatever it is about. */
export interface Recorded {
  readonly id: number;
  /** What it is about. */
  readonly f: readonly string[];
  /** Name, arguments, and last what was answered. */
  readonly ops: readonly (readonly Json[])[];
}

const folder = path.resolve(__dirname, '../../../test/oracle');

/** `mv`: memoryview; `nd`: views of several dimensions; `mm`: mmap. */
export function programs<Program extends Recorded>(name: 'mv' | 'nd' | 'mm'): Program[] {
  const lines = gunzipSync(readFileSync(path.join(folder, `${name}.jsonl.gz`))).toString().trim().split('\n');
  return lines.slice(1).map((line) => JSON.parse(line) as Program);
}

/** Our codes for the reasons CPython had; see docs/from-python.md for why they differ where they do. */
const CODES: Readonly<Record<string, readonly string[]>> = {
  released: ['ERR_VIEW_RELEASED'], closed: ['ERR_MAPPING_CLOSED'], readonly: ['ERR_VIEW_READONLY'],
  bounds: ['ERR_OUT_OF_RANGE'], range: ['ERR_OUT_OF_RANGE'], negative: ['ERR_OUT_OF_RANGE'], filesize: ['ERR_OUT_OF_RANGE'],
  resize_anon: ['ERR_OUT_OF_RANGE'], resize_mode: ['ERR_VIEW_READONLY'], whence: ['ERR_INVALID_ARG_VALUE'],
  value_range: ['ERR_OUT_OF_RANGE'], overflow: ['ERR_OUT_OF_RANGE'],
  key: ['ERR_INVALID_ARG_TYPE'], value_type: ['ERR_INVALID_ARG_TYPE'], notbuffer: ['ERR_INVALID_ARG_TYPE'],
  key_ndim: ['ERR_INVALID_ARG_VALUE'], ellipsis: ['ERR_INVALID_ARG_VALUE'],
  step0: ['ERR_INVALID_ARG_VALUE'], order: ['ERR_INVALID_ARG_VALUE'], sep: ['ERR_INVALID_ARG_VALUE'], cast_format: [
    'ERR_INVALID_ARG_VALUE'],
  structure: ['ERR_VIEW_LAYOUT'], scalar: ['ERR_VIEW_LAYOUT'], cast_formats: ['ERR_VIEW_LAYOUT'], cast_noncontig: [
    'ERR_VIEW_LAYOUT'],
  cast_ndim: ['ERR_VIEW_LAYOUT'], cast_length: ['ERR_VIEW_LAYOUT'], cast_zero: ['ERR_VIEW_LAYOUT'], cast_shape: [
    'ERR_VIEW_LAYOUT'],
  cast_maxdim: ['ERR_VIEW_LAYOUT'], cast_shape_type: ['ERR_INVALID_ARG_TYPE'], cast_shape_value: ['ERR_OUT_OF_RANGE'],
  cast_shape_big: ['ERR_VIEW_LAYOUT', 'ERR_OUT_OF_RANGE'], readinto: ['ERR_VIEW_READONLY', 'ERR_VIEW_LAYOUT',
    'ERR_VIEW_RELEASED'],
};

/** Is `code` ours for what CPython had as `reason`? */
export function isCodeFor(reason: Json | undefined, code: string | undefined): boolean {
  return code !== undefined && (CODES[reason as string] ?? []).includes(code);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const FLOATS: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, '-inf': -Infinity, '-0': -0 };

/** A VALUE of the vectors as a JavaScript program would write it; undefined for what refers to the program itself. */
export function plainValue(json: Json): unknown {
  if (!isObject(json)) return json;
  if ('n' in json) return BigInt(json['n'] as string);
  if ('f' in json) return typeof json['f'] === 'string' ? FLOATS[json['f']] : json['f'];
  if ('s' in json) return json['s'];
  if ('b' in json) return Uint8Array.from(Buffer.from(json['b'] as string, 'hex'));
  return undefined;
}

/** Does what we answered mean what CPython answered? Integers may be number or bigint here. */
export function means(actual: unknown, expected: Json): boolean {
  if (Array.isArray(expected)) {
    return Array.isArray(actual) && actual.length === expected.length && expected.every((item, i) => means(actual[i],
      item));
  }
  const value = plainValue(expected);
  if (typeof value === 'number' && typeof actual === 'bigint') return BigInt(value) === actual;
  if (value instanceof Uint8Array) return actual instanceof Uint8Array && Buffer.compare(actual, value) === 0;
  return Object.is(actual, value);
}

export function describeView(view: MemoryView): Json[] {
  return [view.format, view.itemsize, view.ndim, [...view.shape], [...view.strides], view.nbytes, view.readonly,
    view.cContiguous, view.fContiguous, view.contiguous];
}

/** null in an expected descriptor: not to be compared. */
export function describes(actual: Json, expected: Json): boolean {
  if (expected === null) return true;
  if (Array.isArray(expected)) {
    return Array.isArray(actual) && actual.length === expected.length && expected.every((item, i) =>
      describes(actual[i] as Json, item));
  }
  // Strides beyond 2 ** 53: ours are doubles, CPython's wrap (feature `bigstride`).
  return isDeepStrictEqual(actual, isObject(expected) && 'n' in expected ? Number(expected['n']) : expected);
}
