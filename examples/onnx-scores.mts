/**
 * A model on mapped files, onnxruntime-node: its weights, its input and its output lie in files.
 *
 *   node onnx-scores.mjs MODEL.onnx    a model of one input, float32 [n, columns], and one output, float32 [n, scores]
 *
 * Copied: what run() returns, which is a copy of the output. The weights are those of an .ort file, onnxruntime's own
 * format, which it can use where they lie; of an .onnx file it makes its own copy.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { createNpy, mmap, openNpy, type MemoryView } from 'zerocopy';

const ROWS = 1000;
const IN_PLACE = { use_ort_model_bytes_directly: '1', use_ort_model_bytes_for_initializers: '1' };

/** Once for each model, and each version of onnxruntime. */
async function convert(onnx: string, ort: string): Promise<void> {
  const extra = { session: { save_model_format: 'ORT' } };
  const session = await InferenceSession.create(onnx, {
    optimizedModelFilePath: ort, graphOptimizationLevel: 'extended', extra,
  });
  await session.release();
}

function columnsOf([metadata]: readonly InferenceSession.ValueMetadata[]): number {
  assert.ok(metadata?.isTensor);
  return Number(metadata.shape[1]);
}

function tensorOver(view: MemoryView): Tensor {
  return new Tensor('float32', view.asTypedArray() as Float32Array, view.shape);
}

const [, , model = 'model.onnx'] = process.argv;
const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'zerocopy-example-'));
try {
  const ort = path.join(folder, 'model.ort');
  await convert(model, ort);

  const weights = mmap(ort);
  const session = await InferenceSession.create(weights.asUint8Array(), { extra: { session: IN_PLACE } });
  const { inputNames: [x = ''], outputNames: [y = ''] } = session;

  const [columns, outputs] = [session.inputMetadata, session.outputMetadata].map(columnsOf) as [number, number];
  const rows = createNpy(path.join(folder, 'rows.npy'), { format: 'f', shape: [ROWS, columns] });
  for (let row = 0; row < ROWS; row++) rows.set([row, row % columns], 1);
  const file = path.join(folder, 'scores.npy');
  const scores = createNpy(file, { format: 'f', shape: [ROWS, outputs] });

  const { [y]: returned } = await session.run({ [x]: tensorOver(rows) }, { [y]: tensorOver(scores) });
  assert.deepEqual(openNpy(file).asTypedArray(), returned?.data, 'the scores are in their file');
  console.log(`${String(ROWS)} rows of ${String(columns)}, ${String(outputs)} scores each, not copied`);

  // In this order: a session whose weights are gone reads memory that is no longer there.
  await session.release();
  weights.close();
} finally {
  await fs.rm(folder, { recursive: true });
}
