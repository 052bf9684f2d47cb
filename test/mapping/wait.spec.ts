import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { truncateSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { mmap, mmapAnonymous, type Mapping } from 'zerocopy';

import { outcomeOf, runInChild } from '../support/child';
import { gcUntil } from '../support/gc';
import { patternBytes, temporaryFolder } from '../support/temporary';

function words(mapping: Mapping): Int32Array {
  return new Int32Array(mapping.asArrayBuffer());
}

/** Wakes until `count` were there to be woken: a wait is under way a moment after its call. */
async function wake(mapping: Mapping, offset: number, count: number): Promise<void> {
  for (let left = count; left > 0;) {
    left -= mapping.notify(offset, left);
    await sleep(1);
  }
}

describe('wait() and notify()', () => {
  const folder = temporaryFolder();

  it('answer as Atomics.wait does', async () => {
    using mapping = mmapAnonymous(4096);
    words(mapping)[3] = -5;
    assert.equal(await mapping.wait(12, 5), 'not-equal');
    assert.equal(await mapping.wait(12, -5, 0), 'timed-out');
    const started = performance.now();
    assert.equal(await mapping.wait(12, -5, { timeout: 20.5 }), 'timed-out');
    assert.ok(performance.now() - started >= 20.5);
    assert.equal(mapping.notify(12), 0);
    const waiting = mapping.wait(12, -5, 60_000);
    await wake(mapping, 12, 1);
    assert.equal(await waiting, 'ok');
  });

  it('wake as many as are asked for', async () => {
    using mapping = mmapAnonymous(4096);
    let done = 0;
    const waits = Array.from({ length: 4 }, () => mapping.wait(8, 0).then(() => done++));
    for (const [count, expected] of [[1, 1], [2, 3]] as const) {
      await wake(mapping, 8, count);
      while (done < expected) await sleep(1);
      await sleep(20);
      assert.equal(done, expected);
      assert.equal(mapping.notify(8, 0), 0);
      assert.equal(mapping.notify(4), 0);
    }
    await wake(mapping, 8, 1);
    await Promise.all(waits);
    assert.equal(mapping.notify(8), 0);
  });

  it('lose nothing with 1,000 waits at once', async () => {
    using mapping = mmapAnonymous(4000);
    const memory = words(mapping);
    const apart = Array.from({ length: 500 }, (_, i) => mapping.wait(i * 4, 0));
    const together = Array.from({ length: 500 }, () => mapping.wait(3996, 0));
    assert.equal(mapping.holders().holds, 1000);
    let woken = 0;
    for (let i = 0; i < 500; i++) {
      Atomics.store(memory, i, 1);
      woken += mapping.notify(i * 4);
    }
    Atomics.store(memory, 999, 1);
    woken += mapping.notify(3996);
    const results = await Promise.all([...apart, ...together]);
    // Those that came too late for the wake-up saw the new value.
    assert.equal(results.filter((result) => result === 'ok').length, woken);
    assert.equal(results.filter((result) => result === 'not-equal').length, 1000 - woken);
    assert.equal(mapping.holders().holds, 0);
  });

  it('meet at the same bytes of a file, whatever the address and offset', async () => {
    const file = folder.file('meet.bin', Buffer.alloc(10_000));
    using one = mmap(file, { access: 'write' });
    using other = mmap(file, { access: 'write', offset: 4100 });
    const waiting = one.wait(4200, 0);
    await wake(other, 100, 1);
    assert.equal(await waiting, 'ok');
  });

  it('go on when the mapping is resized', async () => {
    using mapping = mmap(folder.file('grow.bin', Buffer.alloc(4096)), { access: 'write' });
    const waiting = mapping.wait(0, 0);
    mapping.resize(8192);
    await wake(mapping, 0, 1);
    assert.equal(await waiting, 'ok');
  });

  it('keep a mapping that nobody else has', async () => {
    const waiting = (() => mmapAnonymous(4096).wait(0, 0, 200))();
    assert.equal(await gcUntil(() => false, 5), false);
    assert.equal(await waiting, 'timed-out');
  });

  it('stop when aborted, with its reason, and leave no listener', async () => {
    using mapping = mmapAnonymous(4096);
    const abort = new AbortController();
    const waits = Array.from({ length: 5 }, () => mapping.wait(0, 0, { signal: abort.signal }));
    const stays = mapping.wait(0, 0);
    const reason = new Error('enough');
    abort.abort(reason);
    for (const wait of waits) await assert.rejects(wait, { name: 'AbortError', code: 'ABORT_ERR', cause: reason });
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
    await assert.rejects(mapping.wait(0, 0, { signal: abort.signal }), { code: 'ABORT_ERR' });
    assert.equal(mapping.holders().holds, 1);
    await wake(mapping, 0, 1);
    assert.equal(await stays, 'ok');
    abort.abort();
  });

  it('end with ERR_MAPPING_CLOSED when it is closed meanwhile', async () => {
    const mapping = mmapAnonymous(4096);
    using other = mmapAnonymous(4096);
    const waits = [mapping.wait(0, 0), mapping.wait(4, 0, 60_000), mapping.wait(0, 0)];
    const elsewhere = other.wait(0, 0);
    mapping.close(); // and it is closed when the last thread has noticed
    for (const wait of waits) await assert.rejects(wait, { code: 'ERR_MAPPING_CLOSED' });
    assert.equal(mapping.state, 'closed');
    await wake(other, 0, 1);
    assert.equal(await elsewhere, 'ok');
  });

  it('of memory whose file was cut are ERR_MAPPING_FAULT', async () => {
    const file = folder.file('cut.bin', patternBytes(8192));
    using mapping = mmap(file, { access: 'write' });
    truncateSync(file, 4096);
    await assert.rejects(mapping.wait(4096, 0), { code: 'ERR_MAPPING_FAULT', offset: 4096 });
    assert.throws(() => mapping.notify(4096), { code: 'ERR_MAPPING_FAULT' });
  });

  describe('across threads and processes', () => {
    const WORKER = `
      const { parentPort, workerData } = require('node:worker_threads'); const { Mapping } = require('zerocopy');
      const mapping = Mapping.attach(workerData); const words = new Int32Array(mapping.asArrayBuffer());`;

    async function run(source: string, options: Parameters<typeof runInChild>[1] = {}): Promise<string> {
      const { stdout, stderr, code, signal } = await runInChild(source, options);
      assert.deepEqual([code, signal, stderr], [0, null, '']);
      return stdout.trim();
    }

    it('carry a ball to a worker and back', async () => assert.equal(await run(`
      const { Worker } = require('node:worker_threads');
      const mapping = zerocopy.mmapAnonymous(64); const words = new Int32Array(mapping.asArrayBuffer());
      const ROUNDS = 500;
      const play = (mine) => \`async function play(mine) { for (let i = mine; i < \${ROUNDS}; i += 2) {
        for (let seen = Atomics.load(words, 0); seen !== i; seen = Atomics.load(words, 0)) await mapping.wait(0, seen);
        Atomics.store(words, 0, i + 1); mapping.notify(0, 1); } }\`;
      new Worker(${JSON.stringify(WORKER)} + play() + 'play(1).then(() => parentPort.postMessage(1));', { eval: true, workerData: mapping.share() });
      eval('(' + play() + ')')(0).then(() => console.log(words[0] >= ROUNDS - 1));`), 'true'));

    it('carry a ball to a child process and back, by a descriptor', async () => {
      using mapping = mmapAnonymous(64);
      const memory = words(mapping);
      const source = `const mapping = require('zerocopy').mmap(3, { access: 'write' });
        const words = new Int32Array(mapping.asArrayBuffer());
        (async () => { for (let i = 1; i < 400; i += 2) {
          for (let seen = Atomics.load(words, 0); seen !== i; seen = Atomics.load(words, 0)) await mapping.wait(0, seen);
          Atomics.store(words, 0, i + 1); mapping.notify(0, 1); } })();`;
      const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'pipe', mapping.fd] });
      const ended = outcomeOf(child);
      for (let i = 0; i < 400; i += 2) {
        for (;;) {
          const seen = Atomics.load(memory, 0);
          if (seen === i) break;
          await mapping.wait(0, seen);
        }
        Atomics.store(memory, 0, i + 1);
        mapping.notify(0, 1);
      }
      assert.deepEqual(await ended, { code: 0, signal: null, stdout: '', stderr: '' });
      assert.equal(memory[0], 400);
    });

    it('are futex(2) to programs in other languages', async () => {
      const file = folder.file('futex.bin', Buffer.alloc(4096));
      using mapping = mmap(file, { access: 'write' });
      const waiting = mapping.wait(8, 0);
      const number = { x64: 202, arm64: 98 }[process.arch as 'x64' | 'arm64'];
      const { status, stderr } = spawnSync('python3', ['-c', `
import ctypes, mmap, sys, time
libc = ctypes.CDLL(None, use_errno=True)
with open(sys.argv[1], 'r+b') as file:
    memory = mmap.mmap(file.fileno(), 0)
    word = ctypes.c_int32.from_buffer(memory, 8)
    word.value = 77
    while libc.syscall(${number}, ctypes.byref(word), 1, 1, None, None, 0) == 0: time.sleep(0.001)`, file], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      assert.equal(await waiting, 'ok');
      assert.equal(words(mapping)[2], 77);
    });

    it('leave the thread pool to others', async () => assert.equal(await run(`
      const fs = require('node:fs'); const mapping = zerocopy.mmapAnonymous(4096);
      const waits = Array.from({ length: 50 }, () => mapping.wait(0, 0));
      (async () => { console.log((await fs.promises.readFile(process.execPath)).length > 0); await mapping.prefetch();
        for (let left = 50; left > 0;) { left -= mapping.notify(0); await null; }
        console.log((await Promise.all(waits)).every((end) => end === 'ok')); })();
    `, { env: { UV_THREADPOOL_SIZE: '1' } }), 'true\ntrue'));

    it('keep the process alive as long as they last, and no longer', async () => assert.equal(await run(`
      zerocopy.mmapAnonymous(4096).wait(0, 0, 50).then(console.log); process.on('exit', () => console.log('end'));
    `), 'timed-out\nend'));

    it('do not keep a process that exits', async () => assert.equal(await run(`
      const mapping = zerocopy.mmapAnonymous(4096); for (let i = 0; i < 20; i++) mapping.wait(0, 0);
      setTimeout(() => { console.log('exits'); process.exit(0); }, 50);`), 'exits'));

    it('end with a worker that is terminated, their threads too, and its memory is unmapped', async () => assert.equal(await run(`
      const { Worker } = require('node:worker_threads'); const { once } = require('node:events'); const fs = require('node:fs');
      const threads = () => fs.readdirSync('/proc/self/task').length;
      (async () => {
        const before = threads();
        for (let round = 0; round < 5; round++) {
          const mapping = zerocopy.mmapAnonymous(4096);
          const worker = new Worker(${JSON.stringify(WORKER)} + 'for (let i = 0; i < 20; i++) mapping.wait(0, 0); parentPort.postMessage(1);',
            { eval: true, workerData: mapping.share() });
          await once(worker, 'message'); if (threads() < before + 20) console.log('threads', before, threads());
          await worker.terminate(); mapping.close();
        }
        for (let i = 0; i < 100 && threads() > before; i++) await new Promise((resolve) => setTimeout(resolve, 10));
        const { regionsMapped, regionsUnmapped } = native.counters();
        console.log(threads() - before, regionsMapped - regionsUnmapped);
      })();`), '0 0'));
  });

  describe('bad input', () => {
    const wrong: [what: string, args: [unknown, unknown, unknown?], code: string][] = [
      ['an offset that is no multiple of 4', [2, 0], 'ERR_OUT_OF_RANGE'], ['an offset in the last 3 bytes', [4096, 0], 'ERR_OUT_OF_RANGE'],
      ['an offset past the end', [8192, 0], 'ERR_OUT_OF_RANGE'], ['a negative offset', [-4, 0], 'ERR_OUT_OF_RANGE'],
      ['a fraction', [0.5, 0], 'ERR_OUT_OF_RANGE'], ['NaN', [NaN, 0], 'ERR_OUT_OF_RANGE'], ['a string', ['0', 0], 'ERR_INVALID_ARG_TYPE'],
      ['no offset', [undefined, 0], 'ERR_INVALID_ARG_TYPE'], ['no value', [0, undefined], 'ERR_INVALID_ARG_TYPE'],
      ['a value that is no Int32', [0, 2 ** 31], 'ERR_OUT_OF_RANGE'], ['a value as a string', [0, '5'], 'ERR_INVALID_ARG_TYPE'],
      ['a negative timeout', [0, 0, -1], 'ERR_OUT_OF_RANGE'], ['a timeout of NaN', [0, 0, NaN], 'ERR_OUT_OF_RANGE'],
      ['a timeout as a string', [0, 0, { timeout: '5' }], 'ERR_INVALID_ARG_TYPE'], ['a timeout as bigint', [0, 0, 5n], 'ERR_INVALID_ARG_TYPE'],
      ['an unknown option', [0, 0, { time: 1 }], 'ERR_INVALID_ARG_VALUE'], ['no signal', [0, 0, { signal: 1 }], 'ERR_INVALID_ARG_TYPE'],
    ];
    for (const [what, args, code] of wrong) {
      it(`${what} is ${code}`, async () => {
        using mapping = mmapAnonymous(4097);
        await assert.rejects(mapping.wait(...args as [number, number]), { code });
      });
    }

    const counts: [count: unknown, code: string][] = [
      [-1, 'ERR_OUT_OF_RANGE'], [0.5, 'ERR_OUT_OF_RANGE'], [NaN, 'ERR_OUT_OF_RANGE'], ['1', 'ERR_INVALID_ARG_TYPE'], [null, 'ERR_INVALID_ARG_TYPE'],
    ];
    for (const [count, code] of counts) {
      it(`a count of ${String(count)} is ${code}`, () => {
        using mapping = mmapAnonymous(4096);
        assert.throws(() => mapping.notify(0, count as number), { code });
      });
    }

    it('no memory is shared by access read or copy', async () => {
      const file = folder.file('private.bin', patternBytes(4096));
      for (const access of ['read', 'copy'] as const) {
        using mapping = mmap(file, { access });
        await assert.rejects(mapping.wait(0, 0), { code: 'ERR_VIEW_READONLY' });
        assert.throws(() => mapping.notify(0), { code: 'ERR_VIEW_READONLY' });
      }
    });

    it('a closed or too short mapping has no word', async () => {
      using empty = mmapAnonymous(0);
      await assert.rejects(empty.wait(0, 0), { code: 'ERR_OUT_OF_RANGE' });
      using short = mmapAnonymous(3);
      assert.throws(() => short.notify(0), { code: 'ERR_OUT_OF_RANGE' });
      const closed = mmapAnonymous(4096);
      closed.close();
      await assert.rejects(closed.wait(0, 0), { code: 'ERR_MAPPING_CLOSED' });
      assert.throws(() => closed.notify(0), { code: 'ERR_MAPPING_CLOSED' });
    });
  });
});
