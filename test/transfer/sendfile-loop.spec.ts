import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';

import { runInChild, withoutLeakCheck } from '../support/child';
import { writeLargeFile } from '../support/large-file';
import { temporaryFolder } from '../support/temporary';

/** What the event loop may be late by, milliseconds. */
const LATEST = 20;
/** The machine that runs tests does other things too: a late timer that is not ours passes with the next attempt. */
const ATTEMPTS = 4;

/**
 * A server sends argv[1] while a 1 ms timer runs; its client is another process, which takes at most argv[2] bytes per
 * second. Prints the bytes sent and how late the timer was, milliseconds.
 */
const SERVER = `
  const net = require('node:net');
  const { spawn } = require('node:child_process');
  const { monitorEventLoopDelay } = require('node:perf_hooks');
  const [, file, rate] = process.argv;
  const CLIENT = \`
    const socket = require('node:net').connect(process.argv[1], '127.0.0.1');
    const start = performance.now();
    let got = 0;
    socket.on('data', (piece) => {
      got += piece.length;
      const ahead = got / process.argv[2] * 1000 - (performance.now() - start);
      if (ahead > 1) { socket.pause(); setTimeout(() => socket.resume(), ahead); }
    });
  \`;
  net.createServer(async (socket) => {
    await new Promise((resolve) => setTimeout(resolve, 300)); // starting up is not what is measured
    const delay = monitorEventLoopDelay({ resolution: 1 });
    let ticks = 0;
    const timer = setInterval(() => { ticks += 1; }, 1);
    delay.enable();
    const start = performance.now();
    const sent = await zerocopy.sendfile(socket, file);
    delay.disable();
    clearInterval(timer);
    console.log(JSON.stringify({
      sent, ms: performance.now() - start, ticks, p99: delay.percentile(99) / 1e6, max: delay.max / 1e6,
    }));
    process.exit();
  }).listen(0, '127.0.0.1', function () {
    spawn(process.execPath, ['-e', CLIENT, this.address().port, rate], { stdio: 'inherit' });
  });
`;

interface Measured {
  readonly sent: number;
  readonly ms: number;
  readonly ticks: number;
  readonly p99: number;
  readonly max: number;
}

describe('sendfile leaves the event loop free', function () {
  this.timeout(180_000);
  const folder = temporaryFolder();

  async function measure(file: string, bytesPerSecond: number, prepare: () => void): Promise<Measured> {
    let measured: Measured | undefined;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      prepare();
      const { code, signal, stdout, stderr } = await runInChild(SERVER, {
        arguments: [file, String(bytesPerSecond)], env: withoutLeakCheck(),
      });
      assert.equal(code, 0, `${String(signal)} ${stderr}`);
      measured = JSON.parse(stdout) as Measured;
      assert.ok(measured.ticks > 10, 'the timer ran');
      if (measured.max <= LATEST) break;
    }
    return measured!;
  }

  it('while a client takes 60 MB/s', async () => {
    const file = folder.file('hot');
    const length = 120 * 2 ** 20;
    writeLargeFile(file, length);
    const { sent, ms, max, p99 } = await measure(file, 60e6, () => undefined);
    assert.equal(sent, length);
    assert.ok(ms > 1000, `the client was slow: ${String(ms)} ms`);
    assert.ok(max <= LATEST, `a 1 ms timer was late by ${String(max)} ms (p99 ${String(p99)})`);
  });

  it('while the file is read from the disk', async () => {
    const file = folder.file('cold');
    const length = 256 * 2 ** 20;
    execFileSync('dd', ['if=/dev/urandom', `of=${file}`, 'bs=1M', 'count=256', 'conv=fdatasync'], { stdio: 'ignore' });
    const { sent, max, p99 } = await measure(file, 1e12, () => {
      // posix_fadvise(2) DONTNEED over the whole file: none of it is in memory any more.
      execFileSync('dd', [`of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'], { stdio: 'ignore' });
    });
    assert.equal(sent, length);
    assert.ok(max <= LATEST, `a 1 ms timer was late by ${String(max)} ms (p99 ${String(p99)})`);
  });
});
