import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { patternBytes, temporaryFolder } from '../support/temporary';

describe('the examples of transfers run as they stand', () => {
  const folder = temporaryFolder();

  function run(name: string, argument: string): string {
    const script = path.resolve(__dirname, '../../examples', name);
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, argument], { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
    return stdout;
  }

  it('upload.js', () => {
    assert.match(run('upload.js', '24'), /^201: 24 MiB in [\d.]+ s, SHA-256 right\n$/);
  });

  it('send-large.js', () => {
    const file = folder.file('large', patternBytes(5_000_000));
    const lines = run('send-large.js', file).split('\n');
    // Server and client end in either order.
    for (const line of [`[${'#'.repeat(30)}] 100 %`, '5000000 bytes sent', '5000000 bytes received']) {
      assert.ok(lines.includes(line), `${line}, in:\n${lines.join('\n')}`);
    }
  });
});
