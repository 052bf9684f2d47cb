/** The file that copyFile() writes: opened and made if need be, and taken away again when the copy fails. */
import fs from 'node:fs';

import { invalidArgType } from '../errors';
import {
  fileDescriptor, isFileHandle, isPath, O_NONBLOCK, openDescriptor, pathText, type FileHandleLike, type FilePath,
} from '../files';
import { Duplicate } from './duplicate';
import { closeQuietly, promised, regularFile } from './file-calls';

/** Where a file is copied to: a path, or a file that is open for writing; then it stays the caller's. */
export type CopyTarget = string | Buffer | URL | FileHandleLike | number;

/** A path, or a file that is open, under a number of our own. */
export type HeldTarget = FilePath | Duplicate;

const { O_CREAT, O_EXCL, O_WRONLY } = fs.constants;
/** Of a new file whose source has no permissions: as open() has it. */
const DEFAULT_MODE = 0o666;

export interface OpenTarget {
  readonly fd: number;
  readonly path: string | undefined;
  /** Opened here, to be closed here. */
  readonly isOurs: boolean;
  /** Made here: a copy that fails takes it away again. */
  readonly isNew: boolean;
}

/** Throws ERR_INVALID_ARG_TYPE for what is no file. */
export function checkTarget(target: CopyTarget): void {
  if (typeof target === 'number') fileDescriptor(target, 'target');
  else if (!isPath(target) && !isFileHandle(target)) {
    throw invalidArgType('target', 'a path (string, Buffer or URL), a file descriptor or a FileHandle', target);
  }
}

/** What the caller has open, duplicated before it can be closed; to be closed by whoever calls this. */
export function holdTarget(target: CopyTarget): HeldTarget {
  if (isPath(target)) return target;
  const fd = openDescriptor(target, 'target', 'fstat') as number;
  regularFile(fs.fstatSync(fd), 'copyfile', undefined);
  return new Duplicate(fd, target);
}

/** `mode`: permission bits of a new file; left to the umask when undefined. Nothing of what is there changes yet. */
export async function openTarget(target: HeldTarget, mode: number | undefined): Promise<OpenTarget> {
  if (target instanceof Duplicate) return { fd: target.fd, path: undefined, isOurs: false, isNew: false };
  const opened = await openPath(target, mode);
  try {
    regularFile(await promised<fs.Stats>((done) => { fs.fstat(opened.fd, done); }), 'copyfile', opened.path);
    if (opened.isNew && mode !== undefined) await setMode(opened.fd, mode);
  } catch (error) {
    await closeTarget(opened, opened.isNew);
    throw error;
  }
  return opened;
}

/** Closes what was opened here. `remove`: and takes the file away, if it still has its name. */
export async function closeTarget({ fd, path, isOurs }: OpenTarget, remove: boolean): Promise<void> {
  if (remove && path !== undefined) await removeFile(fd, path);
  if (isOurs) closeQuietly(fd);
}

/** First as a new file, then as one that is there; last as either, which a link to nothing is. */
async function openPath(path: FilePath, mode = DEFAULT_MODE): Promise<OpenTarget> {
  const name = pathText(path);
  const open = (flags: number): Promise<number> => promised((done) => {
    fs.open(path, O_WRONLY | O_NONBLOCK | flags, mode, done);
  });
  const opened = { path: name, isOurs: true };
  try {
    return { ...opened, fd: await open(O_CREAT | O_EXCL), isNew: true };
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  try {
    return { ...opened, fd: await open(0), isNew: false };
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  return { ...opened, fd: await open(O_CREAT), isNew: false };
}

/** Whatever the umask. A file system without permissions says EPERM. */
async function setMode(fd: number, mode: number): Promise<void> {
  try {
    await promised<undefined>((done) => { fs.fchmod(fd, mode, (error) => { done(error, undefined); }); });
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error;
  }
}

async function removeFile(fd: number, path: string): Promise<void> {
  try {
    const ours = await promised<fs.BigIntStats>((done) => { fs.fstat(fd, { bigint: true }, done); });
    const there = await promised<fs.BigIntStats>((done) => { fs.lstat(path, { bigint: true }, done); });
    if (ours.dev !== there.dev || ours.ino !== there.ino) return; // somebody put another file in its place
    await promised<undefined>((done) => { fs.unlink(path, (error) => { done(error, undefined); }); });
  } catch {
    // The error that matters is the one of the copy.
  }
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code;
}
