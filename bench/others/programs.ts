/** Contenders that are programs in other runtimes: each gets arguments and prints one line of JSON. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

import { Unavailable, type Measured } from '../case';
import { sharedFolder } from '../files';
import { fileOf, PACKAGES } from './packages';

type Arguments = readonly (string | number)[];

/** Waits for the program's end. Unavailable where it is not installed. */
export function output(command: string, args: Arguments): string {
  const { error, status, signal, stdout, stderr } = spawnSync(command, args.map(String), { encoding: 'utf8' });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') {
    throw new Unavailable(`${path.basename(command)} is not installed`);
  }
  if (error !== undefined || status !== 0) throw error ?? new Error(`${command}: ${signal ?? ''} ${stderr}`);
  return stdout;
}

/** What the program says, and beside it (in its name for a table) nothing of how. */
function measured(command: string, args: Arguments): Measured {
  return JSON.parse(output(command, args)) as Measured;
}

export function python(source: string, ...args: Arguments): Measured {
  return measured('python3', ['-c', source, ...args]);
}

export function bunFile(): string {
  return fileOf(PACKAGES.bun, 'bin/bun');
}

/** `source` finds its arguments from process.argv[1] on, in this and in the next. */
export function bun(source: string, ...args: Arguments): Measured {
  return measured(bunFile(), ['-e', source, ...args]);
}

/** Node 26, which has node:ffi. */
export function nodeWithFfi(source: string, ...args: Arguments): Measured {
  const node = fileOf(PACKAGES.node26, 'bin/node');
  return measured(node, ['--experimental-ffi', '--no-warnings', '-e', source, ...args]);
}

/** bench/baseline, seen from out/bench/others. */
const SOURCES = path.resolve(__dirname, '../../../bench/baseline');

/** The program of bench/baseline/NAME.c, compiled once for all contenders of a case. */
export function compiled(name: string): string {
  const file = path.join(sharedFolder(), name);
  if (!existsSync(file)) output('cc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', file, path.join(SOURCES, `${name}.c`)]);
  return file;
}

export function inC(name: string, ...args: Arguments): Measured {
  return measured(compiled(name), args);
}
