/**
 * What is sent: a file by descriptor, or the memory of a Mapping. Both start jobs of the pump, and both can be read
 * piece by piece where sendfile cannot serve.
 */
import fs from 'node:fs';
import os from 'node:os';

import { invalidArgType, outOfRange, systemError, valueOrThrow, zeroCopyError, type OsFailure } from '../errors';
import { isPath, O_NONBLOCK, openDescriptor, pathText, type FileHandleLike, type FilePath } from '../files';
import { Mapping } from '../mapping/mapping';
import { mmap } from '../mapping/mmap';
import { native, type CopyHandle } from '../native';
import type { ByteRange } from '../validate';
import { closeAtHand, openAtHand } from './at-hand';
import { MemorySource } from './memory-source';

/** A file: a path, one that is open already (then it stays the caller's), or a Mapping. */
export type SendableFile = string | Buffer | URL | number | FileHandleLike | Mapping;

/** The part of the source that is wanted; checked numbers. */
export interface WantedRange {
  readonly offset: number | undefined;
  readonly length: number | undefined;
}

/** Where copyFile() writes. */
export interface CopyPlace {
  readonly fd: number;
  /** Opened for this copy: nobody minds its position moving. */
  readonly isOurs: boolean;
  /** Bytes. */
  readonly offset: number;
  /** What is there goes first. */
  readonly replaces: boolean;
}

/** A part of a source in memory: from `at` in the mapping on, bytes. */
export interface MappedRange {
  readonly mapping: Mapping;
  readonly at: number;
  /** Made for this, to be closed after it. */
  readonly isOurs: boolean;
}

export interface Source {
  readonly path: string | undefined;
  /** Permission bits of the file; undefined for memory. */
  readonly mode: number | undefined;
  /** Which bytes that is. May reach past the end of the file: then the transfer ends with ERR_SHORT_FILE. */
  range(wanted: WantedRange): ByteRange;
  /** True when the source is known to end before the range does. */
  isShorterThan(range: ByteRange): boolean;
  /** Sends what leaves at once of `head` (latin1) and the bytes behind it; 0 when nothing does. */
  sendInline(socket: number, head: string, range: ByteRange): number;
  startJob(out: number, offset: number, length: number): number | OsFailure;
  /** Null when `to` is the same file, and what is read would be written over. */
  startCopy(range: ByteRange, to: CopyPlace): CopyHandle | OsFailure | null;
  /** What a job or copy that failed with the byte at `offset` rejects with. */
  failure(failed: OsFailure, offset: number): Error;
  /** What a job that found the source's end after `sent` bytes of `range` rejects with. */
  shortage(range: ByteRange, sent: number): Error;
  /** Of memory: that a part of it was lost, before or meanwhile, and read as zeros. */
  fault(): Error | undefined;
  /** A range, at least a byte long, in memory; undefined where the file system cannot map files. */
  map(range: ByteRange): MappedRange | undefined;
  /** Whether the file is shorter now than to the end of `range`. */
  isCutBelow(range: ByteRange): boolean;
  /** Fills `buffer` from `offset` on, the event loop free meanwhile; resolves with the bytes read, 0 at the end. */
  read(buffer: Uint8Array, offset: number): Promise<number>;
  /** Ends what was opened for this transfer. */
  close(): void;
}

/** Of files that do not say how long they are, bytes. */
const SNAPSHOT_PIECE = 64 * 1024;
const LARGEST_SNAPSHOT = 16 * 1024 * 1024;

/** What a source is opened for: what its argument is called, and the call that errors name. */
export interface Purpose {
  readonly argument: string;
  readonly syscall: string;
  /** A Mapping is held from here on until the source is closed. */
  readonly holds: boolean;
}

const SENDFILE: Purpose = { argument: 'file', syscall: 'sendfile', holds: true };

/** Checks and opens: at once where that needs no disk, so that what is cached can leave in the same turn. */
export function openSource(file: SendableFile, purpose = SENDFILE): Source | Promise<Source> {
  if (file instanceof Mapping) return new MemorySource(file, purpose.holds);
  if (isPath(file)) return openPath(file, purpose);
  const fd = openDescriptor(file, purpose.argument, 'fstat');
  if (fd !== undefined) return borrowed(fd, purpose);
  throw invalidArgType(purpose.argument, 'a path (string, Buffer or URL), a file descriptor, a FileHandle or a Mapping', file);
}

/** A regular file of `size` bytes that is open, and stays the caller's. */
export function openedFile(fd: number, size: number, path: string | undefined): Source {
  return new FileSource(fd, { size, mode: undefined, path, end: undefined });
}

function borrowed(fd: number, purpose: Purpose): Source | Promise<Source> {
  const { size, mode } = regularFile(fs.fstatSync(fd), purpose.syscall, undefined);
  const source = new FileSource(fd, { size, mode, path: undefined, end: undefined });
  return size > 0 ? source : snapshotOf(fd, mode, undefined).then((snapshot) => snapshot ?? source);
}

function openPath(path: FilePath, purpose: Purpose): Source | Promise<Source> {
  const fd = typeof path === 'string' ? openAtHand(path) : undefined;
  if (fd === undefined) return openOnPool(path, purpose);
  const facts = fs.fstatSync(fd);
  if (facts.isFile() && facts.size > 0) {
    return new FileSource(fd, { size: facts.size, mode: facts.mode, path: path as string, end: closeAtHand });
  }
  closeAtHand(fd);
  return openOnPool(path, purpose);
}

async function openOnPool(path: FilePath, purpose: Purpose): Promise<Source> {
  const name = pathText(path);
  const fd = await promised<number>((done) => { fs.open(path, fs.constants.O_RDONLY | O_NONBLOCK, done); });
  let keep = false;
  try {
    const facts = await promised<fs.Stats>((done) => { fs.fstat(fd, done); });
    const { size, mode } = regularFile(facts, purpose.syscall, name);
    const snapshot = size === 0 ? await snapshotOf(fd, mode, name) : undefined;
    if (snapshot !== undefined) return snapshot;
    keep = true;
    return new FileSource(fd, { size, mode, path: name, end: closeQuietly });
  } finally {
    if (!keep) closeQuietly(fd);
  }
}

/**
 * Files of /proc and /sys say that they are empty, and sendfile(2) refuses them: what they hold now goes into memory,
 * as a file that can be sent like any other. Undefined for a file that is empty indeed.
 */
async function snapshotOf(fd: number, mode: number, path: string | undefined): Promise<Source | undefined> {
  const pieces: Buffer[] = [];
  let size = 0;
  for (;;) {
    const piece = Buffer.allocUnsafe(SNAPSHOT_PIECE);
    const length = await promised<number>((done) => { fs.read(fd, piece, 0, SNAPSHOT_PIECE, size, done); });
    if (length === 0) break;
    pieces.push(piece.subarray(0, length));
    size += length;
    if (size > LARGEST_SNAPSHOT) throw systemError({ errno: os.constants.errno.EFBIG, syscall: 'read' }, path);
  }
  if (size === 0) return undefined;
  const memory = valueOrThrow(native.createMemoryFile('zerocopy:snapshot', size, false), path);
  const end = (own: number): unknown => native.closeDescriptor(own);
  try {
    for (const piece of pieces) writeFully(memory, piece);
  } catch (error) {
    end(memory);
    throw error;
  }
  return new FileSource(memory, { size, mode, path, end });
}

function writeFully(fd: number, piece: Buffer): void {
  for (let done = 0; done < piece.length;) done += fs.writeSync(fd, piece, done);
}

/** The result of one of node:fs's calls with a callback. */
export function promised<T>(start: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => { if (error) reject(error); else resolve(value); });
  });
}

/** The facts of a regular file; for anything else the error of a call that wants one. */
export function regularFile(stats: fs.Stats, syscall: string, path: string | undefined): fs.Stats {
  if (stats.isFile()) return stats;
  const { EISDIR, ESPIPE, EINVAL } = os.constants.errno;
  const unseekable = stats.isFIFO() || stats.isSocket() ? ESPIPE : EINVAL;
  throw systemError({ errno: stats.isDirectory() ? EISDIR : unseekable, syscall }, path);
}

export function closeQuietly(fd: number): void {
  fs.close(fd, () => undefined);
}

interface FileFacts {
  readonly size: number;
  readonly mode: number | undefined;
  readonly path: string | undefined;
  /** The close() of whoever opened it for this transfer; none for what is the caller's. */
  readonly end: ((fd: number) => unknown) | undefined;
}

class FileSource implements Source {
  readonly path: string | undefined;
  readonly mode: number | undefined;
  readonly #fd: number;
  readonly #size: number;
  readonly #end: ((fd: number) => unknown) | undefined;
  #reads = 0; // under way
  #isClosing = false;

  constructor(fd: number, { size, mode, path, end }: FileFacts) {
    this.#fd = fd;
    this.#size = size;
    this.mode = mode === undefined ? undefined : mode & 0o777;
    this.path = path;
    this.#end = end;
  }

  range({ offset = 0, length }: WantedRange): ByteRange {
    if (offset > this.#size) {
      throw outOfRange('offset', `an integer >= 0 and <= ${String(this.#size)}`, offset);
    }
    if (length !== undefined && length > Number.MAX_SAFE_INTEGER - offset) {
      throw outOfRange('length', `an integer >= 0 and <= ${String(Number.MAX_SAFE_INTEGER - offset)}`, length);
    }
    return { offset, length: length ?? this.#size - offset };
  }

  isShorterThan({ offset, length }: ByteRange): boolean {
    return length > this.#size - offset;
  }

  sendInline(socket: number, head: string, { offset, length }: ByteRange): number {
    return native.sendInline(socket, head, this.#fd, offset, length);
  }

  startJob(out: number, offset: number, length: number): number | OsFailure {
    return native.startSendFile(out, this.#fd, offset, length);
  }

  startCopy({ offset, length }: ByteRange, to: CopyPlace): CopyHandle | OsFailure | null {
    const isOurs = this.#end !== undefined;
    return native.startCopyFile(this.#fd, isOurs, offset, length, to.fd, to.isOurs, to.offset, to.replaces);
  }

  failure(failed: OsFailure): Error {
    return systemError(failed);
  }

  shortage({ length }: ByteRange, sent: number): Error {
    return shortFile(this.path, length, sent);
  }

  fault(): undefined {
    return undefined;
  }

  map({ offset, length }: ByteRange): MappedRange | undefined {
    try {
      return { mapping: mmap(this.#fd, { offset, length }), at: 0, isOurs: true };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENODEV') return undefined;
      throw error;
    }
  }

  isCutBelow({ offset, length }: ByteRange): boolean {
    return fs.fstatSync(this.#fd).size < offset + length;
  }

  async read(buffer: Uint8Array, offset: number): Promise<number> {
    this.#reads++;
    try {
      return await promised((done) => { fs.read(this.#fd, buffer, 0, buffer.byteLength, offset, done); });
    } finally {
      if (--this.#reads === 0 && this.#isClosing) this.#end?.(this.#fd);
    }
  }

  /** Not under a read that waits for its thread: the number may be another file's by then. */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (this.#reads === 0) this.#end?.(this.#fd);
  }
}

/** The file ended early: the one error a transfer makes itself. */
export function shortFile(path: string | undefined, expected: number, bytesSent: number): NodeJS.ErrnoException {
  const name = path === undefined ? 'The file' : `'${path}'`;
  return zeroCopyError('ERR_SHORT_FILE', `${name} ended after ${String(bytesSent)} of ${String(expected)} bytes: it is shorter than announced, or was cut while it was sent`, { bytesSent });
}
