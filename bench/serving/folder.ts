/** Files to serve, and their end. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import type { Contender, Measured } from '../case';
import type { Running, Serve } from './servers';

export const MIB = 2 ** 20;

/** Measures a server over a folder that is removed afterwards. */
export function serving(serve: Serve, measure: (server: Running, folder: string) => Promise<Measured>): Contender {
  return async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'zerocopy-bench-'));
    const server = await serve(folder);
    try {
      return await measure(server, folder);
    } finally {
      await server.close();
      rmSync(folder, { recursive: true });
    }
  };
}

/** A file of random bytes on the disk and in the page cache. */
export function makeFile(folder: string, name: string, size: number): void {
  const block = Math.min(size, MIB);
  const made = spawnSync('dd', ['if=/dev/urandom', `of=${path.join(folder, name)}`, `bs=${String(block)}`,
    `count=${String(size / block)}`, 'conv=fdatasync']);
  if (made.status !== 0) throw new Error(`dd: ${made.stderr.toString()}`);
}
