import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

import { ask } from '../support/exchange';
import { freePort } from '../support/network';
import { temporaryFolder } from '../support/temporary';

/**
 * Node's server.close() ends connections whose first request has not been read yet, so one that has just come may be
 * reset: what is idempotent is asked again then, as every client does (RFC 9110, 9.2.2). A refusal is none of these.
 */
async function patiently<T>(request: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET' || attempt === 3) throw error;
    }
  }
}

describe('examples/cluster-server', () => {
  const folder = temporaryFolder();

  it('serves, replaces its processes without refusing anybody, and ends', async function () {
    this.timeout(60_000);
    const root = path.dirname(folder.file('file.txt', 'content'));
    const port = await freePort();
    const script = path.join(__dirname, '../../examples/cluster-server.js');
    const child = spawn(process.execPath, [script, root, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const said = async (word: RegExp): Promise<void> => { while (!word.test(text)) await once(child.stdout, 'data'); };
    const ended = once(child, 'exit');
    try {
      await said(/ready, \d+ processes/);
      child.kill('SIGHUP');
      for (let answers = 0; answers < 20 || !text.includes('replaced'); answers++) {
        assert.equal((await patiently(() => ask(port, '/file.txt'))).body.toString(), 'content');
      }
    } finally {
      child.kill('SIGTERM');
      assert.deepEqual(await ended, [0, null]);
    }
  });
});
