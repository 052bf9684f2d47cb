import assert from 'node:assert/strict';

import { runInChild, withoutLeakCheck } from '../support/child';
import { patternBytes, temporaryFolder } from '../support/temporary';

const READERS = 1000;
const LENGTH = 8 * 2 ** 20; // more than the buffers of a connection take
const RATE = 64_000; // bytes per second and reader
const SECONDS = 1.5;

/** Connects READERS clients to argv[1], compares what they get with argv[2], and leaves after SECONDS. */
const CLIENTS = `
  const net = require('node:net');
  const expected = require('node:fs').readFileSync(process.argv[2]);
  const readers = Array.from({ length: ${String(READERS)} }, () => {
    const socket = net.connect(process.argv[1], '127.0.0.1').on('readable', () => {});
    return { socket, got: 0 };
  });
  const timer = setInterval(() => {
    for (const reader of readers) {
      const piece = reader.socket.read(Math.min(reader.socket.readableLength, ${String(RATE / 10)}));
      if (piece === null) continue;
      if (!piece.equals(expected.subarray(reader.got, reader.got + piece.length))) process.exit(9);
      reader.got += piece.length;
    }
  }, 100);
  const end = performance.now() + 30000;
  const enough = () => {
    if (performance.now() < end && readers.some(({ got }) => got < ${String(RATE * SECONDS)})) return setTimeout(enough, 50);
    process.exit(readers.every(({ got }) => got > 0) ? 0 : 8);
  };
  setTimeout(enough, ${String(SECONDS * 1000)});
`;

/** Serves argv[1] to them, and says what that cost. */
const SERVER = `
  const net = require('node:net');
  const { spawn } = require('node:child_process');
  const fs = require('node:fs');
  const file = process.argv[1];
  const fd = fs.openSync(file);
  const descriptors = () => fs.readdirSync('/proc/self/fd').length;
  const results = [];
  let idle, peak = 0, inFlight = 0, before;
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    results.push(zerocopy.sendfile(socket, fd).then(() => 'whole', (error) => error.code));
  }).listen(0, '127.0.0.1', 4096, () => {
    gc();
    idle = process.memoryUsage.rss();
    before = descriptors();
    const timer = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss());
      inFlight = Math.max(inFlight, native.counters().transfersInFlight);
    }, 20);
    const clients = spawn(process.execPath, ['-e', ${JSON.stringify(CLIENTS)}, server.address().port, file], { stdio: 'inherit' });
    clients.on('exit', async (code) => {
      const ends = await Promise.all(results);
      clearInterval(timer);
      const { transfersInFlight: left, pumpThreads: threads } = native.counters();
      server.close();
      setTimeout(() => console.log(JSON.stringify({
        code, ends: [...new Set(ends)].sort(), count: ends.length, inFlight, left, threads,
        overIdle: peak - idle, descriptors: descriptors() - before,
      })), 200);
    });
  });
`;

interface Outcome {
  readonly code: number;
  readonly ends: string[];
  readonly count: number;
  readonly inFlight: number;
  readonly left: number;
  readonly threads: number;
  readonly overIdle: number;
  readonly descriptors: number;
}

describe('sendfile to a thousand slow readers', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();

  it('needs a few threads and little memory, and ends every transfer when they leave', async () => {
    const file = folder.file('content', patternBytes(LENGTH));
    const { code, signal, stdout, stderr } = await runInChild(SERVER, { arguments: [file], env: withoutLeakCheck() });
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
    const { overIdle, descriptors, ends, threads, ...outcome } = JSON.parse(stdout) as Outcome;
    assert.deepEqual(outcome, { code: 0, count: READERS, inFlight: READERS, left: 0 });
    assert.ok(ends.every((end) => /^(EPIPE|ECONNRESET|ERR_STREAM_PREMATURE_CLOSE)$/.test(end)), ends.join());
    assert.ok(threads <= 4, `${String(threads)} threads`);
    // Piping 64 KiB at a time takes more than that; what is counted here is mostly the sockets of Node.
    assert.ok(overIdle < READERS * 64 * 1024, `${String(overIdle / READERS)} bytes for each reader`);
    // The pump's own two, and the pipes of the child.
    assert.ok(descriptors < 10, `${String(descriptors)} descriptors more than before`);
  });
});
