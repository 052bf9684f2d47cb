/**
 * Opens what is sent: at once where that needs no disk, else on the thread pool. Files that do not say how long they
 * are go into memory first.
 */
import fs from 'node:fs';
import os from 'node:os';

import { invalidArgType, systemError, valueOrThrow } from '../errors';
import { isPath, O_NONBLOCK, openDescriptor, pathText, type FilePath } from '../files';
import { Mapping } from '../mapping/mapping';
import { native } from '../native';
import { closeAtHand, openAtHand } from './at-hand';
import { closeQuietly, promised, regularFile } from './file-calls';
import { FileSource } from './file-source';
import { MemorySource } from './memory-source';
import type { SendableFile, Source } from './source';

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
