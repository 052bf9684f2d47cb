import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

/** scripts/random-programs.sh runs more of them, and its controls plant faults that they must find. */
describe('random programs', () => {
  it('60 of them neither end the process nor see a foreign byte', () => {
    const program = path.join(__dirname, 'random-programs.js');
    const seed = String(Math.floor(Math.random() * 2 ** 31)); // printed with any failure
    const child = spawnSync(process.execPath, ['--expose-gc', program, '--programs', '60', '--seed', seed], {
      encoding: 'utf8',
      timeout: 120_000,
    });
    assert.deepEqual({ status: child.status, signal: child.signal }, { status: 0, signal: null }, `seed ${seed}: ${child.stderr}`);
    assert.match(child.stdout, /60 programs .* no signal, no foreign byte/);
  }).timeout(130_000);
});
