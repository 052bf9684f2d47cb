import { closeSync, constants, ftruncateSync, openSync, unlinkSync } from 'node:fs';

import { invalidArgType, invalidArgValue, valueOrThrow } from '../errors';
import { isPath, O_NONBLOCK, openDescriptor, pathText, type FileHandleLike, type FilePath } from '../files';
import { ACCESS, ADVICE, native, type Access, type Advice } from '../native';
import {
  byteRange, oneOf, optionalBoolean, optionalWholeNumber, optionsObject, wholeNumber, type ByteRange,
} from '../validate';
import { keepFaultHandler } from './faults';
import { MAKE, Mapping } from './mapping';
import { withRoom } from './refusals';

/** A file: a path, or one that is open already; then it stays the caller's. */
export type MappableFile = string | Buffer | URL | number | FileHandleLike;

export interface MmapOptions {
  /**
   * 'read' (default): views are read-only, a stray write through a raw array stays private. 'write': shared, writes
   * reach the file. 'copy': private and writable.
   */
  readonly access?: Access;
  /** Where in the file to begin, bytes; any offset will do. Default 0. */
  readonly offset?: number | bigint;
  /** How many bytes. Default: to the end of the file. */
  readonly length?: number | bigint;
  /** Access 'write' only: create the file if absent and make it at least this long, bytes, its blocks allocated. */
  readonly size?: number | bigint;
  /** As {@link Mapping.advise}, for the whole mapping. */
  readonly advice?: Advice;
  /** Read all pages in before returning, as far as they can be read. Default false. */
  readonly populate?: boolean;
}

export interface MmapAnonymousOptions {
  /** Shows in /proc/self/maps; at most 249 bytes, no NUL. Default 'zerocopy'. */
  readonly name?: string;
  /** The memory can never be cut shorter, by no process that gets its descriptor. Default false. */
  readonly sealed?: boolean;
}

/** Options, read once and checked: plain numbers and words. Offset and length still want a file to lie in. */
interface Request {
  readonly access: Access;
  readonly offset: number;
  readonly length: number | undefined;
  readonly size: number | undefined;
  readonly advice: Advice | undefined;
  readonly populate: boolean;
}

interface OpenFile {
  readonly fd: number;
  readonly path: string | undefined;
  close(): void;
  /** Removes the file if it was made here. */
  discard(): void;
}

const NOTHING = (): void => undefined;

/**
 * Maps a file, or a part of it, into memory.
 *
 * The file may be longer than memory. A path is opened and closed again; a descriptor or FileHandle stays the
 * caller's and may be closed at once. An empty file gives an empty mapping.
 * @throws system errors of open(2), fstat(2), mmap(2) (`code`, `errno`, `syscall`, `path`): ENOENT, EACCES, EISDIR for
 * a directory, ENODEV for a pipe or device; ENOSPC when `size` does not fit the disk. ERR_INVALID_ARG_TYPE,
 * ERR_INVALID_ARG_VALUE; ERR_OUT_OF_RANGE for what is negative, fractional, or past the end of the file.
 * @example
 * using mapping = mmap('data.bin');
 * const header = mapping.view(0, 16);
 */
export function mmap(file: MappableFile, options?: MmapOptions): Mapping {
  const request = readOptions(options);
  const opened = openFile(file, request);
  try {
    const mapping = mapFile(opened, request);
    if (request.advice !== undefined) mapping.advise(request.advice);
    return mapping;
  } catch (error) {
    opened.discard();
    throw error;
  } finally {
    opened.close();
  }
}

/**
 * Maps `byteLength` bytes of shared memory, zeros, that no file has (memfd_create(2)): access 'write'. Hand its `fd` to
 * a child process and map it there to share it.
 * @throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE; system errors of memfd_create, ftruncate, mmap
 */
export function mmapAnonymous(byteLength: number, options?: MmapAnonymousOptions): Mapping {
  const length = wholeNumber(byteLength, 'byteLength');
  const { name = 'zerocopy', sealed } = optionsObject(options, 'options', ['name', 'sealed']);
  checkMemoryFileName(name);
  const fd = valueOrThrow(native.createMemoryFile(name, length, optionalBoolean(sealed, 'options.sealed', false)));
  try {
    const request: Request = { access: 'write', offset: 0, length, size: undefined, advice: undefined, populate: false };
    const file = { fd, path: undefined, close: NOTHING, discard: NOTHING };
    return mapRange(file, request, { offset: 0, length }, mmapAnonymous);
  } finally {
    native.closeDescriptor(fd);
  }
}

function readOptions(options: MmapOptions | undefined): Request {
  const { access, offset, length, size, advice, populate } = optionsObject(options, 'options', [
    'access', 'offset', 'length', 'size', 'advice', 'populate',
  ]);
  const request = {
    access: oneOf(access, 'options.access', ACCESS, 'read'),
    offset: optionalWholeNumber(offset, 'offset', 0),
    length: length === undefined ? undefined : wholeNumber(length, 'length'),
    size: size === undefined ? undefined : wholeNumber(size, 'options.size'),
    advice: advice === undefined ? undefined : oneOf(advice, 'options.advice', ADVICE),
    populate: optionalBoolean(populate, 'options.populate', false),
  };
  if (request.size !== undefined && request.access !== 'write') {
    throw invalidArgValue('options.size', size, "goes with access 'write' only: other mappings do not change the file");
  }
  return request;
}

function openFile(file: MappableFile, request: Request): OpenFile {
  if (isPath(file)) return openPath(file, request);
  const fd = openDescriptor(file, 'file', 'fstat');
  if (fd !== undefined) return { fd, path: undefined, close: NOTHING, discard: NOTHING };
  throw invalidArgType('file', 'a path (string, Buffer or URL), a file descriptor or a FileHandle', file);
}

function openPath(path: FilePath, request: Request): OpenFile {
  const { fd, created } = openOrCreate(path, request);
  const discard = created ? () => { unlinkSync(path); } : NOTHING;
  return { fd, path: pathText(path), close: () => { closeSync(fd); }, discard };
}

function openOrCreate(path: FilePath, { access, size }: Request): { fd: number; created: boolean } {
  const mode = (access === 'write' ? constants.O_RDWR : constants.O_RDONLY) | O_NONBLOCK;
  if (size === undefined) return { fd: openSync(path, mode), created: false };
  try {
    return { fd: openSync(path, mode | constants.O_CREAT | constants.O_EXCL, 0o666), created: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // O_CREAT all the same: a symbolic link to a file that is absent exists too.
    return { fd: openSync(path, mode | constants.O_CREAT, 0o666), created: false };
  }
}

/** The file is made as long as was asked for; what fails leaves it as long as it was. */
function mapFile(file: OpenFile, request: Request): Mapping {
  const { size = 0, offset, length } = request;
  const before = valueOrThrow(native.mappableLength(file.fd), file.path);
  const range = byteRange(offset, length, Math.max(before, size));
  if (size > 0) valueOrThrow(native.allocateFile(file.fd, 0, size), file.path);
  try {
    return mapRange(file, request, range, mmap);
  } catch (error) {
    if (size > before) ftruncateSync(file.fd, before);
    throw error;
  }
}

function mapRange(
  file: OpenFile, request: Request, range: ByteRange, maker: typeof mmap | typeof mmapAnonymous,
): Mapping {
  const { access, populate } = request;
  // A mapping that writes keeps a descriptor, for children and for faults; readers by the thousand need none.
  const keepDescriptor = access === 'write';
  const made = native.mapFile(file.fd, range.offset, range.length, ACCESS.indexOf(access), keepDescriptor, populate);
  const region = valueOrThrow(withRoom(made), file.path);
  keepFaultHandler();
  return new Mapping(MAKE, {
    region, access, byteLength: range.length, fileOffset: range.offset, path: file.path, maker,
    anonymous: maker === mmapAnonymous,
  });
}

function checkMemoryFileName(name: unknown): asserts name is string {
  if (typeof name !== 'string') throw invalidArgType('options.name', 'of type string', name);
  if (Buffer.byteLength(name) > 249 || name.includes('\0')) {
    throw invalidArgValue('options.name', name, 'must be at most 249 bytes long, without NUL (memfd_create(2))');
  }
}
