import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { mmap, mmapAnonymous, type Mapping } from 'zerocopy';

import { gcUntil } from '../support/gc';
import { patternBytes, temporaryFolder } from '../support/temporary';

const PAGE = 4096;
const GRANULARITY = 65536;
const LENGTH = 3 * GRANULARITY + 123;
const UNAVAILABLE = { code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', name: 'TypeError' };

/** What is Windows' own: run by scripts/test-windows.sh, beside the specs that every system passes. */
describe('a mapping on Windows', () => {
  const folder = temporaryFolder();
  const content = patternBytes(LENGTH);

  /** The system cuts no file that somebody has mapped. */
  function isMapped(file: string): boolean {
    const fd = fs.openSync(file, 'r+');
    try {
      fs.ftruncateSync(fd, 1);
      return false;
    } catch {
      return true;
    } finally {
      fs.closeSync(fd);
    }
  }

  it('begins anywhere, though the system maps from multiples of 64 KiB only', () => {
    const file = folder.file('offsets', content);
    const edges = [0, PAGE, GRANULARITY, GRANULARITY + PAGE, 3 * GRANULARITY];
    const offsets = [...edges, ...edges.map((edge) => edge + 7), GRANULARITY - 1, LENGTH - 1];
    for (const offset of offsets) {
      using mapping = mmap(file, { offset });
      assert.deepEqual(mapping.asBuffer(), content.subarray(offset));
      using one = mmap(file, { offset, length: 1, access: 'write' });
      assert.equal(one.view().get(0), content[offset]);
      one.flushSync();
    }
  });

  it('lets go of its file before close() returns', () => {
    for (const access of ['read', 'copy', 'write'] as const) {
      const file = folder.file('let-go', content);
      const mapping = mmap(file, { access });
      assert.equal(mapping.view().get(5), content[5]);
      assert.equal(isMapped(file), true);
      mapping.close();
      assert.equal(isMapped(file), false);
      fs.rmSync(file);
    }
  });

  it('keeps its file while a raw array is there, until that is collected', async () => {
    const file = folder.file('raw', content);
    (() => {
      const mapping = mmap(file);
      mapping.asUint8Array();
      mapping.close();
      assert.equal(mapping.state, 'closing');
    })();
    assert.equal(isMapped(file), true);
    assert.ok(await gcUntil(() => !isMapped(file)));
  });

  it("of access 'read' keeps what is written to a raw array from the file", () => {
    const file = folder.file('stray', content);
    using mapping = mmap(file);
    mapping.asUint8Array().fill(7);
    assert.equal(mapping.view().get(LENGTH - 1), 7);
    assert.deepEqual(fs.readFileSync(file), content);
  });

  it('reads a file that is much larger than memory', () => {
    const file = folder.file('sparse', 'first');
    const length = 2 ** 40;
    fs.truncateSync(file, length);
    using mapping = mmap(file);
    assert.equal(mapping.byteLength, length);
    assert.equal(mapping.view(0, 5).hex(), Buffer.from('first').toString('hex'));
    assert.equal(mapping.view().get(-1), 0);
  });

  it('grows with its file, and says that it cannot shrink', () => {
    const file = folder.file('grows', content);
    using mapping = mmap(file, { access: 'write', offset: 5 });
    const before = mapping.asBuffer();
    mapping.resize(2 * LENGTH);
    assert.equal(fs.statSync(file).size, 2 * LENGTH + 5);
    mapping.view().set(-1, 9);
    before[0] = 8;
    mapping.flushSync();
    const now = fs.readFileSync(file);
    assert.deepEqual([now[5], now[LENGTH], now[2 * LENGTH + 4]], [8, 0, 9]);
    assert.throws(() => { mapping.resize(LENGTH); }, UNAVAILABLE);
    assert.equal(mapping.byteLength, 2 * LENGTH);
    assert.equal(fs.statSync(file).size, 2 * LENGTH + 5);
  });

  it('can be locked into memory, more than the system allows at first', () => {
    const file = folder.file('locked', patternBytes(8 * 2 ** 20));
    using mapping = mmap(file);
    mapping.lock();
    mapping.unlock({ offset: PAGE, length: PAGE });
    mapping.unlock();
    mapping.unlock();
  });

  it('is read in by prefetch() and populate', async () => {
    const file = folder.file('prefetched', content);
    using mapping = mmap(file, { populate: true });
    await mapping.prefetch();
    await mapping.prefetch({ offset: PAGE + 1, length: GRANULARITY });
    mapping.advise('willneed');
    assert.deepEqual(mapping.asBuffer(), content);
  });

  it('without a file has a descriptor, and leaves nothing behind', () => {
    const left = (): string[] => fs.readdirSync(os.tmpdir()).filter((name) => /^zc.*\.tmp$/i.test(name));
    const before = left();
    const memory = mmapAnonymous(LENGTH, { sealed: true });
    assert.equal(left().length, before.length + 1);
    memory.view(7, 3).assign(Buffer.from('abc'));
    assert.equal(fs.readSync(memory.fd, Buffer.alloc(10), 0, 10, 7), 10);
    using again = mmap(memory.fd, { access: 'write' });
    assert.equal(again.view(7, 3).hex(), '616263');
    again.view().set(0, 1);
    assert.equal(memory.view().get(0), 1);
    again.close();
    memory.close();
    assert.deepEqual(left(), before);
  });

  it('is the same memory in a child that inherits its descriptor', () => {
    using memory = mmapAnonymous(LENGTH);
    memory.view(0, 4).assign(Buffer.from('ping'));
    const main = path.resolve(__dirname, '../../../dist/index.js');
    const child = `const memory = require(${JSON.stringify(main)}).mmap(3, { access: 'write' });
      if (memory.asBuffer(0, 4).toString() === 'ping') memory.view(0, 4).assign(Buffer.from('pong'));`;
    const { status } = spawnSync(process.execPath, ['-e', child], { stdio: ['ignore', 'ignore', 'ignore', memory.fd] });
    assert.equal(status, 0);
    assert.equal(memory.asBuffer(0, 4).toString(), 'pong');
  });

  it("fails as node:fs does, with libuv's numbers", () => {
    const missing = path.join(os.tmpdir(), 'zerocopy-nobody-made-this');
    assert.throws(() => mmap(missing), { code: 'ENOENT', errno: -4058, path: missing });
    assert.throws(() => mmap(os.tmpdir()), { code: 'EISDIR', errno: -4068, message: /^EISDIR: illegal operation on a directory/ });
    assert.throws(() => mmap(9999), { code: 'EBADF', errno: -4083 });
    const fd = fs.openSync(folder.file('read-only', content), 'r');
    assert.throws(() => mmap(fd, { access: 'write' }), { code: 'EACCES', errno: -4092 });
    fs.closeSync(fd);
  });

  it('says what the system has nothing for', async () => {
    using mapping = mmap(folder.file('lacking', content), { access: 'write' });
    assert.throws(() => mapping.residency(), UNAVAILABLE);
    for (const advice of ['sequential', 'random', 'dontneed', 'hugepage', 'cold', 'free'] as const) {
      assert.throws(() => { mapping.advise(advice); }, UNAVAILABLE, advice);
    }
    await assert.rejects(mapping.wait(0, 0), UNAVAILABLE);
    assert.throws(() => mapping.notify(0), UNAVAILABLE);
  });

  // Windows itself cuts no mapped file; disks and networks that fail it does not fail here. Wine runs programs of the
  // system below, and that one cuts.
  describe('whose file loses its end', () => {
    const below = fs.mkdtempSync('Z:\\tmp\\zerocopy-test-');
    after(async () => {
      await gcUntil(() => false, 3); // raw arrays keep their files
      fs.rmSync(below, { recursive: true, force: true });
    });

    async function cut(name: string, access: 'read' | 'copy' | 'write'): Promise<Mapping> {
      const file = path.join(below, name);
      fs.writeFileSync(file, content);
      const mapping = mmap(file, { access });
      assert.equal(mapping.view().get(GRANULARITY), content[GRANULARITY]);
      const belowName = file.slice(2).replaceAll('\\', '/');
      // It neither waits for such a program nor tells how it ended.
      spawnSync('start.exe', ['/unix', '/usr/bin/truncate', '-s', String(PAGE), belowName], { stdio: 'ignore' });
      while (fs.statSync(file).size !== PAGE) await sleep(10);
      return mapping;
    }

    for (const access of ['read', 'copy', 'write'] as const) {
      it(`reads as zeros, and says so: '${access}'`, async () => {
        using other = mmap(folder.file('other', content));
        using mapping = await cut(`cut-${access}`, access);
        const raw = mapping.asUint8Array();
        assert.equal(raw[2 * GRANULARITY], 0);
        assert.deepEqual([raw[1], raw[LENGTH - 1]], [0, 0]); // the view goes as a whole
        raw[PAGE * 5] = 3;
        assert.equal(raw[PAGE * 5], 3);
        assert.equal(mapping.faults, Math.ceil(LENGTH / PAGE));
        assert.throws(() => { mapping.check(); }, { code: 'ERR_MAPPING_FAULT', offset: 0 });
        assert.throws(() => mapping.view().get(0), { code: 'ERR_MAPPING_FAULT' });
        assert.deepEqual(other.asBuffer(), content);
      });
    }

    it('while threads of the pool look at it', async () => {
      using mapping = await cut('cut-pool', 'read');
      await assert.rejects(mapping.prefetch(), { code: 'ERR_MAPPING_FAULT' });
      assert.equal(mapping.faults, 0);
      await assert.rejects(mapping.search(Buffer.from('nowhere in it')), { code: 'ERR_MAPPING_FAULT' });
    });
  });
});
