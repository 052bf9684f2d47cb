/** What this layer asks of node:fs. */
import fs from 'node:fs';
import os from 'node:os';

import { systemError } from '../errors';

/** The result of one of node:fs's calls with a callback. */
export function promised<T>(start: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => { if (error) reject(error); else resolve(value); });
  });
}

/** The facts of a regular file; for anything else the error of a call that wants one. */
export function regularFile(stats: fs.Stats, syscall: string, path: string | undefined): fs.Stats {
  if (stats.isFile()) return stats;
  const { EISDIR, ESPIPE, EINVAL } = os.constants.errno;
  const unseekable = stats.isFIFO() || stats.isSocket() ? ESPIPE : EINVAL;
  throw systemError({ errno: stats.isDirectory() ? EISDIR : unseekable, syscall }, path);
}

export function closeQuietly(fd: number): void {
  fs.close(fd, () => undefined);
}
