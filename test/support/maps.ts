import { readFileSync } from 'node:fs';

/** The kernel's own list of what is mapped: lines of /proc/self/maps, those naming `path` or all. */
export function mappedRanges(path?: string): string[] {
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n').slice(0, -1);
  return path === undefined ? lines : lines.filter((line) => line.endsWith(` ${path}`));
}
