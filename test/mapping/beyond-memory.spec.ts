import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, truncateSync, writeSync } from 'node:fs';
import path from 'node:path';

import { MemoryView, mmap, mmapAnonymous } from 'zerocopy';

import { temporaryFolder } from '../support/temporary';

const GIB = 2 ** 30;
const SCAN = path.join(__dirname, '../support/scan.js');

describe('a mapping larger than memory', () => {
  const folder = temporaryFolder();

  /** A file of holes with a few bytes at each of the places. */
  function sparse(name: string, length: number, places: readonly number[]): string {
    const file = folder.file(name, '');
    truncateSync(file, length);
    const fd = openSync(file, 'r+');
    for (const place of places) writeSync(fd, Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]), 0, 8, place);
    closeSync(fd);
    return file;
  }

  /** Where windows of either size begin and end, and lengths that some engine cannot put into one buffer. */
  const EDGES = [2 ** 23, 2 ** 24, GIB, 2 * GIB, 4 * GIB, 5 * GIB, 33 * GIB].map((edge) => edge - 4);

  it('of 64 GiB is right at every edge: elements, slices, copies, comparison', () => {
    const length = 64 * GIB;
    const places = [...EDGES, length - 8];
    using mapping = mmap(sparse('64gib', length, places));
    const all = mapping.view();
    assert.deepEqual([all.length, all.nbytes], [length, length]);
    const known = new MemoryView(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8));
    for (const place of places) {
      assert.deepEqual([all.get(place - 1), all.get(place), all.get(place + 7)], [0, 1, 8]);
      assert.equal(all.get(place - length), 1);
      const slice = all.slice(place - 1, place + 8);
      assert.deepEqual(slice.toList(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
      assert.deepEqual(slice.slice(null, null, -3).toList(), [8, 5, 2]);
      assert.equal(slice.equals(known), true);
      assert.equal(mapping.view(place, 8).equals(known.slice(1)), true);
      assert.equal(mapping.view(place, 8).cast('<Q').get(0), 0x0807_0605_0403_0201n);
      assert.deepEqual(mapping.asBuffer(place, 8), Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]));
      assert.deepEqual(slice.toBytes(), Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8));
    }
    // One element of every 4 GiB, over all of it.
    assert.deepEqual(all.slice(4 * GIB - 4, null, 4 * GIB).slice(0, 3).toList(), [1, 0, 0]);
    assert.equal(all.slice(null, null, GIB).length, 64);
  });

  it('of 5 GiB is equal to its copy but for one byte', () => {
    const file = sparse('5gib', 5 * GIB, EDGES.slice(0, 5));
    using one = mmap(file, { offset: 4 * GIB - 2 ** 24 });
    using same = mmap(file, { offset: 4 * GIB - 2 ** 24, access: 'copy' });
    const [length, last] = [2 ** 26, 2 ** 26 - 1];
    assert.equal(one.view(0, length).equals(same.view(0, length)), true);
    same.view().set(last, 1);
    assert.equal(one.view(0, length).equals(same.view(0, length)), false);
    assert.equal(one.view(0, last).equals(same.view(0, last)), true);
  });

  it('of a TiB is mapped whole, and read where it is looked at', () => {
    const length = 1024 * GIB;
    using mapping = mmap(sparse('tebibyte', length, [777 * GIB, length - 8]), { advice: 'random' });
    assert.equal(mapping.byteLength, length);
    assert.equal(mapping.view().get(-1), 8);
    assert.deepEqual(mapping.view(777 * GIB, 8).toList(), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.equal(mapping.view(500 * GIB).get(0), 0);
  });

  it('of memory of 64 GiB costs what is written', () => {
    using mapping = mmapAnonymous(64 * GIB);
    mapping.view().set(63 * GIB, 5);
    assert.equal(mapping.view().get(63 * GIB), 5);
    assert.equal(mapping.residency({ offset: 63 * GIB, length: 2 ** 20 }).resident, 1);
  });

  it('of 1 GiB is read from end to end with less than 100 MB of its own', () => {
    const file = sparse('1gib', GIB, [0, 4096, GIB / 2, GIB - 4096]);
    const { status, stdout, stderr } = spawnSync(process.execPath, [SCAN, file], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const { sum, own } = JSON.parse(stdout) as { sum: number; own: number };
    assert.equal(sum, 4);
    assert.ok(own < 100_000_000, `${own} bytes of its own`);
  });
});
