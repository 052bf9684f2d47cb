import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { windowsOf } from '#lib/mapping/mapping';
import { native } from '#lib/native';
import { copyFile, Mapping, mmap, mmapAnonymous, type CopyFileOptions, type CopyTarget, type SendableFile } from 'zerocopy';

import { blocksOf } from '../support/blocks';
import { runInChild } from '../support/child';
import { closesEveryDescriptor } from '../support/descriptors';
import { patternBytes, temporaryFolder } from '../support/temporary';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const content = patternBytes(3 * MIB + 17);

/** A file of `size` bytes, hole but for `pieces`: where they begin, and what they say. */
function sparseFile(file: string, size: number, pieces: readonly (readonly [number, string | Uint8Array])[]): string {
  const fd = fs.openSync(file, 'w');
  fs.ftruncateSync(fd, size);
  for (const [at, bytes] of pieces) fs.writeSync(fd, Buffer.from(bytes as string), 0, null, at);
  fs.closeSync(fd);
  return file;
}

function bytesAt(file: string, position: number, length: number): Buffer {
  const fd = fs.openSync(file, 'r');
  const bytes = Buffer.alloc(length);
  const got = fs.readSync(fd, bytes, 0, length, position);
  fs.closeSync(fd);
  return bytes.subarray(0, got);
}

describe('copyFile', () => {
  const folder = temporaryFolder();
  let source: string;
  before(() => { source = folder.file('source', content); });
  closesEveryDescriptor();

  /** Copies to a file that is not there, and answers what is in it then. */
  async function copied(from: SendableFile, options?: CopyFileOptions): Promise<Buffer> {
    const target = folder.file('copied');
    fs.rmSync(target, { force: true });
    const count = await copyFile(from, target, options);
    const bytes = fs.readFileSync(target);
    assert.equal(count, bytes.length);
    return bytes;
  }

  it('copies every kind of source to every kind of target', async () => {
    const target = folder.file('every-target');
    const readable = await open(source);
    using mapping = mmap(source);
    const writable = await open(target, 'w+');
    const sources = [source, Buffer.from(source), pathToFileURL(source), readable.fd, readable, mapping];
    const targets = [target, Buffer.from(target), pathToFileURL(target), writable.fd, writable];
    for (const from of sources) {
      for (const to of targets) {
        fs.writeFileSync(target, 'something else');
        assert.equal(await copyFile(from, to), content.length);
        assert.ok(fs.readFileSync(target).equals(content));
      }
    }
    await readable.close();
    await writable.close();
  });

  it('copies a range, and replaces what was there', async () => {
    const target = folder.file('range', patternBytes(MIB, 5));
    assert.equal(await copyFile(source, target, { offset: 1000, length: 5001n }), 5001);
    assert.deepEqual(fs.readFileSync(target), content.subarray(1000, 6001));
    assert.equal(await copyFile(source, target, { offset: content.length }), 0);
    assert.equal(fs.statSync(target).size, 0);
    assert.deepEqual(await copied(source, { offset: BigInt(content.length - 3) }), content.subarray(-3));
  });

  it('writes inside the target with targetOffset, and leaves the rest', async () => {
    const before = patternBytes(10_000, 5);
    const target = folder.file('inside', before);
    assert.equal(await copyFile(source, target, { offset: 77, length: 100, targetOffset: 500 }), 100);
    const expected = Buffer.concat([before.subarray(0, 500), content.subarray(77, 177), before.subarray(600)]);
    assert.deepEqual(fs.readFileSync(target), expected);
    assert.equal(await copyFile(source, target, { length: 10, targetOffset: 12_000 }), 10);
    assert.deepEqual(fs.readFileSync(target), Buffer.concat([expected, Buffer.alloc(2000), content.subarray(0, 10)]));
    assert.equal(await copyFile(source, target, { length: 0, targetOffset: 0 }), 0);
    assert.equal(fs.statSync(target).size, 12_010);
  });

  it('punches the holes of the source into what the target has', async () => {
    const from = sparseFile(folder.file('holes'), MIB, [[0, 'first'], [MIB / 2, 'middle']]);
    const target = folder.file('filled', patternBytes(2 * MIB));
    await copyFile(from, target, { targetOffset: 100 });
    const expected = patternBytes(2 * MIB);
    fs.readFileSync(from).copy(expected, 100);
    assert.ok(fs.readFileSync(target).equals(expected));
    assert.ok(fs.statSync(target).blocks * 512 < 1.2 * MIB, 'the hole is one');
  });

  it('keeps holes, and copies what lies beyond 4 GiB', async () => {
    const size = 64 * GIB + 5;
    const pieces = [[0, 'first'], [5 * GIB + 7, 'far'], [size - 3, 'end']] as const;
    const from = sparseFile(folder.file('sparse'), size, pieces);
    const target = folder.file('sparse-copy');
    assert.equal(await copyFile(from, target), size);
    assert.equal(fs.statSync(target).size, size);
    for (const [at, text] of pieces) assert.equal(bytesAt(target, at, text.length).toString(), text);
    assert.equal(blocksOf(target), blocksOf(from));
    await copyFile(from, target, { offset: 5 * GIB, length: 100, targetOffset: 6 * GIB });
    assert.equal(bytesAt(target, 6 * GIB, 100).toString(), `${'\0'.repeat(7)}far${'\0'.repeat(90)}`);
    assert.equal(fs.statSync(target).size, size);
  });

  it('keeps a hole at the end, and one that is all', async () => {
    for (const pieces of [[], [[MIB, 'x']]] as const) {
      const from = sparseFile(folder.file('tail'), 8 * MIB + 1, pieces);
      const target = folder.file('tail-copy');
      fs.rmSync(target, { force: true });
      assert.equal(await copyFile(from, target), 8 * MIB + 1);
      assert.ok(fs.readFileSync(target).equals(fs.readFileSync(from)));
      assert.equal(blocksOf(target), blocksOf(from));
    }
  });

  it('copies empty files, and those of /proc, which say that they are', async () => {
    assert.equal((await copied(folder.file('empty', ''))).length, 0);
    using mapping = mmap(folder.file('empty'));
    assert.equal((await copied(mapping)).length, 0);
    assert.equal(String(await copied('/proc/self/cmdline')), String(fs.readFileSync('/proc/self/cmdline')));
  });

  it('gives a new target the permissions of its source, and leaves those of an old one', async () => {
    const from = folder.file('permissions', 'x');
    const target = folder.file('permissions-copy');
    for (const mode of [0o777, 0o640, 0o400, 0o4711]) {
      fs.rmSync(target, { force: true });
      fs.chmodSync(from, mode);
      await copyFile(from, target);
      assert.equal(fs.statSync(target).mode & 0o7777, mode & 0o777);
    }
    fs.chmodSync(target, 0o604);
    await copyFile(from, target);
    assert.equal(fs.statSync(target).mode & 0o7777, 0o604);
  });

  it("leaves the positions of the caller's descriptors", async () => {
    const target = folder.file('positions', patternBytes(100));
    const [from, to] = [fs.openSync(source, 'r'), fs.openSync(target, 'r+')];
    const bytes = Buffer.alloc(10);
    fs.readSync(from, bytes);
    fs.readSync(to, bytes);
    await copyFile(from, to);
    fs.readSync(from, bytes);
    assert.deepEqual(bytes, content.subarray(10, 20));
    fs.readSync(to, bytes);
    assert.deepEqual(bytes, content.subarray(10, 20));
    fs.closeSync(from);
    fs.closeSync(to);
  });

  it('copies memory, and what a mapping has that its file has not', async () => {
    using mapping = mmapAnonymous(9 * MIB);
    mapping.asBuffer(4 * MIB, 5).write('hello');
    assert.deepEqual((await copied(mapping, { offset: 4 * MIB - 1, length: 7 })).toString(), '\0hello\0');
    assert.equal((await copied(mapping)).indexOf('hello'), 4 * MIB);
  });

  it('holds a mapping that is closed meanwhile', async () => {
    const mapping = mmap(source);
    const copying = copied(mapping);
    while (native.regionHolds(windowsOf(mapping).region) === 0) await new Promise(setImmediate);
    mapping.close();
    assert.equal(mapping.state, 'closing');
    assert.ok((await copying).equals(content));
    assert.equal(mapping.state, 'closed');
    await assert.rejects(copied(mapping), { code: 'ERR_MAPPING_CLOSED', bytesSent: 0 });
  });

  it('rejects with ERR_MAPPING_FAULT where memory is lost', async () => {
    const file = folder.file('cut', content);
    using mapping = mmap(file);
    fs.truncateSync(file, MIB);
    const target = folder.file('cut-copy');
    await assert.rejects(copyFile(mapping, target), { code: 'ERR_MAPPING_FAULT', bytesSent: MIB });
    assert.equal(fs.existsSync(target), false);
    assert.equal(mapping.view().get(2 * MIB), 0); // the fault is counted now, and the pages are zeros
    await assert.rejects(copyFile(mapping, target), { code: 'ERR_MAPPING_FAULT' });
  });

  describe('refuses', () => {
    it('the same file, where ranges overlap', async () => {
      const file = folder.file('same', patternBytes(1000));
      const link = folder.file('link');
      fs.linkSync(file, link);
      using mapping = mmap(file);
      const cases: [SendableFile, CopyTarget, CopyFileOptions?][] = [
        [file, file], [file, link], [mapping, link], [file, link, { length: 0 }],
        [file, link, { length: 100, targetOffset: 99 }], [file, link, { offset: 99, length: 100, targetOffset: 0 }],
        [mapping, link, { length: 100, targetOffset: 99 }],
      ];
      for (const [from, to, options] of cases) {
        await assert.rejects(copyFile(from, to, options), { code: 'ERR_INVALID_ARG_VALUE', message: /same file/ });
      }
      assert.deepEqual(fs.readFileSync(file), patternBytes(1000));
      await copyFile(file, link, { length: 100, targetOffset: 100 });
      await copyFile(file, link, { targetOffset: 1000 });
      const half = Buffer.concat([patternBytes(100), patternBytes(100), patternBytes(1000).subarray(200)]);
      assert.deepEqual(fs.readFileSync(file), Buffer.concat([half, half]));
    });

    it('a mapping onto its own file, however that is called by now', async () => {
      const bytes = patternBytes(3000);
      const opened: number[] = [];
      const byDescriptor = (file: string, flags: string, access: 'read' | 'write' | 'copy'): Mapping => {
        const fd = fs.openSync(file, flags);
        opened.push(fd);
        return mmap(fd, { access });
      };
      const makers: ((file: string) => Mapping)[] = [
        (file) => byDescriptor(file, 'r', 'read'),
        (file) => byDescriptor(file, 'r+', 'write'),
        (file) => byDescriptor(file, 'r', 'copy'),
        (file) => Mapping.attach(byDescriptor(file, 'r', 'read').share()),
        (file) => mmap(path.relative('.', file)),
        (file) => {
          const mapping = mmap(file, { access: 'write', length: 1000 });
          mapping.resize(bytes.length);
          return mapping;
        },
      ];
      for (const maker of makers) {
        const file = folder.file('mapped', bytes);
        using mapping = maker(file);
        const renamed = folder.file('renamed');
        fs.renameSync(file, renamed);
        for (const options of [{}, { targetOffset: 1000 }, { offset: 2000, targetOffset: 1 + 1000, length: 1000 }]) {
          const refused = { code: 'ERR_INVALID_ARG_VALUE', message: /same file/ };
          await assert.rejects(copyFile(mapping, renamed, options), refused);
        }
        assert.deepEqual(fs.readFileSync(renamed), bytes);
        await copyFile(mapping, renamed, { offset: 2000, targetOffset: 1000 });
        const moved = Buffer.concat([bytes.subarray(0, 1000), bytes.subarray(2000), bytes.subarray(2000)]);
        assert.deepEqual(fs.readFileSync(renamed), moved);
      }
      using memory = mmapAnonymous(1000);
      await assert.rejects(copyFile(memory, memory.fd), { code: 'ERR_INVALID_ARG_VALUE' });
      opened.forEach((fd) => { fs.closeSync(fd); });
    });

    it('but not another file of the same name', async () => {
      const file = folder.file('replaced', patternBytes(1000));
      using mapping = mmap(file);
      fs.renameSync(folder.file('new', 'new'), file);
      assert.equal(await copyFile(mapping, file), 1000);
      assert.deepEqual(fs.readFileSync(file), patternBytes(1000));
    });

    it('what is no regular file', async () => {
      const fifo = folder.file('fifo');
      execFileSync('mkfifo', [fifo]);
      const other = path.dirname(fifo);
      const target = folder.file('never');
      await assert.rejects(copyFile(other, target), { code: 'EISDIR', syscall: 'copyfile', path: other, bytesSent: 0 });
      await assert.rejects(copyFile(source, other), { code: 'EISDIR', syscall: 'open', path: other });
      await assert.rejects(copyFile(fifo, target), { code: 'ESPIPE', syscall: 'copyfile', path: fifo });
      await assert.rejects(copyFile(source, fifo), { code: 'ENXIO', path: fifo });
      await assert.rejects(copyFile('/dev/null', target), { code: 'EINVAL', path: '/dev/null' });
      await assert.rejects(copyFile(source, '/dev/null'), { code: 'EINVAL', path: '/dev/null' });
      await assert.rejects(copyFile(`${target}-no`, target), { code: 'ENOENT', syscall: 'open', path: `${target}-no` });
      await assert.rejects(copyFile(source, `${source}/x`), { code: 'ENOTDIR', path: `${source}/x` });
      assert.equal(fs.existsSync(target), false);
    });

    it('descriptors that do not allow it', async () => {
      const target = folder.file('modes', 'as it was');
      for (const [from, to] of [['r', 'a'], ['r', 'r'], ['a', 'r+']] as const) {
        const [one, other] = [fs.openSync(source, from), fs.openSync(target, to)];
        await assert.rejects(copyFile(one, other), { code: 'EBADF' });
        fs.closeSync(one);
        fs.closeSync(other);
      }
      // Not one that was just closed: the next file to be opened has its number.
      const none = 2 ** 20 - 1;
      await assert.rejects(copyFile(none, target), { code: 'EBADF' });
      await assert.rejects(copyFile(source, none), { code: 'EBADF' });
      const handle = await open(target);
      await handle.close();
      await assert.rejects(copyFile(source, handle), { code: 'EBADF' });
      await assert.rejects(copyFile(handle, target), { code: 'EBADF' });
      assert.equal(fs.readFileSync(target, 'utf8'), 'as it was');
    });

    it('arguments that are none', async () => {
      const target = folder.file('never');
      const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /"(source|target|options|offset|length|targetOffset|options\.\w+)"/ };
      for (const wrong of [undefined, null, true, {}, [], 5n, Symbol('x'), () => target]) {
        await assert.rejects(copyFile(wrong as never, target), type);
        await assert.rejects(copyFile(source, wrong as never), type);
        if (wrong !== undefined) await assert.rejects(copyFile(source, target, { signal: wrong as never }), type);
      }
      for (const wrong of [null, 5, 'x', []]) await assert.rejects(copyFile(source, target, wrong as never), type);
      for (const name of ['offset', 'length', 'targetOffset']) {
        await assert.rejects(copyFile(source, target, { [name]: '5' }), { ...type, message: new RegExp(`"${name}".*'5'`) });
        for (const wrong of [-1, 5.5, NaN, Infinity, -1n, 2 ** 53]) {
          await assert.rejects(copyFile(source, target, { [name]: wrong }), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
        }
      }
      await assert.rejects(copyFile(source, -1), { code: 'ERR_OUT_OF_RANGE' });
      await assert.rejects(copyFile(1.5, target), { code: 'ERR_OUT_OF_RANGE' });
      await assert.rejects(copyFile(source, target, { offset: content.length + 1 }), { code: 'ERR_OUT_OF_RANGE' });
      await assert.rejects(copyFile(source, target, { targetOffset: 2 ** 53 - 1 }), { code: 'ERR_OUT_OF_RANGE' });
      await assert.rejects(copyFile(source, target, { onProgress: 5 as never }), type);
      await assert.rejects(copyFile(source, target, { keepPartial: 1 as never }), type);
      await assert.rejects(copyFile(source, target, { ofset: 1 } as never), { code: 'ERR_INVALID_ARG_VALUE', message: /Known: offset/ });
      assert.equal(fs.existsSync(target), false);
    });
  });

  describe('a copy that fails', () => {
    it('leaves everything as it was when the source is known to be too short', async () => {
      const target = folder.file('short', 'as it was');
      const expected = { code: 'ERR_SHORT_FILE', bytesSent: 0 };
      await assert.rejects(copyFile(source, target, { length: content.length + 1 }), expected);
      await assert.rejects(copyFile('/proc/self/cmdline', target, { length: 10_000 }), expected);
      assert.equal(fs.readFileSync(target, 'utf8'), 'as it was');
    });

    it('removes its target, but not one that was there, nor where it is asked to keep it', async () => {
      const from = folder.file('shrinking');
      const target = folder.file('shrunk');
      const shrink = async (options?: CopyFileOptions): Promise<number> => {
        fs.writeFileSync(from, Buffer.alloc(40 * MIB, 'x'));
        const copying = copyFile(from, target, options);
        const reason = assert.rejects(copying, { code: 'ERR_SHORT_FILE', message: /shrinking' ended after/ });
        while (!fs.existsSync(target) || fs.statSync(target).size === 0) await new Promise(setImmediate);
        fs.truncateSync(from, MIB);
        await reason;
        return copying.catch((error: unknown) => (error as { bytesSent: number }).bytesSent);
      };
      await shrink();
      assert.equal(fs.existsSync(target), false);
      for (const keepPartial of [true, undefined]) { // the second finds it there
        const count = await shrink(keepPartial === undefined ? {} : { keepPartial });
        const bytes = fs.readFileSync(target);
        assert.equal(bytes.length, count);
        assert.ok(count >= MIB && count < 40 * MIB && bytes.equals(Buffer.alloc(count, 'x')));
        fs.truncateSync(target, 0);
      }
    });

    it('leaves alone what took the place of its target', async () => {
      const target = folder.file('replaced');
      const controller = new AbortController();
      const from = sparseFile(folder.file('to-be-replaced'), 50 * MIB, [[0, Buffer.alloc(49 * MIB, 1)]]);
      const copying = copyFile(from, target, { signal: controller.signal });
      while (!fs.existsSync(target)) await new Promise(setImmediate);
      fs.renameSync(folder.file('other', 'another'), target);
      controller.abort();
      await assert.rejects(copying, { code: 'ABORT_ERR' });
      assert.equal(fs.readFileSync(target, 'utf8'), 'another');
    });
  });

  describe('progress and abort', () => {
    const SIZE = 120 * MIB;
    let large: string;
    before(() => { large = folder.file('large', Buffer.alloc(SIZE, 'large')); });

    it('tells how far it is, at most every 50 ms, and the end', async () => {
      const seen: number[] = [];
      const started = performance.now();
      await copyFile(large, folder.file('large-copy'), { onProgress: (bytes) => seen.push(bytes) });
      assert.equal(seen.at(-1), SIZE);
      assert.deepEqual(seen, [...seen].sort((a, b) => a - b));
      assert.equal(new Set(seen).size, seen.length);
      assert.ok(seen.length <= (performance.now() - started) / 50 + 2, String(seen.length));
      fs.rmSync(folder.file('large-copy'));
    });

    it('stops where it is, and says how many bytes are right', async () => {
      const target = folder.file('aborted');
      for (const keepPartial of [false, true]) {
        const controller = new AbortController();
        const copying = copyFile(large, target, { signal: controller.signal, keepPartial });
        while (!fs.existsSync(target) || fs.statSync(target).size < 5 * MIB) await new Promise(setImmediate);
        controller.abort(new Error('enough'));
        const error = await copying.then(() => assert.fail('it ended'), (reason: unknown) => reason as NodeJS.ErrnoException & { bytesSent: number });
        assert.deepEqual([error.name, error.code, (error.cause as Error).message], ['AbortError', 'ABORT_ERR', 'enough']);
        assert.ok(error.bytesSent > 0 && error.bytesSent < SIZE);
        assert.equal(fs.existsSync(target), keepPartial);
        if (keepPartial) assert.equal(fs.statSync(target).size, error.bytesSent);
      }
      const rest = fs.statSync(target).size;
      await copyFile(large, target, { offset: rest, targetOffset: rest });
      assert.ok(fs.readFileSync(target).equals(fs.readFileSync(large)));
    });

    it('never starts when it was aborted before', async () => {
      const target = folder.file('aborted-before');
      await assert.rejects(copyFile(large, target, { signal: AbortSignal.abort() }), { code: 'ABORT_ERR', bytesSent: 0 });
      const controller = new AbortController();
      const copying = copyFile(large, target, { signal: controller.signal });
      controller.abort();
      await assert.rejects(copying, { code: 'ABORT_ERR', bytesSent: 0 });
      assert.equal(fs.existsSync(target), false);
    });

    it("rejects with what the caller's callback throws", async () => {
      const target = folder.file('thrown');
      const failing = (): never => { throw new RangeError('mine'); };
      await assert.rejects(copyFile(source, target, { onProgress: failing }), { name: 'RangeError', message: 'mine' });
    });

    it('leaves event loop and thread pool to others', async () => {
      let ended = 0;
      const copying = Array.from({ length: 8 }, async (_, i) => {
        await copyFile(large, folder.file(`beside-${String(i)}`), { length: 40 * MIB });
        ended++;
      });
      let looked = 0;
      for (; ended < copying.length; looked++) await fs.promises.stat(source);
      await Promise.all(copying);
      assert.ok(looked > 20, `${String(looked)} of stat() beside the copies`);
      for (let i = 0; i < 8; i++) fs.rmSync(folder.file(`beside-${String(i)}`));
    });
  });

  it('ends with its worker, and with the process', async () => {
    const target = folder.file('ending');
    const from = sparseFile(folder.file('ending-source'), 100 * MIB, [[0, Buffer.alloc(99 * MIB, 1)]]);
    const script = `
      const { Worker, isMainThread } = require('node:worker_threads');
      const { openSync, readdirSync } = require('node:fs');
      const [, from, target] = process.argv;
      const copy = 'require("zerocopy").copyFile(' + JSON.stringify(from) + ',' + JSON.stringify(target) + ')';
      (async () => {
        let before = 0;
        for (let i = 0; i < 5; i++) {
          if (i === 1) before = readdirSync('/proc/self/fd').length; // the first worker opens what Node keeps

          const worker = new Worker(copy + ';require("node:worker_threads").parentPort.postMessage("")', { eval: true });
          await new Promise((resolve) => worker.once('message', resolve));
          await new Promise((resolve) => setTimeout(resolve, 20 * i));
          await worker.terminate();
        }
        const after = readdirSync('/proc/self/fd').length;
        eval(copy);
        setTimeout(() => { console.log(after - before); process.exit(0); }, 20);
      })();`;
    const { code, signal, stdout, stderr } = await runInChild(script, { arguments: [from, target] });
    assert.deepEqual([code, signal, stderr, stdout], [0, null, '', '0\n']);
  });
});
