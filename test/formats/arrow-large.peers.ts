/** The Arrow example on a file of over 5 GB: more than one typed array holds on Node 20. Its disk space is its tool. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, statfsSync } from 'node:fs';
import path from 'node:path';

import { temporaryFolder } from '../support/temporary';

const ROW_BYTES = 20;
const ROWS = 250_000_000;

describe('an Arrow file of 5 GB', () => {
  const folder = temporaryFolder();

  it('is opened without copying it, and summed', function () {
    this.timeout(600_000);
    const TMPDIR = folder.file('large');
    mkdirSync(TMPDIR);
    const { bavail, bsize } = statfsSync(TMPDIR);
    // On a disk that is nearly full: half of what is left.
    const rows = Math.min(ROWS, Math.floor(bavail * bsize / ROW_BYTES / 2));
    const script = path.resolve(__dirname, '../../examples/arrow-table.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, String(rows)], {
      encoding: 'utf8', env: { ...process.env, TMPDIR },
    });
    assert.deepEqual([status, stderr], [0, '']);
    assert.ok(stdout.startsWith(`${String(rows)} rows, `), stdout);
  });
});
