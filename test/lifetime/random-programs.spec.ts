import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

/** scripts/random-programs.sh runs more of them, and its controls plant faults that they must find. */
describe('random programs', () => {
  const run = (flags: string[], programs: number): void => {
    const program = path.join(__dirname, 'random-programs.js');
    const seed = String(Math.floor(Math.random() * 2 ** 31)); // printed with any failure
    const child = spawnSync(process.execPath, ['--expose-gc', ...flags, program, '--programs', String(programs), '--seed', seed], {
      encoding: 'utf8',
      timeout: 290_000,
    });
    assert.deepEqual({ status: child.status, signal: child.signal }, { status: 0, signal: null }, `seed ${seed}: ${child.stderr}`);
    assert.match(child.stdout, new RegExp(`${String(programs)} programs .* no signal, no foreign byte`));
  };

  it('60 of them neither end the process nor see a foreign byte', () => run([], 60)).timeout(300_000);

  it('nor do 20 while the engine collects and moves objects at every 300th allocation', () => {
    run(['--gc-interval=300', '--stress-compaction'], 20);
  }).timeout(300_000);
});
