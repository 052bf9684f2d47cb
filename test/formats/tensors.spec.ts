/** TensorFlow.js on mapped memory: what it shares, what it copies, and how long it keeps it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { mmap, mmapAnonymous, type Mapping } from 'zerocopy';

import { gcUntil } from '../support/gc';
import { temporaryFolder } from '../support/temporary';

const SIDE = 32;
const NUMBERS = Float32Array.from({ length: SIDE * SIDE }, (_, i) => i % 61 - 30);

/** Memory that holds NUMBERS, as the types that a tensor may have. */
function filled(): Mapping {
  const mapping = mmapAnonymous(NUMBERS.byteLength);
  mapping.view().cast('f').assign(NUMBERS);
  return mapping;
}

function floatsOf(mapping: Mapping): Float32Array {
  return mapping.view().cast('f').asTypedArray() as Float32Array;
}

/** A x A, as plain arithmetic has it; exact, because all numbers are small and whole. */
function squared(values: Float32Array): number[] {
  return Array.from(values, (_, at) => {
    const [row, column] = [Math.floor(at / SIDE), at % SIDE];
    return Array.from({ length: SIDE }, (__, k) => values[row * SIDE + k]! * values[k * SIDE + column]!)
      .reduce((sum, product) => sum + product);
  });
}

describe('tensors of TensorFlow.js over a mapping', () => {
  const folder = temporaryFolder();
  before(() => tf.enableProdMode()); // which is quiet
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  const types = {
    'f as float32': ['f', 'float32', true], 'i as int32': ['i', 'int32', true],
    // Controls: what the backend has to convert lies elsewhere, and does not follow.
    'B as int32': ['B', 'int32', false], 'i as float32': ['i', 'float32', false], 'f as int32': ['f', 'int32', false],
  } as const;
  for (const [name, [format, dtype, shares]] of Object.entries(types)) {
    it(`${name}: ${shares ? 'shares' : 'is a copy'}`, () => {
      const view = mmapAnonymous(64).view().cast(format);
      const array = view.asTypedArray() as Float32Array | Int32Array | Uint8Array;
      const tensor = tf.tensor(array, [array.length], dtype);
      assert.equal(tensor.dataSync() === array, shares);
      assert.equal(tensor.dataSync().buffer === array.buffer, shares);
      assert.equal(tf.sum(tensor).dataSync()[0], 0);
      view.set(3, 40);
      assert.equal(tf.sum(tensor).dataSync()[0], shares ? 40 : 0);
    });
  }

  it('Float64Array is refused, by name', () => {
    const doubles = mmapAnonymous(64).view().cast('d').asTypedArray() as unknown as Float32Array;
    assert.throws(() => tf.tensor(doubles), /values passed to tensor\(values\) must be/);
  });

  it('a length that is not that of the shape is refused', () => {
    assert.throws(() => tf.tensor(floatsOf(filled()), [SIDE, SIDE + 1]), /Based on the provided shape, \[32,33\]/);
  });

  it('are computed with as plain arithmetic has it, and not written to', () => {
    const file = folder.file('numbers', new Uint8Array(NUMBERS.buffer));
    const mapping = mmap(file);
    const tensor = tf.tensor2d(floatsOf(mapping), [SIDE, SIDE]);
    assert.deepEqual([...tf.matMul(tensor, tensor).dataSync()], squared(NUMBERS));
    const positive = Array.from(NUMBERS, (value) => Math.max(value + 1, 0));
    assert.deepEqual([...tf.relu(tf.add(tensor, 1)).dataSync()], positive);
    const variable = tf.variable(tensor);
    assert.equal(variable.dataSync().buffer, mapping.asArrayBuffer(), 'a variable begins there');
    variable.assign(tf.zerosLike(tensor));
    assert.notEqual(variable.dataSync().buffer, mapping.asArrayBuffer(), 'and goes elsewhere');
    variable.dispose();
    assert.deepEqual(floatsOf(mapping), NUMBERS);
    assert.deepEqual(readFileSync(file), Buffer.from(NUMBERS.buffer));
  });

  it('share in another shape', () => {
    const array = floatsOf(filled());
    assert.equal(tf.reshape(tf.tensor2d(array, [SIDE, SIDE]), [-1]).dataSync(), array);
  });

  it('keep the memory after close(), until they are disposed of and collected', async () => {
    const mapping = filled();
    // The array is in nobody's hands but the tensor's.
    const kept = new Set([tf.keep(tf.tensor2d(floatsOf(mapping), [SIDE, SIDE]))]);
    mapping.close();
    assert.equal(await gcUntil(() => mapping.state === 'closed', 5), false, 'a tensor lives');
    for (const tensor of kept) {
      assert.deepEqual(tensor.dataSync(), NUMBERS);
      tensor.dispose();
    }
    kept.clear();
    assert.equal(await gcUntil(() => mapping.state === 'closed'), true);
  });

  it('have no elements after close({ detach: true }), and compute with none', () => {
    const mapping = filled();
    const tensor = tf.tensor2d(floatsOf(mapping), [SIDE, SIDE]);
    mapping.close({ detach: true });
    // What may now lie where the file was.
    const others = Array.from({ length: 16 }, filled);
    assert.equal(tensor.dataSync().length, 0);
    for (const result of [tf.add(tensor, 1), tf.matMul(tensor, tensor)]) {
      assert.ok(result.dataSync().every(Number.isNaN));
    }
    assert.deepEqual(floatsOf(others[0]!), NUMBERS);
  });
});
