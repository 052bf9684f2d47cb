import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(__dirname, '../../..');

/** The C++ tests of os/ and region/. Under the other sanitizers, and with controls: scripts/native-tests.sh. */
describe('os/ and region/', () => {
  it('pass their own tests, in a process without Node, addresses and undefined behaviour checked', () => {
    const result = spawnSync('bash', ['scripts/native-tests.sh', 'asan'], { cwd: root, encoding: 'utf8' });
    assert.equal(result.error, undefined, 'bash is needed to build and run the C++ tests');
    assert.equal(result.status, 0, result.stdout + result.stderr);
    assert.match(result.stdout, /: [1-9]\d* passed, 0 failed/);
  }).timeout(300_000);
});
