import { closeSync, fstatSync, fsyncSync, openSync } from 'node:fs';

/**
 * How many blocks of 512 bytes the disk has for a file. Before they are written a file system may not have given them
 * out, and counts some of them twice or not at all while it does.
 */
export function blocksOf(file: string): number {
  const fd = openSync(file, 'r+');
  try {
    fsyncSync(fd);
    return fstatSync(fd).blocks;
  } finally {
    closeSync(fd);
  }
}
