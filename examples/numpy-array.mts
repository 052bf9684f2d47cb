/**
 * A NumPy array in a mapped file: written here, read here, and read by npyjs.
 *
 * Copied: nothing. The array is filled and read in the file's own pages; npyjs makes typed arrays over the same memory.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { dump, parse } from 'npyjs';
import { createNpy, openNpy, type Mapping } from 'zerocopy';

const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zerocopy-example-'));
const file = path.join(folder, 'distances.npy');
try {
  const written = createNpy(file, { format: 'f', shape: [300, 400] });
  for (let row = 0; row < 300; row++) written.set([row, 399], row);

  const matrix = openNpy(file);
  const mapping = matrix.obj as Mapping;
  assert.deepEqual([matrix.shape, matrix.format, matrix.get([299, -1])], [[300, 400], 'f', 299]);
  assert.equal(matrix.asTypedArray().buffer, mapping.asArrayBuffer(), 'the elements lie in the file');
  assert.deepEqual(matrix.select([295, 300], -1).toList(), [295, 296, 297, 298, 299]);

  const theirs = parse(mapping.asArrayBuffer());
  assert.deepEqual([theirs.shape, theirs.dtype], [[300, 400], 'f4']);
  assert.equal(theirs.data.buffer, mapping.asArrayBuffer(), 'npyjs looks at the file too');
  written.set([0, 0], 0.5);
  assert.equal((theirs.data as Float32Array)[0], 0.5, 'and sees what is written to it');

  await fs.writeFile(file, Buffer.from(dump(Float64Array.of(1, 2, 3, 4), [2, 2])));
  assert.deepEqual(openNpy(file).toList(), [[1, 2], [3, 4]]);
  console.log(`${String(matrix.nbytes)} bytes as ${matrix.shape.join(' x ')}, not copied`);
} finally {
  await fs.rm(folder, { recursive: true });
}
