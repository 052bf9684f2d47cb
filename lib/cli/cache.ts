/** `zerocopy cache`: which pages of files are in memory. */
import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs';

import { valueOrThrow } from '../errors';
import type { Mapping } from '../mapping/mapping';
import { mmap } from '../mapping/mmap';
import { native } from '../native';
import { UsageError, type Command, type OptionValues } from './command';
import { drawCells, pictureOf } from './page-picture';
import { formatBytes, formatShare, printable } from './units';

const HELP = `FILE... [--load | --evict]

Shows which pages of each file are in memory: as a picture in a terminal, a
line of text in a pipe. NO_COLOR=1 leaves the colours out.

  --load    bring the whole file into memory first
  --evict   drop it from the page cache first; what another process has mapped,
            and files that live in memory alone, stay
  --help    this text

Exit code 1 if any file could not be looked at.
`;

export const cache: Command = {
  summary: 'show which pages of files are in memory; bring them in, or drop them',
  help: HELP,
  options: { load: { type: 'boolean' }, evict: { type: 'boolean' } },
  async run(files, values) {
    if (files.length === 0) throw new UsageError('a file is missing');
    if (values['load'] === true && values['evict'] === true) {
      throw new UsageError('--load and --evict at the same time make no sense');
    }
    let failed = false;
    for (const file of files) {
      try {
        await showFile(file, values);
      } catch (error) {
        failed = true;
        process.stderr.write(`zerocopy cache: ${printable(error instanceof Error ? error.message : String(error))}\n`);
      }
    }
    return failed ? 1 : 0;
  },
};

async function showFile(file: string, { load, evict }: OptionValues): Promise<void> {
  using mapping = mmap(file);
  if (load === true) await loadPages(file, mapping);
  if (evict === true) evictPages(file);
  if (!isTold(file)) {
    throw new Error(`the system does not tell: '${file}' is a file that you neither own nor may write`);
  }
  process.stdout.write(`${describe(file, mapping)}\n`);
}

async function loadPages(file: string, mapping: Mapping): Promise<void> {
  if (!process.stderr.isTTY) return mapping.prefetch();
  const { byteLength } = mapping;
  try {
    await mapping.prefetch({
      onProgress(bytes) {
        const share = formatShare(bytes, byteLength);
        process.stderr.write(`\r\u001b[K${printable(file)}: ${formatBytes(bytes)} of ${formatBytes(byteLength)} loaded (${share})`);
      },
    });
  } finally {
    process.stderr.write('\r\u001b[K');
  }
}

function evictPages(file: string): void {
  const fd = openSync(file, 'r');
  try {
    valueOrThrow(native.dropFromCache(fd), file);
  } finally {
    closeSync(fd);
  }
}

/** Of other files mincore(2) says that all of their pages are in memory. */
function isTold(file: string): boolean {
  const user = process.geteuid?.();
  if (user === 0 || statSync(file).uid === user) return true;
  try {
    accessSync(file, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The line for one file: in a terminal as wide as that is, and no more than 40 cells of picture. */
function describe(file: string, mapping: Mapping): string {
  const { isTTY, columns } = process.stdout;
  const { byteLength } = mapping;
  const width = isTTY ? Math.max(8, Math.min(40, columns - 50)) : 1;
  const { resident, cells } = pictureOf(mapping, width);
  const share = byteLength === 0 ? 'empty' : formatShare(resident, byteLength);
  if (!isTTY) return `${file}: ${String(resident)} of ${String(byteLength)} bytes in memory (${share})`;
  const amount = `${formatBytes(resident)} of ${formatBytes(byteLength)}`;
  const picture = drawCells(cells, process.stdout.hasColors()) + ' '.repeat(width - cells.length);
  return `${picture} ${share.padStart(7)}  ${amount.padStart(22)}  ${printable(file)}`;
}
