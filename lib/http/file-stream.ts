/**
 * What is known of an fs.ReadStream, the one home of its insides: where it reads, whether anything of it was changed,
 * and how to be asked for the bytes in its place.
 *
 * A stream asks for bytes by `_read`, first when its file is open, it has been piped, and all listeners are attached.
 * So an own `_read` decides then and not before: the stream's events come as ever, and to let it run is to call what it
 * had.
 */
import fs from 'node:fs';
import stream from 'node:stream';

import type { ByteRange } from '../validate';
import type { ServingFallback } from './transfers';

export type FileStream = Omit<fs.ReadStream, 'fd' | 'bytesRead'> & {
  /** Null before the file is open, and when it is closed. */
  fd: number | null;
  readonly flags: string | number;
  /** Where the next byte is read; undefined: at the position of the file. */
  pos: number | undefined;
  /** The last byte that is wanted, or Infinity. */
  end: number;
  bytesRead: number;
  readonly autoClose?: boolean;
  readonly _readableState: { readonly pipes: readonly object[] };
  readonly open: unknown;
  _construct: (done: (error?: Error | null) => void) => void;
};

export function isFileStream(source: unknown): source is FileStream {
  return source instanceof fs.ReadStream;
}

/** What is called in the place of the first read. Answers how many bytes the stream's own `_read` is asked for then. */
type Begin = (wanted: number) => number;

const FIRST = Symbol('first read');

interface Awaited {
  readonly [FIRST]: { readonly begin: Begin; readonly read: FileStream['_read'] };
}

/** Whether somebody waits for its first read already. */
export function isAwaited(file: FileStream): boolean {
  return file._read === firstRead;
}

/** Calls `begin` in the place of the first read. */
export function atFirstRead(file: FileStream, begin: Begin): void {
  shadow(file, FIRST, { begin, read: file._read });
  shadow(file, '_read', firstRead);
}

function firstRead(this: FileStream & Awaited, wanted: number): void {
  const { begin, read } = this[FIRST];
  this._read = read;
  const asked = begin(wanted);
  if (asked > 0) this._read(asked);
}

/**
 * Shadows a method of one stream. To end that, assign what was there: deleting a property would make the stream a
 * dictionary, slow from then on.
 */
export function shadow(file: FileStream, name: string | symbol, value: unknown): void {
  Object.defineProperty(file, name, { value, configurable: true, writable: true, enumerable: false });
}

/** Calls `onDestroy` as soon as destroy() is called: before the descriptor is closed, and can mean another file. */
export function whenDestroyed(file: FileStream, onDestroy: () => void): void {
  const destroy = file._destroy.bind(file);
  shadow(file, '_destroy', (error: Error | null, callback: (error?: Error | null) => void): void => {
    onDestroy();
    destroy(error, callback);
  });
}

/** Before the first read. Why its bytes, and nothing else, are not what goes into `target`. */
export function whyNotStream(file: FileStream, target: object): ServingFallback | undefined {
  if (isCustom(file)) return 'custom';
  if (file.bytesRead > 0 || file.readableDidRead || file.readableLength > 0) return 'started';
  if (!goesOnlyTo(file, target) || file.readableEncoding !== null || file.isPaused()) return 'observed';
  // A descriptor that was handed over without `start` is read from where it stands, which moves.
  if (file.pos === undefined && (file.path as unknown) === undefined) return 'position';
  return undefined;
}

function goesOnlyTo(file: FileStream, target: object): boolean {
  const { pipes } = file._readableState;
  return pipes.length === 1 && pipes[0] === target && file.listenerCount('data') === 1 &&
    file.listenerCount('readable') === 0;
}

/** Whether nobody takes, or ever took, its bytes. */
export function isAbandoned(file: FileStream): boolean {
  return file._readableState.pipes.length === 0 && file.listenerCount('data') + file.listenerCount('readable') === 0;
}

export const PLAIN = fs.ReadStream.prototype as unknown as FileStream;
let fileSystemKey: symbol | undefined;

/** Whether its bytes come from elsewhere than its descriptor: methods replaced, or a file system of the caller's. */
function isCustom(file: FileStream): boolean {
  if (file._read !== PLAIN._read || file.push !== stream.Readable.prototype.push) return true;
  return !isOfNodeFs(file) && !isOfHandle(file);
}

/** It calls node:fs, and not the `fs` of its options. */
export function isOfNodeFs(file: FileStream): boolean {
  fileSystemKey ??= Object.getOwnPropertySymbols(file).find(({ description }) => description === 'kFs');
  return (file as unknown as Record<symbol, unknown>)[fileSystemKey ?? Symbol.iterator] === fs;
}

/** Made by FileHandle#createReadStream: it reads by the handle. */
function isOfHandle(file: FileStream): boolean {
  const key = Object.getOwnPropertySymbols(file).find(({ description }) => description === 'kHandle');
  const handle = key && (file as unknown as Record<symbol, object | undefined>)[key];
  return handle !== undefined && !Object.hasOwn(handle, 'read') && (handle as { fd?: unknown }).fd === file.fd;
}

/** The bytes that it will read of a file of `size` bytes. */
export function rangeOf(file: FileStream, size: number): ByteRange {
  const offset = file.pos ?? 0;
  return { offset, length: Math.max(0, Math.min(size, file.end + 1) - offset) };
}

/** Before the first read: reads `length` bytes at most. */
export function limit(file: FileStream, length: number): void {
  file.end = Math.min(file.end, (file.pos ?? 0) + length - 1);
}

/** Counts what it would have read itself. */
export function advance(file: FileStream, length: number): void {
  file.bytesRead += length;
  if (file.pos !== undefined) file.pos += length;
}
