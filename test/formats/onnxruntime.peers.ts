/** onnxruntime-node on mapped files: what it reads and writes where it lies, and what happens when that goes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { InferenceSession, Tensor, TypedTensor } from 'onnxruntime-common';
import { createNpy, mmap, mmapAnonymous, openNpy, type Mapping, type MemoryView } from 'zerocopy';

import { runInChild } from '../support/child';
import { loadOnnxRuntime, onnxRuntimePath, type OnnxRuntime } from '../support/onnxruntime';
import { temporaryFolder } from '../support/temporary';
import { convertModel, makeModels, TABLE_BYTES } from './onnx-model';

const IN_PLACE = { extra: { session: { use_ort_model_bytes_directly: '1', use_ort_model_bytes_for_initializers: '1' } } };
const SIZE = 64 << 20;

/** What children begin with: memory in use at its most during `work`, beyond what was in use before. */
const PEAK = (): string => `
  const { InferenceSession, Tensor } = require(${JSON.stringify(onnxRuntimePath())});
  const { statusBytes } = require(${JSON.stringify(require.resolve('../support/status'))});
  async function peak(work) {
    require('node:fs').writeFileSync('/proc/self/clear_refs', '5');
    const before = statusBytes('VmRSS');
    await work();
    return statusBytes('VmHWM') - before;
  }`;

describe('onnxruntime-node', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  let ort: OnnxRuntime;
  let session: InferenceSession;
  before(async () => {
    ort = loadOnnxRuntime();
    makeModels(path.dirname(folder.file('scores.onnx', '')));
    session = await ort.InferenceSession.create(mmap(folder.file('scores.onnx')).asUint8Array());
  });
  after(() => session.release());

  function tensorOver(view: MemoryView): TypedTensor<'float32'> {
    return new ort.Tensor('float32', view.asTypedArray() as Float32Array, view.shape);
  }

  async function answerOf(x: Tensor, y?: Tensor): Promise<Float32Array> {
    const results = await (y === undefined ? session.run({ x }) : session.run({ x }, { y }));
    return results['y']!.data as Float32Array;
  }

  /** Rows in memory that the test may close. */
  function copyOfRows(): { mapping: Mapping; x: Tensor } {
    const rows = openNpy(folder.file('rows.npy'));
    const mapping = mmapAnonymous(rows.nbytes);
    return { mapping, x: tensorOver(mapping.view().cast('f', rows.shape).assign(rows)) };
  }

  /** A child's answer; the child must end well, and say nothing else. */
  async function inChild(source: string): Promise<unknown> {
    const main = `${PEAK()}\n(async () => { ${source} })().then((answer) => console.log(JSON.stringify(answer)));`;
    const { code, signal, stdout, stderr } = await runInChild(main);
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
    return JSON.parse(stdout) as unknown;
  }

  it('runs the example', () => {
    const TMPDIR = folder.file('example');
    mkdirSync(TMPDIR);
    const script = path.resolve(__dirname, '../../examples/onnx-scores.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, folder.file('scores.onnx')], {
      encoding: 'utf8', env: { ...process.env, TMPDIR },
    });
    assert.deepEqual([status, stderr], [0, '']);
    assert.equal(stdout, '1000 rows of 64, 10 scores each, not copied\n');
    assert.deepEqual(readdirSync(TMPDIR), [], 'and leaves nothing behind');
  });

  it('writes into a mapped file what NumPy computes', async () => {
    const file = folder.file('scores.npy');
    const scores = createNpy(file, { format: 'f', shape: [1000, 10] });
    const returned = await answerOf(tensorOver(openNpy(folder.file('rows.npy'))), tensorOver(scores));
    assert.deepEqual(readFileSync(file), readFileSync(folder.file('expected.npy')));
    assert.deepEqual(returned, scores.asTypedArray());
    assert.notEqual(returned.buffer, (scores.obj as Mapping).asArrayBuffer(), 'what is returned is a copy');
  });

  it('sees what is written to the mapping between two runs', async () => {
    const { mapping, x } = copyOfRows();
    assert.deepEqual(await answerOf(x), openNpy(folder.file('expected.npy')).asTypedArray());
    mapping.view().fill(0);
    assert.ok((await answerOf(x)).every((score) => score === 0));
  });

  const inputs = { 'the mapping': ['array', 0, 0.25], 'a copy, the control': ['array.slice()', 1, 1.25] } as const;
  for (const [name, [expression, least, most]] of Object.entries(inputs)) {
    it(`input: ${name} needs between ${String(least)} and ${String(most)} times its size`, async () => {
      const needed = await inChild(`
        const session = await InferenceSession.create(${JSON.stringify(folder.file('sum.onnx'))});
        const array = new Float32Array(zerocopy.mmapAnonymous(${String(SIZE)}).asArrayBuffer()).fill(1);
        return peak(() => session.run({ x: new Tensor('float32', ${expression}, [array.length / 64, 64]) }));`) as number;
      assert.ok(needed >= least * SIZE && needed < most * SIZE, `${String(needed / SIZE)} times`);
    });
  }

  const outputs = { 'a mapping': ['{ y }', 1, 1.25], 'its own, the control': ['{}', 2, 2.5] } as const;
  for (const [name, [fetches, least, most]] of Object.entries(outputs)) {
    it(`output into ${name} needs between ${String(least)} and ${String(most)} times its size`, async () => {
      const needed = await inChild(`
        const session = await InferenceSession.create(${JSON.stringify(folder.file('negated.onnx'))});
        const [x, y] = [1, 2].map((value) => {
          const array = new Float32Array(zerocopy.mmapAnonymous(${String(SIZE)}).asArrayBuffer()).fill(value);
          return new Tensor('float32', array, [array.length / 64, 64]);
        });
        return peak(() => session.run({ x }, ${fetches}));`) as number;
      assert.ok(needed >= least * SIZE && needed < most * SIZE, `${String(needed / SIZE)} times`);
    });
  }

  it('uses the weights of an .ort file where they lie, and of an .onnx file makes a copy', async () => {
    await convertModel(ort, folder.file('table.onnx'), folder.file('table.ort'));
    const loaded = (name: string, options: object): Promise<unknown> => inChild(`
      const before = statusBytes('RssAnon');
      const mapping = zerocopy.mmap(${JSON.stringify(folder.file(name))});
      const session = await InferenceSession.create(mapping.asUint8Array(), ${JSON.stringify(options)});
      for (let round = 0; round < 5; round++) { gc(); await new Promise(setImmediate); }
      const needed = statusBytes('RssAnon') - before;
      const { y } = await session.run({ x: new Tensor('int64', BigInt64Array.of(1n, 262143n), [2]) });
      await session.release();
      mapping.close();
      return { needed, ends: [y.data[0], y.data.at(-1)] };`);
    const [inPlace, copied] = [await loaded('table.ort', IN_PLACE), await loaded('table.onnx', {})] as
      { needed: number; ends: number[] }[];
    assert.deepEqual([inPlace!.ends, copied!.ends], [[64, 16_777_215], [64, 16_777_215]]);
    assert.ok(inPlace!.needed < TABLE_BYTES / 2, String(inPlace!.needed));
    assert.ok(copied!.needed >= TABLE_BYTES, String(copied!.needed));
  });

  it('computes with memory that was closed after run() was called, and rejects what was detached', async () => {
    const expected = openNpy(folder.file('expected.npy')).asTypedArray();
    const closed = copyOfRows();
    const answer = answerOf(closed.x);
    closed.mapping.close();
    assert.equal(closed.mapping.state, 'closing');
    assert.deepEqual(await answer, expected);

    const detached = copyOfRows();
    const rejected = answerOf(detached.x);
    detached.mapping.close({ detach: true });
    await assert.rejects(rejected, /not enough space: expected 256000, got 0/);

    const output = mmapAnonymous(40_000);
    const intoDetached = answerOf(copyOfRows().x, tensorOver(output.view().cast('f', [1000, 10])));
    output.close({ detach: true });
    await assert.rejects(intoDetached, /not enough space: expected 40000, got 0/);

    const model = mmap(folder.file('scores.onnx'));
    const created = ort.InferenceSession.create(model.asUint8Array());
    model.close({ detach: true });
    await assert.rejects(created, /Model data pointer is null/);
  });

  it('refuses a length or a type that is not the tensor\'s', () => {
    const mapping = mmapAnonymous(256);
    const floats = mapping.view().cast('f').asTypedArray() as Float32Array;
    assert.throws(() => new ort.Tensor('float32', floats, [65]), /size\(65\) does not match data length\(64\)/);
    assert.throws(() => new ort.Tensor('float32', mapping.asUint8Array() as unknown as Float32Array, [64]),
      /A float32 tensor's data must be type of .*Float32Array/);
  });
});
