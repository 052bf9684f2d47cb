/**
 * Files below one directory, opened so that nothing outside it can be reached, whoever swaps directories and links
 * meanwhile: the kernel enforces it (openat2(2), RESOLVE_BENEATH). Every answer is about the file that was opened; no
 * path is looked at first and opened later.
 */
import fs from 'node:fs';
import os from 'node:os';

import { isOsFailure, type OsFailure } from '../errors';
import { FACT_COUNT, native, SYMLINKS } from '../native';
import { OpenedFile } from './opened-file';
import { openPortably } from './portable-root';

export type Opening = OpenedFile | OsFailure | Promise<OpenedFile | OsFailure>;
export type Way = 'kernel' | 'portable';

const { EAGAIN, EPERM, ENOSYS } = os.constants.errno;
const { O_RDONLY, O_DIRECTORY = 0 } = fs.constants as Partial<typeof fs.constants> & { O_RDONLY: number };

/** Filled by each call, and copied by those that keep it. */
const scratch = new Float64Array(FACT_COUNT);

export class DocumentRoot {
  readonly path: string;
  readonly #symlinks: (typeof SYMLINKS)[number];
  readonly #revalidate: number;
  readonly #way: Way;
  #fd = -1;
  #checkedAt = 0;

  /** Throws the system error of a root that is not there or no directory: ENOENT, ENOTDIR, EACCES. */
  constructor(path: string, symlinks: (typeof SYMLINKS)[number], revalidate: number, way?: Way) {
    this.path = path;
    this.#symlinks = symlinks;
    this.#revalidate = revalidate;
    const fd = fs.openSync(path, O_RDONLY | O_DIRECTORY);
    try {
      this.#way = way ?? (isKernelAble(fd) ? 'kernel' : 'portable');
    } finally {
      fs.closeSync(fd);
    }
  }

  /** Opens `path`, relative, for reading: at once, or by promise when the disk has to be asked. */
  open(path: string, now: number): Opening {
    if (this.#way === 'portable') return openPortably(this.path, path, this.#symlinks);
    const name = path === '' ? '.' : path;
    const root = this.#descriptor(now);
    if (isOsFailure(root)) return root;
    const symlinks = SYMLINKS.indexOf(this.#symlinks);
    const fd = native.openBeneath(root, name, symlinks, scratch);
    if (typeof fd === 'number') return opened(fd);
    return fd.errno === EAGAIN ? openOnPool(root, name, symlinks) : fd;
  }

  close(): void {
    if (this.#fd >= 0) fs.closeSync(this.#fd);
    this.#fd = -1;
  }

  /** A root that was replaced (a link `current` that leads to a new release) is noticed after `revalidate`. */
  #descriptor(now: number): number | OsFailure {
    if (this.#fd >= 0 && now - this.#checkedAt <= this.#revalidate) return this.#fd;
    try {
      const fd = fs.openSync(this.path, O_RDONLY | O_DIRECTORY);
      this.close();
      this.#fd = fd;
    } catch (error) {
      const { errno = 0, syscall = 'open' } = error as NodeJS.ErrnoException;
      this.close();
      return { errno: -errno, syscall };
    }
    this.#checkedAt = now;
    return this.#fd;
  }
}

/** Older kernels have no such call, and some sandboxes forbid it. */
function isKernelAble(fd: number): boolean {
  const answer = native.openBeneath(fd, '.', 0, scratch);
  if (typeof answer !== 'number') return answer.errno !== ENOSYS && answer.errno !== EPERM;
  native.closeDescriptor(answer);
  return true;
}

async function openOnPool(root: number, path: string, symlinks: number): Promise<OpenedFile | OsFailure> {
  const fd = await native.openBeneathOnPool(root, path, symlinks);
  if (typeof fd !== 'number') return fd;
  const failure = native.describeFile(fd, scratch);
  if (failure === undefined) return opened(fd);
  native.closeDescriptor(fd);
  return failure;
}

/** By a call that has filled `scratch`. */
function opened(fd: number): OpenedFile {
  return new OpenedFile(fd, scratch.slice(), (own) => native.closeDescriptor(own));
}
