import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { getSystemErrorMap, parseArgs } from 'node:util';

import { bytes } from './terminal';

/** Something only the user can put right: one line, exit code 2. */
export class UsageError extends Error {}

export interface Options {
  readonly help: boolean;
  /** Undefined: make one. */
  readonly file: string | undefined;
  /** Of the file to make, bytes. */
  readonly size: number;
}

export const HELP = `npm start [-- FILE]

Maps a file, slices it a million times, reads records out of it, and serves it over HTTP to a client process twice:
read into a buffer and written, and by sendfile. Prints what each costs. FILE is only read.

  FILE         the file to use; without it one of varied binary records is made, and removed afterwards
  --size SIZE  how large to make that file, such as 64M or 4G (default 1G), in the folder TMPDIR names
  --help       this text`;

const POWER = { '': 0, K: 1, M: 2, G: 3, T: 4 } as const;

/** Throws UsageError. */
export function readOptions(argv: readonly string[]): Options {
  const { values, positionals } = parse(argv);
  const [file, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`one FILE at a time, not ${String(positionals.length)}`);
  if (file !== undefined && values.size !== undefined) {
    throw new UsageError('--size says how large a file to make; with FILE nothing is made');
  }
  const help = values.help === true;
  const absolute = file === undefined ? undefined : fromWhereTyped(file);
  if (absolute !== undefined && !help) checkFile(absolute);
  return { help, file: absolute, size: readSize(values.size ?? '1G') };
}

/** npm runs scripts in the package's folder, wherever it was called. */
function fromWhereTyped(file: string): string {
  const { npm_lifecycle_event: script, INIT_CWD: folder } = process.env;
  return script === 'start' && folder !== undefined ? path.resolve(folder, file) : path.resolve(file);
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: { help: { type: 'boolean', short: 'h' }, size: { type: 'string' } },
      allowPositionals: true,
    });
  } catch (error) {
    const sentence = (error as Error).message.split(/\. |\n/)[0]!;
    throw new UsageError(`${sentence} (--help shows what there is)`);
  }
}

function readSize(text: string): number {
  const match = /^([1-9]\d*)([KMGT]?)(?:iB|B)?$/i.exec(text);
  const size = match === null ? NaN : Number(match[1]) * 1024 ** POWER[match[2]!.toUpperCase() as keyof typeof POWER];
  if (!Number.isSafeInteger(size)) throw new UsageError(`--size takes a size such as 64M or 4G, not '${text}'`);
  return size;
}

function checkFile(file: string): void {
  try {
    const facts = statSync(file);
    if (facts.isDirectory()) throw new UsageError(`${file} is a directory; name a file in it`);
    if (!facts.isFile()) throw new UsageError(`${file} is not a regular file: it cannot be mapped`);
    accessSync(file, constants.R_OK);
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`cannot read ${file}: ${describe(error)}`);
  }
}

/** A system error in words: 'no such file or directory'. */
export function describe(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? message;
}

export function notEnoughSpace(folder: string, needed: number, free?: number): UsageError {
  const has = free === undefined ? 'the disk filled up' : `${bytes(free)} are free`;
  return new UsageError(`not enough disk space in ${folder} for ${bytes(needed)}: ${has}. ` +
    'Set TMPDIR to another folder, or make a smaller file with --size');
}
