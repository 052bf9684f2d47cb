/**
 * A spatial index in a mapped file, flatbush: built once, opened at once.
 *
 * Copied: nothing. The index is the mapping's memory; a search reads the pages of the nodes that it visits.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import Flatbush from 'flatbush';
import { mmap } from 'zerocopy';

const SIDE = 300;
const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zerocopy-example-'));
const file = path.join(folder, 'points.flatbush');
try {
  const built = new Flatbush(SIDE * SIDE);
  for (let i = 0; i < SIDE * SIDE; i++) built.add(i % SIDE, Math.floor(i / SIDE));
  built.finish();
  await fs.writeFile(file, new Uint8Array(built.data));

  const mapping = mmap(file, { advice: 'random' });
  const index = Flatbush.from(mapping.asArrayBuffer());
  assert.equal(index.data, mapping.asArrayBuffer(), 'the index is the file');
  assert.deepEqual(index.search(10, 20, 11, 21).sort((a, b) => a - b), [6010, 6011, 6310, 6311]);
  assert.deepEqual(index.neighbors(299, 299, 1), [SIDE * SIDE - 1]);
  console.log(`${String(index.numItems)} points in ${String(mapping.byteLength)} bytes, not copied`);
  mapping.close();
} finally {
  await fs.rm(folder, { recursive: true });
}
