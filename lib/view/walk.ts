/**
 * Going over the elements of views whose memory may lie in several pieces: a mapping can be longer
 * than any typed array. Areas of one shape are divided together until each lies in one typed array.
 */
import { findPlace, place, type Place } from './elements';
import type { Format } from './format';
import { extent, isContiguous, part, product, type Layout } from './layout';
import { bytesOf, type Owner } from './owner';

/** The elements of a view: a layout over an owner's memory, offset counted from the owner's start. */
export interface Area extends Layout {
  readonly owner: Owner;
  readonly format: Format;
}

/** An area that lies in one typed array, intact when it was found. */
export interface Piece extends Area {
  readonly bytes: Uint8Array;
  /** Without gaps, in C order. */
  readonly flat: boolean;
}

/** The most of flat memory one native call gets, bytes: above 2 GiB Node's Buffer methods are wrong. */
const MOST_FLAT = 2 ** 30;
/** The most that is packed into a scratch buffer at a time, bytes: what stays in a processor's cache. */
const MOST_PACKED = 2 ** 16;

export function byteLength({ shape, format }: Area): number {
  return product(shape) * format.itemsize;
}

/** The part of a layout as an area of the same memory. */
function within(area: Area, { offset, shape, strides }: Layout): Area {
  return { owner: area.owner, format: area.format, offset, shape, strides };
}

/** [from, to) of the first dimension. */
export function items(area: Area, from: number, to: number): Area {
  return within(area, part(area, 0, from, to));
}

/** The same elements with another order of dimensions. */
export function rearranged(area: Area, layout: Layout): Area {
  return within(area, layout);
}

function located(area: Area): Piece | undefined {
  const { low, high } = extent(area, area.format.itemsize);
  const single = area.shape.every((count) => count === 1);
  const spot: Place | undefined = single ? place(area.owner, low, high - low) : findPlace(area.owner, low, high - low);
  if (spot === undefined) return undefined;
  const { owner } = spot;
  const { shape, strides, format } = area;
  const offset = spot.at + (area.offset - low);
  return { owner, format, shape, strides, offset, bytes: bytesOf(owner), flat: isContiguous(area, format.itemsize,
    'C') };
}

export type Direction = 'forwards' | 'backwards';

function fits(piece: Piece | undefined): piece is Piece {
  return piece !== undefined && byteLength(piece) <= (piece.flat ? MOST_FLAT : MOST_PACKED);
}

/** Halves areas of one shape along their first dimension of several items until each is a piece. */
function divide(areas: readonly Area[], visit: (pieces: readonly Piece[]) => boolean, direction: Direction): boolean {
  const { shape } = areas[0] as Area;
  if (shape.includes(0)) return true;
  const pieces = areas.map(located);
  const dimension = shape.findIndex((count) => count > 1);
  if (dimension < 0 || pieces.every(fits)) return visit(pieces as Piece[]);
  const count = shape[dimension] as number;
  const half = Math.ceil(count / 2);
  const halves = [[0, half], [half, count]] as const;
  return (direction === 'forwards' ? halves : halves.toReversed()).every(([from, to]) =>
    divide(areas.map((area) => within(area, part(area, dimension, from, to))), visit, direction));
}

/**
 * Calls `visit` with the pieces of an area: all elements in C order, or from the last piece to the
 * first. Stops when `visit` answers false, and answers whether it ran to the end.
 */
export function forEachPiece(area: Area, visit: (piece: Piece) => boolean, direction: Direction = 'forwards'): boolean {
  return divide([area], ([piece]) => visit(piece as Piece), direction);
}

/** As forEachPiece(), over two areas of the same shape at once. */
export function forEachPair(
  a: Area, b: Area, visit: (a: Piece, b: Piece) => boolean, direction: Direction = 'forwards',
): boolean {
  return divide([a, b], ([first, second]) => visit(first as Piece, second as Piece), direction);
}

/** The exact bytes of a flat piece, as a fresh typed array over the same memory. */
export function flatBytes(piece: Piece): Uint8Array {
  const { bytes, offset } = piece;
  return new Uint8Array(bytes.buffer, bytes.byteOffset + offset, byteLength(piece));
}
