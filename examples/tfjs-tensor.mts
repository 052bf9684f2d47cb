/**
 * Tensors over a mapped file, TensorFlow.js: embeddings in a .npy file, and the row that is most like a query.
 *
 * Copied: nothing, by the CPU backend. It computes where the Float32Array lies; results are memory of its own.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { createNpy, openNpy, type Mapping } from 'zerocopy';

const ROWS = 2000;
const COLUMNS = 64;
tf.enableProdMode(); // which says nothing of faster backends on stderr
const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zerocopy-example-'));
const file = path.join(folder, 'embeddings.npy');
try {
  const written = createNpy(file, { format: 'f', shape: [ROWS, COLUMNS] });
  for (let row = 0; row < ROWS; row++) written.set([row, row % COLUMNS], row / ROWS);

  const matrix = openNpy(file);
  const mapping = matrix.obj as Mapping;
  const embeddings = tf.tensor2d(matrix.asTypedArray() as Float32Array, [ROWS, COLUMNS]);
  assert.equal(embeddings.dataSync().buffer, mapping.asArrayBuffer(), 'the tensor lies in the file');
  assert.equal(tf.reshape(embeddings, [-1]).dataSync().buffer, mapping.asArrayBuffer(), 'in another shape too');

  const query = tf.tensor1d(Array.from({ length: COLUMNS }, (_, column) => Number(column === 7)));
  const best = (): number | undefined => tf.tidy(() => tf.argMax(tf.dot(embeddings, query)).dataSync()[0]);
  assert.equal(best(), 1991, 'the last row that has anything in column 7');
  written.set([7, 7], 2);
  assert.equal(best(), 7, 'and what is written to the file is seen');

  mapping.close();
  assert.equal(mapping.state, 'closing', 'the tensor keeps the memory');
  assert.equal(best(), 7);
  console.log(`a tensor of ${embeddings.shape.join(' x ')}, not copied`);
  tf.dispose([embeddings, query]);
} finally {
  await fs.rm(folder, { recursive: true });
}
