import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { native } from '#lib/native';
import { Mapping, mmap, mmapAnonymous } from 'zerocopy';

import { runInChild } from '../support/child';
import { HAS_EXTERNAL_SHARED } from '../support/engine';
import { gcUntil } from '../support/gc';
import { mappedRanges } from '../support/maps';
import { patternBytes, temporaryFolder } from '../support/temporary';

/**
 * `run(body, data)` in a child is what a worker posts that runs `body` with `data` (a mapping is shared first), once
 * the worker has ended; `begun(body, data)` the worker itself, when it has posted.
 */
const PRELUDE = `
  const { Worker } = require('node:worker_threads'); const { once } = require('node:events'); const fs = require('node:fs');
  const [file] = process.argv.slice(1);
  const start = (body, data) => new Worker(
    "const { parentPort, workerData: data } = require('node:worker_threads'); const { Mapping, mmap } = require('zerocopy');" + body,
    { eval: true, workerData: data instanceof zerocopy.Mapping ? data.share() : data });
  const begun = async (body, data) => { const worker = start(body, data); await once(worker, 'message'); return worker; };
  const run = async (body, data) => {
    const worker = start(body, data); const [[message]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]); return message; };
  const settled = async () => { for (let i = 0; i < 50; i++) { gc(); await new Promise(setImmediate); }
    const { regionsMapped, regionsUnmapped } = native.counters(); return regionsMapped - regionsUnmapped; };
`;

const MILLION = 1_000_000;

describe('a mapping that is shared', () => {
  const folder = temporaryFolder();
  const content = patternBytes(100_000);
  let file = '';

  before(() => {
    file = folder.file('shared.bin', content);
  });

  async function run(body: string, expected: string): Promise<void> {
    const path = folder.file('child.bin', content);
    const { stderr, ...child } = await runInChild(`${PRELUDE} (async () => { ${body} })();`, { arguments: [path] });
    assert.deepEqual({ ...child, stdout: child.stdout.trim() }, { code: 0, signal: null, stdout: expected }, stderr);
  }

  it('is the same memory for both, whatever the access', () => run(`
    for (const access of ['read', 'write', 'copy']) {
      const mapping = zerocopy.mmap(file, { access }); const raw = mapping.asUint8Array(); raw[7] = 1;
      const seen = await run("const raw = Mapping.attach(data).asUint8Array(); const was = raw[7]; raw[7] = 2; parentPort.postMessage(was);", mapping);
      console.log(access, seen, raw[7], mapping.view().get(7));
    }`, 'read 1 2 2\nwrite 1 2 2\ncopy 1 2 2'));

  it('tells the other thread what it is', () => run(`
    const mapping = zerocopy.mmap(file, { offset: 5000, length: 3000, access: 'copy' });
    console.log(await run("const { byteLength, fileOffset, access, path, state } = Mapping.attach(data); " +
      "parentPort.postMessage([byteLength, fileOffset, access, path, state].join(' '))", mapping) === '3000 5000 copy ' + file + ' open');`, 'true'));

  it('can be attached in the thread that shares it', () => {
    using mapping = mmap(file);
    using again = Mapping.attach(mapping.share());
    assert.deepEqual(again.asBuffer(), content);
    assert.equal(mappedRanges(file).length, 1);
  });

  it('is claimed once', () => {
    using mapping = mmap(file);
    const handle = mapping.share();
    Mapping.attach(handle).close();
    assert.throws(() => Mapping.attach(handle), { code: 'ERR_INVALID_ARG_VALUE', message: /claimed already/ });
    assert.equal(mapping.view().get(1), content[1]);
  });

  it('is dropped, and unmapped, when nobody claims it within a minute', () => {
    const lonely = folder.file('lonely.bin', content);
    const mapping = mmap(lonely);
    const handle = mapping.share();
    mapping.close();
    assert.equal(mapping.state, 'closed');
    const now = Number(process.hrtime.bigint() / 1_000_000n);
    native.dropExpiredOffers(now);
    assert.equal(mappedRanges(lonely).length, 1);
    native.dropExpiredOffers(now + 61_000);
    assert.equal(mappedRanges(lonely).length, 0);
    assert.throws(() => Mapping.attach(handle), { code: 'ERR_INVALID_ARG_VALUE' });
  });

  it('cannot be had by a handle that share() did not make', () => {
    const types = [undefined, null, 5, 'x', {}, [], { mapping: 5 }, { mapping: '' }, { mapping: 'g'.repeat(32) },
      { mapping: '0'.repeat(31) }, { mapping: `${'0'.repeat(32)}\n` }, mmap(file)];
    for (const garbage of types) {
      assert.throws(() => Mapping.attach(garbage as never), { code: 'ERR_INVALID_ARG_TYPE' }, JSON.stringify(garbage));
    }
    assert.throws(() => Mapping.attach({ mapping: '0'.repeat(32) }), { code: 'ERR_INVALID_ARG_VALUE' });
  });

  it('cannot be shared when it was closed', () => {
    const mapping = mmap(file);
    mapping.close();
    assert.throws(() => mapping.share(), { code: 'ERR_MAPPING_CLOSED' });
  });

  it('outlives the sharer that closes before attach()', () => run(`
    const mapping = zerocopy.mmap(file); const handle = mapping.share(); mapping.close(); console.log(mapping.state);
    console.log(await run("const m = Mapping.attach(data); parentPort.postMessage(m.view().get(100)); m.close();", handle), await settled());`,
  `closed\n${String(content[100])} 0`));

  it('outlives a worker that shared it', () => run(`
    const handle = await run("parentPort.postMessage(mmap(data).share());", file);
    const mapping = zerocopy.Mapping.attach(handle); console.log(mapping.asBuffer().equals(fs.readFileSync(file)));
    mapping.close();`, 'true'));

  it('and closed here is open there', () => run(`
    const mapping = zerocopy.mmap(file); const worker = await begun("const m = Mapping.attach(data); parentPort.postMessage(1);" +
      "parentPort.once('message', () => parentPort.postMessage([m.state, m.view().get(9)].join(' ')));", mapping);
    mapping.close(); worker.postMessage(1); console.log(mapping.state, (await once(worker, 'message'))[0]);`,
  `closed open ${String(content[9])}`));

  it('and kept raw by a worker that ends is neither unmapped under us nor leaked', () => run(`
    const mapping = zerocopy.mmap(file); const raw = mapping.asBuffer();
    await run("globalThis.kept = [Mapping.attach(data).asUint8Array()]; parentPort.postMessage(1);", mapping);
    console.log(raw.equals(fs.readFileSync(file))); mapping.close({ detach: true });
  `, 'true'));

  it('by an addon that only the worker has loaded survives the worker', () => run(`
    const source = "const { parentPort, workerData } = require('node:worker_threads'); const { mmap } = require('zerocopy');" +
      "globalThis.kept = [mmap(workerData).asUint8Array(), mmap(workerData)]; parentPort.postMessage(kept[0].buffer.transfer?.() ?? null);";
    const { execFileSync } = require('node:child_process');
    const alone = "const { Worker } = require('node:worker_threads'); let left = 3; (function again() { " +
      "if (left-- > 0) new Worker(process.argv[1], { eval: true, workerData: process.argv[2] }).on('exit', () => { gc(); setImmediate(again); }); " +
      "else console.log('alive'); })();";
    console.log(execFileSync(process.execPath, ['--expose-gc', '-e', alone, source, file], { encoding: 'utf8' }).trim());`, 'alive'));

  it('is the bytes or zeros, never foreign, when a worker moved it here and ended', () => run(`
    const moved = await run("const b = mmap(data).asArrayBuffer(); const m = b.transfer?.() ?? b.slice(); parentPort.postMessage(m, [m]);", file);
    gc(); for (let i = 0; i < 20; i++) zerocopy.mmap(file, { access: 'copy' }).asUint8Array().fill(0xee);
    const want = fs.readFileSync(file); const bytes = Buffer.from(moved);
    console.log(bytes.length, bytes.every((byte, i) => byte === 0 || byte === want[i]));`, `${String(content.length)} true`));

  it('counts exactly with Atomics in two workers, one million each', () => run(`
    const length = zerocopy.mmapAnonymous(4096); const counter = new Int32Array(length.asArrayBuffer());
    const count = "const c = new Int32Array(Mapping.attach(data).asArrayBuffer()); for (let i = 0; i < ${String(MILLION)}; i++) Atomics.add(c, 3, 1);" +
      "parentPort.postMessage(1);";
    await Promise.all([run(count, length), run(count, length)]); console.log(counter[3]);
    fs.writeFileSync(file + '.count', Buffer.alloc(64)); const mapped = zerocopy.mmap(file + '.count', { access: 'write' });
    await Promise.all([run(count, mapped), run(count, mapped)]); console.log(fs.readFileSync(file + '.count').readInt32LE(12));`,
  `${String(2 * MILLION)}\n${String(2 * MILLION)}`));

  it('as SharedArrayBuffer counts exactly, wakes who waits, and ends after the last thread', () => run(`
    const mapping = zerocopy.mmapAnonymous(4096);
    try { mapping.asSharedArrayBuffer(); } catch (error) { console.log(error.code); return; }
    const counts = [1, 2].map(() => run("const c = new Int32Array(data); Atomics.wait(c, 0, 0);" +
      "for (let i = 0; i < ${String(MILLION)}; i++) Atomics.add(c, 3, 1); parentPort.postMessage(1);", mapping.asSharedArrayBuffer()));
    (() => { const words = new Int32Array(mapping.asSharedArrayBuffer()); Atomics.store(words, 0, 1); Atomics.notify(words, 0); })();
    const wake = setInterval(() => Atomics.notify(new Int32Array(mapping.asSharedArrayBuffer()), 0), 20);
    await Promise.all(counts); clearInterval(wake); console.log(mapping.view().cast('i').get(3));
    console.log(mapping.asSharedArrayBuffer() === mapping.asSharedArrayBuffer()); mapping.close(); console.log(mapping.state);
    for (let i = 0; i < 500 && mapping.state !== 'closed'; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 1)); }
    console.log(mapping.state);`,
  HAS_EXTERNAL_SHARED ? `${String(2 * MILLION)}\ntrue\nclosing\nclosed` : 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM'));

  it('is searched by a worker, and is let go of when that is terminated in the middle of it', () => run(`
    const mapping = zerocopy.mmapAnonymous(200 * 2 ** 20); const before = await settled();
    mapping.view(mapping.byteLength - 6).assign(Buffer.from('needle'));
    const worker = await begun("const mapping = Mapping.attach(data); mapping.search('needle', { last: true }).then((at) => { " +
      "for (let i = 0; i < 8; i++) mapping.search('absent'); parentPort.postMessage(at); });", mapping);
    await worker.terminate();
    console.log(await settled() === before, mapping.indexOf('needle'), mapping.holders().holds);
    mapping.close(); console.log(mapping.state);`, `true ${String(200 * 2 ** 20 - 6)} 0\nclosed`));

  it('ends with workers that are terminated at random moments', () => {
    const rounds = path.join(__dirname, 'worker-rounds.js');
    const seed = String(Math.floor(Math.random() * 2 ** 31)); // printed with any failure
    const child = spawnSync(process.execPath, ['--expose-gc', rounds, '--rounds', '100', '--seed', seed], { encoding: 'utf8' });
    assert.deepEqual({ status: child.status, signal: child.signal }, { status: 0, signal: null }, `seed ${seed}: ${child.stderr}`);
    assert.equal(child.stderr, '', `seed ${seed}`);
    const seen = JSON.parse(child.stdout) as { mapped: number; unmapped: number; retired: number };
    assert.equal(seen.mapped, seen.unmapped);
    assert.ok(seen.retired > 0, 'no worker ended with raw memory');
  }).timeout(170_000);
});

describe('mmapAnonymous', () => {
  it('is shared with a child process by its descriptor', () => {
    using memory = mmapAnonymous(8192, { sealed: true });
    memory.view().fill(3);
    const source = `const { mmap } = require('zerocopy'); const m = mmap(3, { access: 'write' }); const words = new Int32Array(m.asArrayBuffer());
      console.log(m.byteLength, m.view().get(8191)); Atomics.add(words, 1, 5); m.view().set(8191, 4);`;
    new Int32Array(memory.asArrayBuffer())[1] = 37;
    const child = spawnSync(process.execPath, ['-e', source], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe', memory.fd] });
    assert.equal(child.stdout, '8192 3\n', child.stderr);
    assert.equal(new Int32Array(memory.asArrayBuffer())[1], 42);
    assert.equal(memory.view().get(8191), 4);
  });

  it('goes with its last mapping', async () => {
    const name = `zerocopy-spec-${String(process.pid)}`;
    const live = (): number => mappedRanges().filter((line) => line.includes(name)).length;
    (() => mmapAnonymous(8192, { name }).asUint8Array().fill(1))();
    assert.ok(await gcUntil(() => live() === 0));
  });
});
