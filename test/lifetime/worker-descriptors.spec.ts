import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

import { runInChild } from '../support/child';
import { patternBytes, temporaryFolder } from '../support/temporary';

/** Serves every file of a folder to itself, keeps one open, and waits with a transfer to a pipe that nobody reads. */
const WORKER = `
  const { parentPort, workerData: { folder, fifo } } = require('node:worker_threads');
  const http = require('node:http'), fs = require('node:fs'), path = require('node:path');
  const { mmapAnonymous, sendfile } = require('zerocopy'), { serveFiles } = require('zerocopy/http');
  const server = http.createServer(serveFiles(folder));
  server.listen(0, '127.0.0.1', async () => {
    for (const name of fs.readdirSync(folder)) {
      const answer = await fetch('http://127.0.0.1:' + server.address().port + '/' + name);
      if (!answer.ok) throw new Error(name + ' ' + answer.status);
      await answer.arrayBuffer();
    }
    mmapAnonymous(4096).close();
    const out = fs.openSync('/dev/null', 'w');
    await sendfile(out, path.join(folder, 'large'));
    await sendfile(out, '/proc/self/status');
    const stalled = fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
    for (let i = 0; i < 3; i++) sendfile(stalled, path.join(folder, 'large')).catch(() => {});
    setTimeout(() => parentPort.postMessage('busy'), 50);
  });`;

const PARENT = `
  const { Worker } = require('node:worker_threads'), { once } = require('node:events'), fs = require('node:fs');
  const [folder, fifo, worker] = process.argv.slice(1);
  const open = () => fs.readdirSync('/proc/self/fd').length;
  const round = async (source) => {
    const thread = new Worker(source, { eval: true, workerData: { folder, fifo } });
    await once(thread, 'message');
    const during = open();
    await thread.terminate();
    return during;
  };
  (async () => {
    await round("require('node:worker_threads').parentPort.postMessage(1)");
    const before = open();
    for (let i = 0; i < 3; i++) console.log(await round(worker) - before > 5, open() - before);
  })();`;

describe('the descriptors of a worker', () => {
  const folder = temporaryFolder();

  it('are closed when it is terminated while it serves and sends, and Node warns of none', async () => {
    const served = folder.file('served');
    mkdirSync(served);
    folder.file('served/small', patternBytes(1000));
    folder.file('served/large', patternBytes(3_000_000));
    const fifo = folder.file('fifo');
    assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
    const child = await runInChild(PARENT, { arguments: [served, fifo, WORKER] });
    assert.deepEqual(child, { code: 0, signal: null, stdout: 'true 0\n'.repeat(3), stderr: '' });
  });
});
