/**
 * Opens what is sent: at once where that needs no disk, else on the thread pool. Files that do not tell how long they
 * are go into memory first.
 */
import fs from 'node:fs';
import os from 'node:os';

import { invalidArgType, systemError, valueOrThrow } from '../errors';
import { isPath, O_NONBLOCK, openDescriptor, pathText, type FileHandleLike, type FilePath } from '../files';
import { Mapping } from '../mapping/mapping';
import { native } from '../native';
import { closeAtHand, openAtHand } from './at-hand';
import { closeQuietly, promised, regularFile } from './file-calls';
import { FileSource } from './file-source';
import { MemorySource } from './memory-source';
import type { SendableFile, Source } from './source';

/** Of files that do not tell how long they are, bytes. */
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

/**
 * Checks and opens: at once where that needs no disk, so that what is cached can leave in the same turn. What the
 * caller has open is not ours yet: keep() comes before anything is waited for.
 */
export function openSource(file: SendableFile, purpose = SENDFILE): Source | Promise<Source> {
  if (file instanceof Mapping) return new MemorySource(file, purpose.holds);
  if (isPath(file)) return openPath(file, purpose);
  const fd = openDescriptor(file, purpose.argument, 'fstat');
  if (fd !== undefined) return borrowed(fd, file, purpose);
  throw invalidArgType(purpose.argument, 'a path (string, Buffer or URL), a file descriptor, a FileHandle or a Mapping', file);
}

/** The same for those who wait for something before they read it. */
export function openKept(file: SendableFile, purpose: Purpose): Source | Promise<Source> {
  const source = openSource(file, purpose);
  if (!(source instanceof Promise)) source.keep();
  return source;
}

function borrowed(fd: number, file: FileHandleLike | number, purpose: Purpose): Source | Promise<Source> {
  const facts = regularFile(fs.fstatSync(fd), purpose.syscall, undefined);
  const { size, mode } = facts;
  const source = new FileSource(fd, { size, mode, path: undefined, lender: file });
  if (tellsItsSize(facts)) return source;
  source.keep();
  return orSnapshot(source, size);
}

function openPath(path: FilePath, purpose: Purpose): Source | Promise<Source> {
  const fd = typeof path === 'string' ? openAtHand(path) : undefined;
  if (fd === undefined) return openOnPool(path, purpose);
  const facts = fs.fstatSync(fd);
  if (facts.isFile() && tellsItsSize(facts)) {
    const { size, mode } = facts;
    return new FileSource(fd, { size, mode, path: path as string, end: closeAtHand });
  }
  closeAtHand(fd);
  return openOnPool(path, purpose);
}

async function openOnPool(path: FilePath, purpose: Purpose): Promise<Source> {
  const name = pathText(path);
  const fd = await promised<number>((done) => { fs.open(path, fs.constants.O_RDONLY | O_NONBLOCK, done); });
  let facts: fs.Stats;
  try {
    facts = regularFile(await promised<fs.Stats>((done) => { fs.fstat(fd, done); }), purpose.syscall, name);
  } catch (error) {
    closeQuietly(fd);
    throw error;
  }
  const { size, mode } = facts;
  const source = new FileSource(fd, { size, mode, path: name, end: closeQuietly });
  return tellsItsSize(facts) ? source : orSnapshot(source, size);
}

/** Files that the kernel writes when they are read have nothing on a disk: /proc says 0 bytes of them, /sys a page. */
function tellsItsSize({ size, blocks }: fs.Stats): boolean {
  return size > SNAPSHOT_PIECE || (size > 0 && blocks > 0);
}

/**
 * What `source`, which says that it has `size` bytes, holds now: in memory, as a file that can be sent like any other,
 * for sendfile(2) refuses those of /proc. Itself when it has as many as it says, else closed.
 */
async function orSnapshot(source: FileSource, size: number): Promise<Source> {
  let kept: Source | undefined;
  try {
    const pieces = await piecesOf(source);
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    kept = length === size ? source : inMemory(pieces, length, source);
    return kept;
  } finally {
    if (kept !== source) source.close();
  }
}

async function piecesOf(source: FileSource): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  for (let size = 0; size <= LARGEST_SNAPSHOT;) {
    const piece = Buffer.allocUnsafe(SNAPSHOT_PIECE);
    const length = await source.read(piece, size);
    if (length === 0) return pieces;
    pieces.push(piece.subarray(0, length));
    size += length;
  }
  throw systemError({ errno: os.constants.errno.EFBIG, syscall: 'read' }, source.path);
}

function inMemory(pieces: readonly Buffer[], size: number, { mode, path }: FileSource): Source {
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
