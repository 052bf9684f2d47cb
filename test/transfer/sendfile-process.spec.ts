import assert from 'node:assert/strict';

import { runInChild, withoutLeakCheck } from '../support/child';
import { writeLargeFile } from '../support/large-file';
import { temporaryFolder } from '../support/temporary';

/** `pair(serve)`: a server that does `serve(socket)`, and a client that is not read from until it is resumed. */
const PAIR = `
  const net = require('node:net');
  const { once } = require('node:events');
  const { readdirSync } = require('node:fs');
  const file = process.argv.at(-1);
  async function pair() {
    const server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = net.connect(server.address().port, '127.0.0.1').pause().on('error', () => {});
    const [socket] = await once(server, 'connection');
    socket.on('error', () => {});
    server.close();
    return { client, socket };
  }
  const threads = () => readdirSync('/proc/self/task').length;
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
`;

/** Runs in a worker: sends to a client that does not read, tells how much, and goes on. */
const WORKER = `
  const { parentPort } = require('node:worker_threads');
  pair().then(async ({ client, socket }) => {
    for (let i = 0; i < 10; i++) zerocopy.sendfile(socket, file).catch(() => {});
    await pause(50);
    parentPort.postMessage(socket.bytesWritten);
  });
`;

describe('sendfile and the end of its process', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  let file: string;
  before(() => {
    file = folder.file('large');
    writeLargeFile(file, 200 * 2 ** 20);
  });

  async function child(source: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
    const outcome = await runInChild(PAIR + source, { arguments: [file], env });
    assert.deepEqual({ code: outcome.code, signal: outcome.signal, stderr: outcome.stderr }, { code: 0, signal: null, stderr: '' });
    return outcome.stdout.trim();
  }

  it('keeps the process alive while it sends, and only then', async () => {
    assert.equal(await child(`
      (async () => {
        const { client, socket } = await pair();
        client.resume();
        socket.unref(); client.unref();
        console.log(await zerocopy.sendfile(socket, file));
        console.log(native.counters().transfersInFlight, native.counters().pumpThreads);
      })();
    `), `${String(200 * 2 ** 20)}\n0 1`);
  });

  it('does not hinder process.exit()', async () => {
    await child(`
      (async () => {
        for (let i = 0; i < 6; i++) {
          const { client, socket } = await pair();
          zerocopy.sendfile(socket, file).catch(() => {});
          if (i > 2) client.resume();
        }
        await pause(30);
        process.exit(native.counters().transfersInFlight > 2 ? 0 : 1);
      })();
    `, withoutLeakCheck());
  });

  it('does not survive an uncaught error, and does not change what that does', async () => {
    const { code, signal, stderr } = await runInChild(`${PAIR}
      (async () => {
        const { socket } = await pair();
        zerocopy.sendfile(socket, file).catch(() => {});
        await pause(30);
        throw new Error('uncaught');
      })();
    `, { arguments: [file], env: withoutLeakCheck() });
    assert.deepEqual([code, signal], [1, null]);
    assert.match(stderr, /uncaught/);
  });

  it('works in a worker thread, with a pump of its own', async () => {
    assert.equal(await child(`
      const { Worker } = require('node:worker_threads');
      const source = ${JSON.stringify(`const zerocopy = require('zerocopy'); ${PAIR}
        pair().then(async ({ client, socket }) => {
          let got = 0;
          client.on('data', (piece) => { got += piece.length; }).resume();
          const sent = await zerocopy.sendfile(socket, file);
          socket.end();
          await once(client, 'end');
          require('node:worker_threads').parentPort.postMessage([sent, got]);
        });`)};
      const before = threads();
      const workers = [1, 2, 3].map(() => new Worker(source, { eval: true, argv: [file] }));
      Promise.all(workers.map(async (worker) => {
        const ended = once(worker, 'exit'); // it may come together with the message
        const [[sent, got]] = await once(worker, 'message');
        if (sent !== 200 * 2 ** 20 || got !== sent) throw new Error(sent + ' ' + got);
        await ended;
      })).then(() => { console.log(native.counters().pumpThreads, native.counters().transfersInFlight); });
    `), '0 0');
  });

  it('is joined by worker.terminate() in the middle', async () => {
    assert.equal(await child(`
      const { Worker } = require('node:worker_threads');
      const source = ${JSON.stringify(`const zerocopy = require('zerocopy'); ${PAIR}${WORKER}`)};
      (async () => {
        const descriptors = () => readdirSync('/proc/self/fd').length;
        let first;
        for (let i = 0; i < 8; i++) {
          const worker = new Worker(source, { eval: true, argv: [file] });
          const [sent] = await once(worker, 'message');
          if (!(sent > 0)) throw new Error('nothing was sent');
          if (native.counters().pumpThreads < 1 || native.counters().transfersInFlight < 1) throw new Error('no pump');
          await worker.terminate();
          if (i === 0) first = descriptors();
        }
        const { pumpThreads, transfersInFlight } = native.counters();
        console.log(pumpThreads, transfersInFlight, descriptors() - first);
      })();
    `), '0 0 0');
  });

  it('does not hinder a worker that ends by process.exit() in it', async () => {
    assert.equal(await child(`
      const { Worker } = require('node:worker_threads');
      const source = ${JSON.stringify(`const zerocopy = require('zerocopy'); ${PAIR}${WORKER}
        setTimeout(() => process.exit(7), 150);`)};
      once(new Worker(source, { eval: true, argv: [file] }), 'exit').then(([code]) => {
        console.log(code, native.counters().pumpThreads, native.counters().transfersInFlight);
      });
    `), '7 0 0');
  });

  it('blocks signals in its threads: handlers run on the main thread, SIGPIPE never comes', async () => {
    assert.equal(await child(`
      const { readFileSync } = require('node:fs');
      (async () => {
        const { client, socket } = await pair();
        const SIGPIPE = 1n << 12n, SIGTERM = 1n << 14n, SIGINT = 1n << 1n;
        const wanted = SIGPIPE | SIGTERM | SIGINT;
        // Node has a thread like that itself.
        const blocking = () => readdirSync('/proc/self/task').map((id) => {
          const status = readFileSync('/proc/self/task/' + id + '/status', 'utf8');
          return BigInt('0x' + /SigBlk:\\s*(\\w+)/.exec(status)[1]);
        }).filter((mask) => (mask & wanted) === wanted).length;
        const before = blocking();
        const sending = zerocopy.sendfile(socket, file).catch((error) => error.code);
        await pause(30);
        console.log(blocking() - before, native.counters().pumpThreads);
        client.resetAndDestroy();
        console.log(/^(EPIPE|ECONNRESET)$/.test(await sending));
      })();
    `), '1 1\ntrue');
  });
});
