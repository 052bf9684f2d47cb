import fs from 'node:fs';

import { invalidArgType } from '../errors';
import { openDescriptor, type FileHandleLike } from '../files';
import { wholeNumber } from '../validate';
import { readonlyError } from '../view/elements';
import { MemoryView } from '../view/memory-view';
import { promised } from './file-calls';

/** Memory that can be filled: of 'B' views and typed arrays alike, by its bytes. */
export type ReadTarget = MemoryView | ArrayBufferView;

/** Bytes per system call: what one read(2) takes at most, rounded down. */
const LARGEST_READ = 2 ** 30;

/** What to read and where from; `position` null: where the file stands. */
interface Reading {
  readonly fd: number;
  readonly bytes: Uint8Array;
  readonly position: number | null;
}

/**
 * Fills `target` from a file, on the thread pool: no buffer in between, and none is made. Python: readinto().
 *
 * With a `position` (bytes into the file) it reads until `target` is full or the file ends, and the file's position
 * stays. Without one it reads from the file's position, which moves, and takes what a pipe or terminal has at the
 * moment.
 * @returns the bytes read: fewer than `target` holds at the end of the file, 0 past it
 * @throws (rejects) system errors of read(2): EBADF, EISDIR; ERR_VIEW_READONLY, ERR_VIEW_LAYOUT for a view that
 * cannot be filled as one piece; ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE
 */
export async function readInto(
  file: number | FileHandleLike, target: ReadTarget, position?: number | bigint,
): Promise<number> {
  const reading = readArguments(file, target, position);
  let done = 0;
  for (let got = -1; !isOver(reading, got, done);) {
    const { piece, from } = nextPiece(reading, done);
    got = await promised<number>((settle) => { fs.read(reading.fd, piece, 0, piece.byteLength, from, settle); });
    done += got;
  }
  return done;
}

/** As {@link readInto}, before it returns: the event loop waits for the disk. */
export function readIntoSync(file: number | FileHandleLike, target: ReadTarget, position?: number | bigint): number {
  const reading = readArguments(file, target, position);
  let done = 0;
  for (let got = -1; !isOver(reading, got, done);) {
    const { piece, from } = nextPiece(reading, done);
    got = fs.readSync(reading.fd, piece, 0, piece.byteLength, from);
    done += got;
  }
  return done;
}

function readArguments(
  file: number | FileHandleLike, target: ReadTarget, position: number | bigint | undefined,
): Reading {
  return {
    fd: descriptorOf(file),
    bytes: bytesOfTarget(target),
    position: position === undefined ? null : wholeNumber(position, 'position'),
  };
}

function descriptorOf(file: number | FileHandleLike): number {
  const fd = openDescriptor(file, 'file', 'read');
  if (fd === undefined) throw invalidArgType('file', 'a file descriptor or a FileHandle', file);
  return fd;
}

function bytesOfTarget(target: ReadTarget): Uint8Array {
  if (target instanceof MemoryView) {
    // Over a mapping of access 'read' a raw array is to be had, for its writes stay private: not what is wanted here.
    if (target.readonly) throw readonlyError();
    return target.asUint8Array();
  }
  if (ArrayBuffer.isView(target)) return new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  throw invalidArgType('target', 'a MemoryView, TypedArray or DataView', target);
}

function nextPiece({ bytes, position }: Reading, done: number): { piece: Uint8Array; from: number | null } {
  const end = Math.min(bytes.byteLength, done + LARGEST_READ);
  return { piece: bytes.subarray(done, end), from: position === null ? null : position + done };
}

/** `got`: bytes of the last read, -1 before the first. Without a position a short read is all there is for now. */
function isOver({ bytes, position }: Reading, got: number, done: number): boolean {
  if (done === bytes.byteLength || got === 0) return true;
  return position === null && got > 0 && done % LARGEST_READ !== 0;
}
