import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

describe('the examples of views run as they stand', () => {
  for (const name of ['packet-parse.js', 'matrix-reshape.js', 'chunked-file.mjs', 'send-slices.mjs', 'tiny-view.mjs']) {
    it(name, () => {
      const { status, stderr, stdout } = spawnSync(process.execPath, [path.resolve(__dirname, '../../examples',
        name)], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      assert.ok(stdout.length > 0);
    });
  }
});
