/**
 * The document root where the kernel has no openat2(2): names are resolved, compared with the root's, opened, and
 * resolved again. What somebody swaps exactly in between and back again is not noticed. The event loop waits for it.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import type { OsFailure } from '../errors';
import { O_NONBLOCK } from '../files';
import { FACT_COUNT, FACTS, type SYMLINKS } from '../native';
import { OpenedFile } from './opened-file';

const { ELOOP, EXDEV } = os.constants.errno;
// Windows has only the first.
const { O_RDONLY, O_NOFOLLOW = 0, O_NOCTTY = 0 } =
  fs.constants as Partial<typeof fs.constants> & { O_RDONLY: number };
const FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY;

export function openPortably(root: string, name: string, symlinks: (typeof SYMLINKS)[number]): OpenedFile | OsFailure {
  try {
    return symlinks === 'follow' ? described(fs.openSync(path.join(root, name), FLAGS)) : openWithin(root, name, symlinks);
  } catch (error) {
    const { errno, syscall } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    return { errno: -errno, syscall: syscall ?? 'open' };
  }
}

function openWithin(root: string, name: string, symlinks: 'within' | 'deny'): OpenedFile | OsFailure {
  const base = fs.realpathSync.native(root);
  const real = fs.realpathSync.native(path.join(base, name));
  if (symlinks === 'deny' && real !== path.join(base, name)) return { errno: ELOOP, syscall: 'open' };
  if (!isWithin(base, real)) return { errno: EXDEV, syscall: 'open' };
  const opened = described(fs.openSync(real, FLAGS | O_NOFOLLOW));
  try {
    if (isStill(opened.facts, real)) return opened;
  } catch {
    // It is gone: what was opened is nobody's to name.
  }
  opened.close();
  return { errno: EXDEV, syscall: 'open' };
}

/** With the separator: '/www-private' is not within '/www'. */
function isWithin(base: string, real: string): boolean {
  return real === base || real.startsWith(base.endsWith(path.sep) ? base : base + path.sep);
}

function isStill(facts: Float64Array, real: string): boolean {
  if (fs.realpathSync.native(real) !== real) return false;
  const now = factsOf(fs.statSync(real, { bigint: true }));
  return [FACTS.device, FACTS.inodeHigh, FACTS.inodeLow].every((place) => now[place] === facts[place]);
}

function described(fd: number): OpenedFile {
  try {
    return new OpenedFile(fd, factsOf(fs.fstatSync(fd, { bigint: true })), fs.closeSync);
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

const BILLION = 1_000_000_000n;

function factsOf(stats: fs.BigIntStats): Float64Array {
  const facts = new Float64Array(FACT_COUNT);
  facts[FACTS.size] = Number(stats.size);
  facts[FACTS.modifiedSeconds] = Number(stats.mtimeNs / BILLION);
  facts[FACTS.modifiedNanoseconds] = Number(stats.mtimeNs % BILLION);
  facts[FACTS.changedSeconds] = Number(stats.ctimeNs / BILLION);
  facts[FACTS.changedNanoseconds] = Number(stats.ctimeNs % BILLION);
  facts[FACTS.device] = Number(stats.dev);
  facts[FACTS.inodeHigh] = Number(stats.ino >> 32n);
  facts[FACTS.inodeLow] = Number(BigInt.asUintN(32, stats.ino));
  facts[FACTS.mode] = Number(stats.mode);
  facts[FACTS.inMemory] = 0; // nobody can tell: read by the thread pool
  return facts;
}
