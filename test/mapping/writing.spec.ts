import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

import { mmap } from 'zerocopy';

import { runInChild } from '../support/child';
import { patternBytes, temporaryFolder } from '../support/temporary';

const PAGE = 4096;

/** Starts a Node over `source`, which says on stdout when it is ready, and ends it as a power cut would. */
async function killWhenReady(source: string, path: string): Promise<void> {
  const child: ChildProcess = spawn(process.execPath, ['-e', `const zerocopy = require('zerocopy');${source}`, '--', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  child.kill('SIGKILL');
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL');
}

/**
 * Runs `source` in a child that may write files of at most `blocks` times 512 bytes (RLIMIT_FSIZE): what a full disk is
 * to its owner. Node ends by SIGXFSZ unless it is ignored.
 */
async function withFileLimit(source: string, path: string): Promise<string> {
  const script = `trap '' XFSZ; ulimit -f 64; exec "$0" -e "$1" -- "$2"`;
  const child = spawn('sh', ['-c', script, process.execPath, `const zerocopy = require('zerocopy');${source}`, path]);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  return output;
}

describe('Writing to files through mappings', () => {
  const folder = temporaryFolder();

  describe('kill -9', () => {
    it('after flush() resolved loses nothing that was flushed', async () => {
      const path = folder.file('killed', Buffer.alloc(5 * PAGE));
      await killWhenReady(`
        const mapping = zerocopy.mmap(process.argv[1], { access: 'write' });
        mapping.view().fill(7);
        mapping.view(3 * ${String(PAGE)}, 10).fill(9);
        mapping.flush().then(() => { console.log('flushed'); setInterval(() => {}, 1000); });`, path);
      const expected = Buffer.alloc(5 * PAGE, 7).fill(9, 3 * PAGE, 3 * PAGE + 10);
      assert.ok(readFileSync(path).equals(expected));
    });

    it('after resize() and flushSync() of a range finds length and bytes', async () => {
      const path = folder.file('killed-resized', 'abc');
      await killWhenReady(`
        const mapping = zerocopy.mmap(process.argv[1], { access: 'write' });
        mapping.resize(100_000);
        mapping.cursor().write(Buffer.from('xyz'));
        mapping.view(-1 + 100_000).fill(5);
        mapping.flushSync({ offset: 0, length: 3 });
        mapping.flushSync({ offset: 99_999 });
        console.log('flushed'); setInterval(() => {}, 1000);`, path);
      const bytes = readFileSync(path);
      assert.equal(bytes.length, 100_000);
      assert.equal(bytes.toString('latin1', 0, 4), 'xyz\0');
      assert.equal(bytes.at(-1), 5);
    });
  });

  describe('size, where no more can be written', () => {
    const TRY = `
      try { zerocopy.mmap(process.argv[1], { access: 'write', size: 1_000_000 }); console.log('mapped'); }
      catch (error) { console.log(error.code, error.syscall, error.path === process.argv[1]); }`;

    it('is an error of the system, and a file that was made is gone again', async () => {
      const path = folder.file('limited-new');
      assert.equal(await withFileLimit(TRY, path), 'EFBIG fallocate true\n');
      assert.equal(existsSync(path), false);
    });

    it('leaves a file that was there as it was', async () => {
      const content = patternBytes(10_000);
      const path = folder.file('limited-old', content);
      assert.equal(await withFileLimit(TRY, path), 'EFBIG fallocate true\n');
      assert.ok(readFileSync(path).equals(content));
    });

    it('is the same for resize, which changes neither file nor mapping', async () => {
      const content = patternBytes(10_000);
      const path = folder.file('limited-resize', content);
      const output = await withFileLimit(`
        const mapping = zerocopy.mmap(process.argv[1], { access: 'write' });
        const view = mapping.view();
        try { mapping.resize(1_000_000); } catch (error) { console.log(error.code, error.syscall); }
        console.log(mapping.byteLength, view.released, view.get(9999) === ${String(content[9999])});`, path);
      assert.equal(output, 'EFBIG fallocate\n10000 false true\n');
      assert.ok(readFileSync(path).equals(content));
    });
  });

  describe('size', () => {
    it('with a range that does not lie in the file makes none, and grows none', () => {
      const path = folder.file('no-range');
      assert.throws(() => mmap(path, { access: 'write', size: 100, offset: 101 }), { code: 'ERR_OUT_OF_RANGE' });
      assert.equal(existsSync(path), false);
      writeFileSync(path, 'abc');
      assert.throws(() => mmap(path, { access: 'write', size: 100, length: 101 }), { code: 'ERR_OUT_OF_RANGE' });
      assert.equal(statSync(path).size, 3);
    });

    it('through a symbolic link to a file that is absent makes that file', () => {
      const [link, target] = [folder.file('link'), folder.file('link-target')];
      symlinkSync(target, link);
      using mapping = mmap(link, { access: 'write', size: 100 });
      assert.equal(mapping.byteLength, 100);
      assert.equal(statSync(target).size, 100);
    });

    it('fills the holes of a sparse file', () => {
      const path = folder.file('holes', '');
      using sparse = mmap(path, { access: 'write', size: 1 });
      assert.equal(sparse.byteLength, 1);
      using mapping = mmap(path, { access: 'write', size: 500_000 });
      assert.ok(statSync(path).blocks * 512 >= 500_000);
      assert.equal(mapping.view().get(499_999), 0);
    });
  });

  it('what is written past a cut is lost, and flush says so', async () => {
    const outcome = await runInChild(`
      const fs = require('node:fs');
      const path = process.argv[1];
      const mapping = zerocopy.mmap(path, { access: 'write' });
      const raw = mapping.asUint8Array();
      fs.truncateSync(path, ${String(PAGE)});
      raw[2 * ${String(PAGE)}] = 1;
      try { mapping.flushSync(); } catch (error) { console.log(error.code); }
      mapping.flush().catch((error) => console.log(error.code));`,
    { arguments: [folder.file('cut', patternBytes(3 * PAGE))] });
    assert.deepEqual(outcome, { code: 0, signal: null, stdout: 'ERR_MAPPING_FAULT\nERR_MAPPING_FAULT\n', stderr: '' });
  });

  it('another thread writes the same memory while it is resized again and again', async () => {
    const path = folder.file('raced', patternBytes(64 * PAGE));
    const mapping = mmap(path, { access: 'write' });
    const worker = new Worker(`
      const { parentPort, workerData } = require('node:worker_threads');
      const { Mapping } = require('zerocopy');
      const mapping = Mapping.attach(workerData);
      const raw = mapping.asUint8Array();
      let codes = new Set();
      parentPort.postMessage('ready');
      const until = Date.now() + 300;
      while (Date.now() < until) {
        for (let i = 0; i < raw.length; i += 512) raw[i]++;
        try { mapping.copyWithin(0, 4096); mapping.cursor().read(9); } catch (error) { codes.add(error.code); }
      }
      parentPort.postMessage([...codes]);`, { eval: true, workerData: mapping.share() });
    await once(worker, 'message');
    const ended = once(worker, 'message') as Promise<[string[]]>;
    let length = 0;
    for (let done = false; !done;) {
      mapping.resize((length = (length + 7919) % (64 * PAGE)));
      if (length > 0) mapping.view().get(length - 1);
      done = await Promise.race([ended.then(() => true), new Promise<false>((go) => { setImmediate(go, false); })]);
    }
    const [codes] = await ended;
    // Cut below what the other has, its bytes are lost to it, and nothing else.
    assert.deepEqual(codes, ['ERR_MAPPING_FAULT']);
    assert.equal(statSync(path).size, length);
    mapping.check();
    mapping.close();
    await worker.terminate();
  });
});
