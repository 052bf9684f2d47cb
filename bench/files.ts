/** Files that the contenders of a case share: made by the first that wants them, gone with the case. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync } from 'node:fs';
import path from 'node:path';

/** The variable by which the runner tells contenders the folder that it has made for this case. */
export const FOLDER_VARIABLE = 'ZEROCOPY_BENCH_FOLDER';

export function sharedFolder(): string {
  const folder = process.env[FOLDER_VARIABLE];
  if (folder === undefined) throw new Error(`${FOLDER_VARIABLE} names no folder: contenders are started by run.js`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** In the shared folder. `make` writes the file it is told; in the end it is on the disk and in the page cache. */
export function sharedFile(name: string, make: (file: string) => void): string {
  const file = path.resolve(sharedFolder(), name);
  if (existsSync(file)) return file;
  const half = `${file}.half`;
  make(half);
  const fd = openSync(half, 'r');
  fsyncSync(fd); // else the system writes it while others are measured
  closeSync(fd);
  renameSync(half, file);
  return file;
}
