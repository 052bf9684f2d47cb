/** The packages that people read large files with, on mapped files: each example asserts what is shared. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { temporaryFolder } from '../support/temporary';

const EXAMPLES: Readonly<Record<string, RegExp>> = {
  'arrow-table': /^1500000 rows, 2 batches, 1 parts/,
  'arrow-table 1500000 8000000': /^1500000 rows, 2 batches, 4 parts/,
  'flechette-table': /^100000 rows of time, value, sensor, not copied/,
  'parquet-rows': /^3 rows of 200000: \d+ of \d+ bytes were copied/,
  'numpy-array': /^480000 bytes as 300 x 400, not copied/,
  'spatial-index': /^90000 points in \d+ bytes, not copied/,
  'tfjs-tensor': /^a tensor of 2000 x 64, not copied/,
  'safetensors-weights': /^layer\.weight 512 x 256, layer\.bias 256, not copied/,
};

describe('the examples of other packages run as they stand', () => {
  const folder = temporaryFolder();

  for (const [command, says] of Object.entries(EXAMPLES)) {
    it(command, () => {
      const TMPDIR = folder.file(command);
      mkdirSync(TMPDIR);
      const [name, ...args] = command.split(' ');
      const script = path.resolve(__dirname, '../../examples', `${name!}.mjs`);
      const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
        encoding: 'utf8', env: { ...process.env, TMPDIR },
      });
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, says);
      assert.deepEqual(readdirSync(TMPDIR), [], 'and leave nothing behind');
    });
  }
});
