/** Views as text and lists: hex, nested lists, the line that console.log shows. */
import { inspect, type InspectOptions } from 'node:util';
import { invalidArgType, invalidArgValue, zeroCopyError } from '../errors';
import { forEachChunk } from './copy';
import type { Scalar } from './format';
import { product } from './layout';
import { listOf } from './values';
import { checkOwner } from './owner';
import { areaIn, type Parts } from './parts';
import { items, type Area } from './walk';

/** A list of the elements, nested as deep as the view has dimensions; without a dimension, the element itself. */
export type NestedList = Scalar | NestedList[];

function nest(flat: readonly Scalar[], shape: readonly number[]): NestedList {
  let next = 0;
  const level = (dimension: number): NestedList => {
    if (dimension === shape.length) return flat[next++] as Scalar;
    return Array.from({ length: shape[dimension] as number }, () => level(dimension + 1));
  };
  return level(0);
}

/** What every engine's array grows to; beyond it some fail, after seconds, by an error without code. */
const MOST_LISTED = 1e8;

/** Throws ERR_BUFFER_TOO_LARGE. */
export function toNestedList(area: Area): NestedList {
  const count = product(area.shape);
  if (count > MOST_LISTED) {
    throw zeroCopyError('ERR_BUFFER_TOO_LARGE',
      `${String(count)} elements are more than one list holds (${String(MOST_LISTED)}): slice the view, or share its memory with asTypedArray()`);
  }
  let flat: Scalar[] | undefined;
  forEachChunk(area, (bytes) => {
    const list = listOf(bytes, area.format);
    if (flat === undefined) flat = list;
    else for (const item of list) flat.push(item);
    return true;
  });
  return area.shape.length === 1 ? (flat ?? []) : nest(flat ?? [], area.shape);
}

/** A separator as Python's hex() takes it: one ASCII character. Throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE. */
export function toSeparator(sep: unknown): string {
  if (sep === undefined) return '';
  if (typeof sep !== 'string') throw invalidArgType('sep', 'of type string', sep);
  if (sep.length !== 1 || sep > '\x7f') throw invalidArgValue('sep', sep, 'must be one ASCII character');
  return sep;
}

/** Groups of bytes counted from the right, or from the left where `group` is negative. */
function separated(hex: string, sep: string, group: number): string {
  const width = 2 * Math.abs(group);
  const head = group < 0 ? 0 : hex.length % width;
  const groups = head > 0 ? [hex.slice(0, head)] : [];
  for (let at = head; at < hex.length; at += width) groups.push(hex.slice(at, at + width));
  return groups.join(sep);
}

/** Two hexadecimal digits per byte, in C order. */
export function toHex(area: Area, sep: string, group: number): string {
  let hex = '';
  forEachChunk(area, ({ buffer, byteOffset, length }) => {
    hex += Buffer.from(buffer, byteOffset, length).toString('hex');
    return true;
  });
  return sep === '' || group === 0 ? hex : separated(hex, sep, group);
}

// ---------------------------------------------------------------- inspection

const ITEMS_SHOWN = 8;

function nameOf(object: object): string {
  const { constructor } = object as { constructor?: unknown };
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'object';
}

/** The first items as console.log shows them. */
function firstItems(area: Area, options: InspectOptions): string {
  const [count = 1] = area.shape;
  const shown = Math.min(count, ITEMS_SHOWN);
  const list = toNestedList(area.shape.length === 0 ? area : items(area, 0, shown));
  const texts = (area.shape.length === 0 ? [list as Scalar] : (list as NestedList[])).map((item) =>
    inspect(item instanceof Uint8Array ? item[0] : item, { ...options, breakLength: Infinity, compact: true }));
  if (count > shown) texts.push(`... ${String(count - shown)} more`);
  return texts.join(', ');
}

/** One line: format, shape, source, state, first items. Never throws. */
export function describe(parts: Parts, released: boolean, options: InspectOptions): string {
  if (released) return 'MemoryView (released)';
  const area = areaIn(parts);
  const lock = parts.form.readonly ? ', read-only' : '';
  const head = `MemoryView '${area.format.text}' [${area.shape.join(', ')}] of ${nameOf(parts.owner.exporter.source)}${lock}`;
  try {
    checkOwner(parts.owner);
    return `${head} { ${firstItems(area, options)} }`;
  } catch (error) {
    return `${head} (${(error as { code?: string }).code ?? 'unreadable'})`;
  }
}
