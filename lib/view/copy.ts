/** Moving elements: between memory with gaps and without, over itself, and one value into many places. */
import { bufferTooLarge, MAX_BUFFER_LENGTH } from '../errors';
import { HOST_LITTLE, type Format } from './format';
import { coalesce, contiguousStrides, extent, isContiguous, transpose, type Order } from './layout';
import { bytesOf } from './owner';
import { writeElement } from './elements';
import { isUserMemory } from './user-memory';
import {
  byteLength, flatBytes, forEachPair, forEachPiece, rearranged, type Area, type Direction, type Piece,
} from './walk';

// ---------------------------------------------------------------- rows
// One function per word size, so that each only ever sees one kind of typed array.

type Words = Uint8Array | Uint16Array | Uint32Array;

function copyBytes(
  from: Uint8Array, f: number, fromStep: number, to: Uint8Array, t: number, toStep: number, count: number,
  width: number,
): void {
  if (width === 1) {
    for (let i = 0; i < count; i++) to[t + i * toStep] = from[f + i * fromStep] as number;
    return;
  }
  for (let i = 0; i < count; i++) {
    for (let w = 0; w < width; w++) to[t + i * toStep + w] = from[f + i * fromStep + w] as number;
  }
}

function copyShorts(
  from: Uint16Array, f: number, fromStep: number, to: Uint16Array, t: number, toStep: number, count: number,
): void {
  for (let i = 0; i < count; i++) to[t + i * toStep] = from[f + i * fromStep] as number;
}

function copyWords(
  from: Uint32Array, f: number, fromStep: number, to: Uint32Array, t: number, toStep: number, count: number,
): void {
  for (let i = 0; i < count; i++) to[t + i * toStep] = from[f + i * fromStep] as number;
}

/** 8-byte elements as two words: a Float64Array may change the bits of a NaN on the way. */
function copyPairs(
  from: Uint32Array, f: number, fromStep: number, to: Uint32Array, t: number, toStep: number, count: number,
): void {
  for (let i = 0; i < count; i++) {
    const source = f + i * fromStep;
    const target = t + i * toStep;
    to[target] = from[source] as number;
    to[target + 1] = from[source + 1] as number;
  }
}

/** Where rows start and how they step, in words of `size` bytes over one typed array. */
interface Side {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Are all elements of a side aligned to words of `size` bytes? */
function aligned({ bytes, offset, strides }: Side, size: number): boolean {
  return (bytes.byteOffset + offset) % size === 0 && strides.every((stride) => stride % size === 0);
}

function wordsOver({ bytes, offset }: Side, size: number): { words: Words; first: number } {
  // Begin at the first word boundary of the memory: elements may lie before and behind `offset`.
  const skip = (bytes.byteOffset + offset) % size === 0 ? offset % size : 0;
  const length = Math.floor((bytes.length - skip) / size);
  const first = (offset - skip) / size;
  if (size === 4) return { words: new Uint32Array(bytes.buffer, bytes.byteOffset + skip, length), first };
  if (size === 2) return { words: new Uint16Array(bytes.buffer, bytes.byteOffset + skip, length), first };
  return { words: bytes, first };
}

/** The widest words that fit the elements and both sides. */
function wordSize(itemsize: number, from: Side, to: Side): number {
  const size = itemsize === 8 ? 4 : itemsize;
  return aligned(from, size) && aligned(to, size) ? size : 1;
}

function copyRow(
  itemsize: number, size: number, from: Words, f: number, fromStep: number, to: Words, t: number, toStep: number,
  count: number,
): void {
  if (size === 1) copyBytes(from as Uint8Array, f, fromStep, to as Uint8Array, t, toStep, count, itemsize);
  else if (size === 2) copyShorts(from as Uint16Array, f, fromStep, to as Uint16Array, t, toStep, count);
  else if (itemsize === 4) copyWords(from as Uint32Array, f, fromStep, to as Uint32Array, t, toStep, count);
  else copyPairs(from as Uint32Array, f, fromStep, to as Uint32Array, t, toStep, count);
}

/** Copies elements of one shape from one side to the other; the sides do not overlap. */
function copySide(shape: readonly number[], itemsize: number, from: Side, to: Side): void {
  const size = wordSize(itemsize, from, to);
  const source = wordsOver(from, size);
  const target = wordsOver(to, size);
  const last = shape.length - 1;
  const count = last < 0 ? 1 : (shape[last] as number);
  const fromSteps = from.strides.map((stride) => stride / size);
  const toSteps = to.strides.map((stride) => stride / size);
  const go = (dimension: number, f: number, t: number): void => {
    if (dimension >= last) {
      copyRow(itemsize, size, source.words, f, fromSteps[last] ?? 0, target.words, t, toSteps[last] ?? 0, count);
      return;
    }
    for (let i = 0; i < (shape[dimension] as number); i++) {
      go(dimension + 1, f + i * (fromSteps[dimension] as number), t + i * (toSteps[dimension] as number));
    }
  };
  go(0, source.first, target.first);
}

// ---------------------------------------------------------------- packed and unpacked

function packedSide(shape: readonly number[], itemsize: number, bytes: Uint8Array, offset: number): Side {
  return { bytes, offset, strides: contiguousStrides(shape, itemsize, 'C') };
}

/** Copies one piece to out[at, …), in C order. */
function packPiece(piece: Piece, out: Uint8Array, at: number): void {
  if (piece.flat) {
    out.set(flatBytes(piece), at);
    return;
  }
  const { itemsize } = piece.format;
  const { shape, strides } = coalesce(piece.shape, piece.strides, itemsize);
  const from = { bytes: piece.bytes, offset: piece.offset, strides };
  copySide(shape, itemsize, from, packedSide(shape, itemsize, out, at));
}

/** All elements of an area to the start of `out`, in C order. */
export function pack(area: Area, out: Uint8Array): void {
  let at = 0;
  forEachPiece(area, (piece) => {
    packPiece(piece, out, at);
    at += byteLength(piece);
    return true;
  });
}

/** A copy of the elements, in either order. Throws ERR_BUFFER_TOO_LARGE: the engine's RangeError has no code. */
export function packed(area: Area, order: Order): Uint8Array {
  const length = byteLength(area);
  if (length > MAX_BUFFER_LENGTH) throw bufferTooLarge(length, 'slice the view, and copy it part by part');
  const out = new Uint8Array(length);
  pack(order === 'C' ? area : rearranged(area, transpose(area)), out);
  return out;
}

/** The elements of a piece in C order, copied. */
export function packedBytes(piece: Piece): Uint8Array {
  const bytes = new Uint8Array(byteLength(piece));
  packPiece(piece, bytes, 0);
  return bytes;
}

/** Calls `visit` with all elements in C order as bytes without gaps: the memory itself, or copies of it. */
export function forEachChunk(
  area: Area, visit: (bytes: Uint8Array) => boolean, direction: Direction = 'forwards',
): boolean {
  return forEachPiece(area, (piece) => visit(piece.flat ? flatBytes(piece) : packedBytes(piece)), direction);
}

// ---------------------------------------------------------------- assigning

/** The bytes an area lies in, where they can be compared with another's. */
function overlaps(a: Area, b: Area): boolean {
  const x = extent(a, a.format.itemsize);
  const y = extent(b, b.format.itemsize);
  if (x.low === x.high || y.low === y.high) return false;
  if (a.owner.exporter === b.owner.exporter) {
    const shift = b.owner.start - a.owner.start;
    return x.low < y.high + shift && y.low + shift < x.high;
  }
  const first = bytesOf(a.owner);
  const second = bytesOf(b.owner);
  if (first.buffer === second.buffer) {
    const shift = second.byteOffset - first.byteOffset;
    return x.low < y.high + shift && y.low + shift < x.high;
  }
  // Two mappings may show the same memory; two ArrayBuffers of the user's do not.
  return !(isUserMemory(a.owner) && isUserMemory(b.owner));
}

/** Must pieces be moved from the last to the first, so that none is overwritten before it was read? */
function movesUp(from: Area, to: Area): boolean {
  const source = bytesOf(from.owner);
  const target = bytesOf(to.owner);
  const sameBuffer = source.buffer === target.buffer;
  const shift = sameBuffer ? target.byteOffset - source.byteOffset : to.owner.start - from.owner.start;
  return to.offset + shift > from.offset;
}

function copyPieces(from: Area, to: Area): void {
  forEachPair(from, to, (source, target) => {
    if (source.flat && target.flat) {
      flatBytes(target).set(flatBytes(source)); // a memmove
      return true;
    }
    const { itemsize } = target.format;
    copySide(source.shape, itemsize, source, target);
    return true;
  }, movesUp(from, to) ? 'backwards' : 'forwards');
}

/** Both without gaps in the same order: element by element is byte by byte. */
function isSameFlat(from: Area, to: Area): boolean {
  return (['C', 'F'] as const).some(
    (order) => isContiguous(from, from.format.itemsize, order) && isContiguous(to, to.format.itemsize, order));
}

/** One dimension over all elements of a contiguous area, in memory order. */
function flattened(area: Area): Area {
  const { itemsize } = area.format;
  return rearranged(area, { offset: area.offset, shape: [byteLength(area) / itemsize], strides: [itemsize] });
}

/** Copies all elements of `from` to `to`, of the same format and shape, as if through a copy of the source. */
export function copyArea(from: Area, to: Area): void {
  if (isSameFlat(from, to)) {
    copyPieces(flattened(from), flattened(to));
  } else if (overlaps(from, to)) {
    unpack(packed(from, 'C'), to);
  } else {
    copyPieces(from, to);
  }
}

/** Elements in C order, without gaps, to an area. */
function unpack(bytes: Uint8Array, to: Area): void {
  let at = 0;
  forEachPiece(to, (piece) => {
    const length = byteLength(piece);
    if (piece.flat) flatBytes(piece).set(bytes.subarray(at, at + length));
    else copySide(piece.shape, piece.format.itemsize, packedSide(piece.shape, piece.format.itemsize, bytes, at), piece);
    at += length;
    return true;
  });
}

// ---------------------------------------------------------------- filling

/** The bytes of one element. */
export function elementBytes(stored: number | bigint, format: Format): Uint8Array {
  const bytes = new Uint8Array(8);
  writeElement(new DataView(bytes.buffer), format.kind, 0, stored, format.little);
  return bytes.subarray(0, format.itemsize);
}

function fillFlat(bytes: Uint8Array, element: Uint8Array): void {
  const words = new DataView(element.buffer);
  const { buffer, byteOffset } = bytes;
  const size = element.length;
  const count = bytes.length / size;
  if (element.every((byte) => byte === element[0])) {
    bytes.fill(element[0] as number);
  } else if (byteOffset % size !== 0) {
    // Doubling what is there already moves memory at full speed, whatever its alignment.
    bytes.set(element);
    for (let filled = size; filled < bytes.length; filled *= 2) {
      bytes.copyWithin(filled, 0, Math.min(filled, bytes.length - filled));
    }
  } else if (size === 2) {
    new Uint16Array(buffer, byteOffset, count).fill(words.getUint16(0, HOST_LITTLE));
  } else if (size === 4) {
    new Uint32Array(buffer, byteOffset, count).fill(words.getUint32(0, HOST_LITTLE));
  } else {
    new BigUint64Array(buffer, byteOffset, count).fill(words.getBigUint64(0, HOST_LITTLE));
  }
}

/** One element, as bytes, to every place of an area. */
export function fillArea(area: Area, element: Uint8Array): void {
  forEachPiece(area, (piece) => {
    if (piece.flat) fillFlat(flatBytes(piece), element);
    else copySide(piece.shape, element.length, { bytes: element, offset: 0, strides: piece.shape.map(() => 0) }, piece);
    return true;
  });
}
