import assert from 'node:assert/strict';
import { closeSync, openSync, statfsSync } from 'node:fs';

import { native } from '#lib/native';
import { mmap, type Mapping } from 'zerocopy';

/** tmpfs(5): its files are nowhere but in memory. */
export function livesInMemory(file: string): boolean {
  return statfsSync(file).type === 0x0102_1994;
}

/** Takes a file that nobody has mapped out of the page cache. */
export function evict(file: string): void {
  const fd = openSync(file, 'r');
  try {
    assert.equal(native.dropFromCache(fd), undefined);
  } finally {
    closeSync(fd);
  }
  using mapping = mmap(file);
  if (!livesInMemory(file)) assert.equal(mapping.residency().resident, 0);
}

/**
 * Keeps a file in memory until the mapping is closed: a system that reclaims cold pages (DAMON_RECLAIM,
 * https://docs.kernel.org/admin-guide/mm/damon/reclaim.html) may take those that nobody has mapped, at any time.
 */
export function keepInMemory(file: string): Mapping {
  return mmap(file, { populate: true });
}
