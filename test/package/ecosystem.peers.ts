/** The examples of docs/ecosystem.md whose packages are too heavy for development dependencies. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { convertModel, makeModels } from '../formats/onnx-model';
import { loadOnnxRuntime } from '../support/onnxruntime';
import { temporaryFolder } from '../support/temporary';
import { examplesOf, makeFolder, packagesIn, run } from './document-examples';

const ONNXRUNTIME = 'onnxruntime-node';

describe('docs/ecosystem.md', () => {
  const parent = temporaryFolder();

  it('has an example of onnxruntime-node, which runs', async () => {
    const ort = loadOnnxRuntime();
    const markdown = readFileSync(path.resolve(__dirname, '../../../docs/ecosystem.md'), 'utf8');
    const examples = examplesOf(markdown).filter((example) => packagesIn(example).includes(ONNXRUNTIME));
    const folder = makeFolder(path.dirname(parent.file('parent', '')), 'ecosystem', [ONNXRUNTIME]);
    makeModels(folder);
    await convertModel(ort, path.join(folder, 'scores.onnx'), path.join(folder, 'scores.ort'));
    assert.equal(examples.length, 1);
    for (const example of examples) run(folder, example);
    const [scores, expected] = ['scores.npy', 'expected.npy'].map((name) => readFileSync(path.join(folder, name)));
    assert.deepEqual(scores, expected);
  });
});
