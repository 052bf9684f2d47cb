/**
 * Files as arguments: a path, a descriptor, or a FileHandle. What is given open stays the caller's.
 */
import { constants } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';

import { invalidArgType, systemError } from './errors';
import { wholeNumber } from './validate';

/** A path as node:fs takes it. */
export type FilePath = string | Buffer | URL;

/** What node:fs/promises' open() resolves with, as far as it is needed here. */
export interface FileHandleLike {
  readonly fd: number;
}

/** For open(2): opening a pipe that has nobody at its other end would wait for ever. Windows has no such flag. */
export const O_NONBLOCK = (constants.O_NONBLOCK as number | undefined) ?? 0;

/** The largest file descriptor the system can number (fd_t is an int). */
const MAX_FD = 2 ** 31 - 1;

export function isPath(value: unknown): value is FilePath {
  return typeof value === 'string' || Buffer.isBuffer(value) || value instanceof URL;
}

/** As errors and mappings show it: of a Buffer that is no UTF-8 it is not the path any more. */
export function pathText(path: FilePath): string {
  return path instanceof URL ? fileURLToPath(path) : path.toString();
}

/** `name`: of the argument. Throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE. */
export function fileDescriptor(value: unknown, name: string): number {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value);
  return wholeNumber(value, name, 0, MAX_FD);
}

export function isFileHandle(value: unknown): value is FileHandleLike {
  const { fd } = Object(value) as { fd?: unknown };
  return typeof fd === 'number';
}

/**
 * The descriptor of a file that is open, given as that or as a FileHandle; undefined for anything else. Throws
 * ERR_OUT_OF_RANGE, and EBADF of `syscall` for a FileHandle that was closed.
 */
export function openDescriptor(value: unknown, name: string, syscall: string): number | undefined {
  if (typeof value === 'number') return fileDescriptor(value, name);
  if (!isFileHandle(value)) return undefined;
  const { fd } = value;
  // A FileHandle that was closed has the descriptor -1.
  if (fd === -1) throw systemError({ errno: os.constants.errno.EBADF, syscall });
  return fileDescriptor(fd, name);
}
