/**
 * What is sent: a file by descriptor, or the memory of a Mapping. Both start jobs of the pump, and both can be read
 * piece by piece where sendfile cannot serve.
 */
import fs from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';

import { invalidArgType, outOfRange, systemError, valueOrThrow, zeroCopyError, type OsFailure } from '../errors';
import { unreadable } from '../mapping/faults';
import { Mapping, windowsOf } from '../mapping/mapping';
import { native } from '../native';
import { byteRange, fileDescriptor, handleDescriptor, type ByteRange, type FileHandleLike } from '../validate';

/** A file: a path, one that is open already (then it stays the caller's), or a Mapping. */
export type SendableFile = string | Buffer | URL | number | FileHandleLike | Mapping;

/** The part of the source that is wanted; checked numbers. */
export interface WantedRange {
  readonly offset: number | undefined;
  readonly length: number | undefined;
}

export interface Source {
  readonly path: string | undefined;
  /** Which bytes that is. May reach past the end of the file: then the transfer ends with ERR_SHORT_FILE. */
  range(wanted: WantedRange): ByteRange;
  /** True when the source is known to end before the range does. */
  isShorterThan(range: ByteRange): boolean;
  /** Sends what leaves at once; bytes. */
  sendCached(socket: number, offset: number, length: number): number;
  startJob(out: number, offset: number, length: number): number | OsFailure;
  /** What a job that failed with the byte at `offset` rejects with. */
  failure(failed: OsFailure, offset: number): Error;
  /** Fills `buffer` from `offset` on, the event loop free meanwhile; resolves with the bytes read, 0 at the end. */
  read(buffer: Uint8Array, offset: number): Promise<number>;
  /** Ends what was opened for this transfer. */
  close(): void;
}

const { O_RDONLY } = fs.constants;
// Opening a pipe that nobody writes to would wait for ever. Windows has no such flag.
const O_NONBLOCK = (fs.constants.O_NONBLOCK as number | undefined) ?? 0;

/** Of files that do not say how long they are, bytes. */
const SNAPSHOT_PIECE = 64 * 1024;
const LARGEST_SNAPSHOT = 16 * 1024 * 1024;

/** Checks and opens: at once where that needs no disk, so that what is cached can leave in the same turn. */
export function openSource(file: SendableFile): Source | Promise<Source> {
  if (file instanceof Mapping) return new MemorySource(file);
  if (typeof file === 'number') return borrowed(fileDescriptor(file, 'file'));
  if (typeof file === 'string' || Buffer.isBuffer(file) || file instanceof URL) return openPath(file);
  const fd = handleDescriptor(file);
  if (fd !== undefined) return borrowed(fd);
  throw invalidArgType('file', 'a path (string, Buffer or URL), a file descriptor, a FileHandle or a Mapping', file);
}

/** A regular file of `size` bytes that is open, and stays the caller's. */
export function openedFile(fd: number, size: number, path: string | undefined): Source {
  return new FileSource(fd, size, path, false);
}

function borrowed(fd: number): Source | Promise<Source> {
  // A FileHandle that was closed has the descriptor -1.
  if (fd < 0) throw systemError({ errno: os.constants.errno.EBADF, syscall: 'fstat' });
  const size = sizeOfFile(fs.fstatSync(fd), undefined);
  return size === 0 ? snapshotOrEmpty(fd, undefined) : openedFile(fd, size, undefined);
}

async function openPath(path: string | Buffer | URL): Promise<Source> {
  const name = path instanceof URL ? fileURLToPath(path) : path.toString();
  const fd = await promised<number>((done) => { fs.open(path, O_RDONLY | O_NONBLOCK, done); });
  let keep = false;
  try {
    const size = sizeOfFile(await promised<fs.Stats>((done) => { fs.fstat(fd, done); }), name);
    if (size === 0) return await snapshotOrEmpty(fd, name);
    keep = true;
    return new FileSource(fd, size, name, true);
  } finally {
    if (!keep) closeQuietly(fd);
  }
}

/**
 * Files of /proc and /sys say that they are empty, and sendfile(2) refuses them: what they hold now goes into memory,
 * as a file that can be sent like any other.
 */
async function snapshotOrEmpty(fd: number, path: string | undefined): Promise<Source> {
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
  const memory = valueOrThrow(native.createMemoryFile('zerocopy:snapshot', size, false), path);
  for (const piece of pieces) fs.writeSync(memory, piece);
  return new FileSource(memory, size, path, true);
}

function promised<T>(start: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => { if (error) reject(error); else resolve(value); });
  });
}

/** Length of a regular file, bytes; what sendfile(2) says of anything else. */
function sizeOfFile(stats: fs.Stats, path: string | undefined): number {
  if (stats.isFile()) return stats.size;
  const { EISDIR, ESPIPE, EINVAL } = os.constants.errno;
  const unseekable = stats.isFIFO() || stats.isSocket() ? ESPIPE : EINVAL;
  throw systemError({ errno: stats.isDirectory() ? EISDIR : unseekable, syscall: 'sendfile' }, path);
}

function closeQuietly(fd: number): void {
  fs.close(fd, () => undefined);
}

class FileSource implements Source {
  readonly path: string | undefined;
  readonly #fd: number;
  readonly #size: number;
  readonly #owned: boolean;

  constructor(fd: number, size: number, path: string | undefined, owned: boolean) {
    this.#fd = fd;
    this.#size = size;
    this.path = path;
    this.#owned = owned;
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

  sendCached(socket: number, offset: number, length: number): number {
    return native.sendCached(socket, this.#fd, offset, length);
  }

  startJob(out: number, offset: number, length: number): number | OsFailure {
    return native.startSendFile(out, this.#fd, offset, length);
  }

  failure(failed: OsFailure): Error {
    return systemError(failed);
  }

  read(buffer: Uint8Array, offset: number): Promise<number> {
    return promised((done) => { fs.read(this.#fd, buffer, 0, buffer.byteLength, offset, done); });
  }

  close(): void {
    if (this.#owned) closeQuietly(this.#fd);
  }
}

class MemorySource implements Source {
  readonly path: string | undefined;
  readonly #mapping: Mapping;

  constructor(mapping: Mapping) {
    const windows = windowsOf(mapping);
    if (!windows.open) throw windows.reason();
    this.#mapping = mapping;
    this.path = mapping.path;
  }

  range({ offset, length }: WantedRange): ByteRange {
    return byteRange(offset, length, this.#mapping.byteLength);
  }

  isShorterThan(): boolean {
    return false;
  }

  // Looking at mapped memory may wait for the disk: never on this thread.
  sendCached(): number {
    return 0;
  }

  startJob(out: number, offset: number, length: number): number | OsFailure {
    const windows = windowsOf(this.#mapping);
    if (!windows.open) throw windows.reason();
    return native.startSendMemory(out, windows.region, offset, length);
  }

  /** The kernel answers EFAULT where looking at the memory would be SIGBUS. */
  failure(failed: OsFailure, offset: number): Error {
    if (failed.errno !== os.constants.errno.EFAULT) return systemError(failed);
    return unreadable(offset, this.#mapping.faults);
  }

  read(buffer: Uint8Array, offset: number): Promise<number> {
    const length = Math.min(buffer.byteLength, this.#mapping.byteLength - offset);
    buffer.set(this.#mapping.view(offset, length).toBytes());
    return Promise.resolve(length);
  }

  close(): void {
    // The mapping is the caller's.
  }
}

/** The file ended early: the one error a transfer makes itself. */
export function shortFile(path: string | undefined, expected: number, bytesSent: number): NodeJS.ErrnoException {
  const name = path === undefined ? 'The file' : `'${path}'`;
  return zeroCopyError('ERR_SHORT_FILE', `${name} ended after ${String(bytesSent)} of ${String(expected)} bytes: it is shorter than announced, or was cut while it was sent`, { bytesSent });
}
