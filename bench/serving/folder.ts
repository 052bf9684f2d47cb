/** Files to serve: made once for all contenders of a case. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

import type { Contender, Measured } from '../case';
import { sharedFile, sharedFolder } from '../files';
import type { Running, Serve } from './servers';

export const MIB = 2 ** 20;
const FOLDER = 'served';

/** Measures a server over the folder that makeFile() fills. */
export function serving(serve: Serve, measure: (server: Running, folder: string) => Promise<Measured>): Contender {
  return async () => {
    const folder = path.join(sharedFolder(), FOLDER);
    mkdirSync(folder, { recursive: true });
    const server = await serve(folder);
    try {
      return await measure(server, folder);
    } finally {
      await server.close();
    }
  };
}

/** A file of random bytes on the disk and in the page cache. */
export function makeFile(folder: string, name: string, size: number): void {
  sharedFile(path.join(folder, name), (file) => {
    const block = Math.min(size, MIB);
    const made = spawnSync('dd', ['if=/dev/urandom', `of=${file}`, `bs=${String(block)}`, `count=${String(size / block)}`]);
    if (made.status !== 0) throw new Error(`dd: ${made.stderr.toString()}`);
  });
}
