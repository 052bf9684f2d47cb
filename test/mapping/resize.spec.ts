import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';

import { native } from '#lib/native';
import { Mapping, MemoryView, mappings, mmap, mmapAnonymous } from 'zerocopy';

import { openDescriptors } from '../support/descriptors';
import { mappedRanges } from '../support/maps';
import { patternBytes, temporaryFolder } from '../support/temporary';

const PAGE = 4096;
const LENGTH = 3 * PAGE + 17;

describe('Mapping.resize', () => {
  const folder = temporaryFolder();
  const content = patternBytes(LENGTH);

  function zerosAfter(bytes: Buffer, length: number): Buffer<ArrayBuffer> {
    return Buffer.concat([bytes, Buffer.alloc(Math.max(0, length - bytes.length))], length);
  }

  describe('makes file and mapping', () => {
    const around = [PAGE, LENGTH].flatMap((length) => [length - 1, length, length + 1]);
    for (const length of [0, 1, ...around, 4 * PAGE, 9 * PAGE + 5, 20_000_000]) {
      it(`${String(length)} bytes long instead of ${String(LENGTH)}`, () => {
        const path = folder.file(`to-${String(length)}`, content);
        using mapping = mmap(path, { access: 'write' });
        const { fd } = mapping;
        mapping.resize(length);
        assert.equal(mapping.byteLength, length);
        assert.equal(statSync(path).size, length);
        assert.equal(mapping.fd, fd);
        const expected = zerosAfter(content, length);
        assert.ok(Buffer.from(mapping.view().toBytes()).equals(expected));
        assert.ok(readFileSync(path).equals(expected));
        assert.equal(mapping.state, 'open');
      });
    }

    it('longer and shorter, again and again; what is written reaches the file', () => {
      const path = folder.file('again', '');
      using mapping = mmap(path, { access: 'write' });
      let expected = Buffer.alloc(0);
      const { regionsMapped, regionsUnmapped } = native.counters();
      for (const length of [5, 70_000, 3, 0, PAGE, PAGE * 2 + 1, 1, 100_000]) {
        mapping.resize(length);
        expected = zerosAfter(expected.subarray(0, length), length);
        assert.ok(readFileSync(path).equals(expected), String(length));
        if (length === 0) continue;
        mapping.view().set(length - 1, length & 255);
        expected[length - 1] = length & 255;
        assert.ok(readFileSync(path).equals(expected), String(length));
      }
      const now = native.counters();
      assert.equal(now.regionsMapped - regionsMapped, now.regionsUnmapped - regionsUnmapped);
      assert.equal(mappedRanges(path).length, 1);
    });

    it('end at the same place when the mapping begins inside the file, at any offset', () => {
      const path = folder.file('offset', content);
      using mapping = mmap(path, { access: 'write', offset: PAGE + 5, length: 10 });
      mapping.resize(5000);
      assert.equal(mapping.fileOffset, PAGE + 5);
      assert.equal(statSync(path).size, PAGE + 5 + 5000);
      assert.ok(readFileSync(path).equals(content.subarray(0, PAGE + 5 + 5000)));
      assert.ok(Buffer.from(mapping.view().toBytes()).equals(content.subarray(PAGE + 5, PAGE + 5 + 5000)));
    });

    it('longer with the blocks of what is added', () => {
      const path = folder.file('blocks', 'x');
      using mapping = mmap(path, { access: 'write' });
      mapping.resize(1_000_000);
      assert.ok(statSync(path).blocks * 512 >= 1_000_000);
    });

    it('of a descriptor that its opener has closed', () => {
      const path = folder.file('descriptor', content);
      const fd = openSync(path, 'r+');
      using mapping = mmap(fd, { access: 'write' });
      closeSync(fd);
      mapping.resize(7n);
      assert.equal(statSync(path).size, 7);
      assert.equal(fstatSync(mapping.fd).size, 7);
    });
  });

  it('also after advice that has split the map', () => {
    const path = folder.file('advised', content);
    using mapping = mmap(path, { access: 'write' });
    mapping.advise('random', { offset: PAGE, length: PAGE });
    mapping.advise('dontneed', { offset: 2 * PAGE, length: 10 });
    mapping.resize(8 * PAGE);
    assert.ok(Buffer.from(mapping.view().toBytes()).equals(zerosAfter(content, 8 * PAGE)));
    mapping.advise('sequential', { offset: 7 * PAGE, length: 1 });
    mapping.resize(PAGE);
    assert.ok(readFileSync(path).equals(content.subarray(0, PAGE)));
  });

  describe('of what was made before', () => {
    it('releases MemoryViews: they throw ERR_VIEW_RELEASED, also once the mapping is closed', () => {
      const mapping = mmap(folder.file('views', content), { access: 'write' });
      const views = [mapping.view(), mapping.view(3, 4), mapping.view().cast('B', [1, LENGTH]), new MemoryView(mapping)];
      mapping.resize(LENGTH);
      for (const view of views) {
        for (const use of [() => view.toList(), () => view.nbytes, () => view.slice(0, 1), () => view.asUint8Array()]) {
          assert.throws(use, { code: 'ERR_VIEW_RELEASED' });
        }
      }
      mapping.close();
      assert.throws(() => views[0]?.get(0), { code: 'ERR_VIEW_RELEASED' });
    });

    it('lets raw arrays keep the old memory, and makes new ones of the new', () => {
      const path = folder.file('raw', content);
      const mapping = mmap(path, { access: 'write' });
      const old = mapping.asArrayBuffer();
      mapping.resize(2 * PAGE);
      const now = mapping.asArrayBuffer();
      assert.notEqual(now, old);
      assert.equal(mapping.asArrayBuffer(), now);
      assert.equal(now.byteLength, 2 * PAGE);
      assert.equal(old.byteLength, LENGTH);
      assert.ok(Buffer.from(old, 0, 2 * PAGE).equals(content.subarray(0, 2 * PAGE)));
      // Both are the same pages of the same file.
      new Uint8Array(old)[3] = 99;
      assert.equal(mapping.view().get(3), 99);
      assert.equal(mappedRanges(path).length, 2);
      mapping.close({ detach: true });
      assert.equal(now.byteLength, 0);
      assert.equal(old.byteLength, 0);
    });

    it('leaves what raw arrays keep in holders(), and within the reach of close({ detach: true })', () => {
      const mapping = mmap(folder.file('former', content), { access: 'write' });
      const raws = [PAGE, 2 * PAGE, 3 * PAGE].map((length) => {
        const raw = mapping.asUint8Array();
        mapping.resize(length);
        return raw;
      });
      const kept = { buffers: 3, retained: LENGTH + PAGE + 2 * PAGE + 3 * PAGE, views: 0, holds: 0, viewed: 0 };
      assert.deepEqual(mapping.holders(), kept);
      assert.deepEqual(mappings().filter(({ path }) => path === mapping.path).map(({ holders }) => holders), [kept]);
      mapping.close();
      assert.equal(mapping.state, 'closing');
      assert.deepEqual(raws.map((raw) => raw[0]), [content[0], content[0], content[0]]);
      mapping.close({ detach: true });
      assert.deepEqual(raws.map((raw) => raw.length), [0, 0, 0]);
    });

    it('shows zeros where the file was cut, and nothing of that in the mapping', () => {
      const mapping = mmap(folder.file('cut', content), { access: 'write' });
      const old = mapping.asUint8Array();
      mapping.resize(5);
      assert.deepEqual([...old.subarray(0, 8)], [...content.subarray(0, 5), 0, 0, 0]);
      assert.ok(old.subarray(PAGE).every((byte) => byte === 0));
      mapping.check();
      assert.equal(mapping.faults, 0);
      assert.deepEqual(mapping.view().toList(), [...content.subarray(0, 5)]);
      mapping.close();
    });

    it('keeps one entry of mappings(), of the length that it has', () => {
      using mapping = mmap(folder.file('listed', content), { access: 'write' });
      const raw = mapping.asUint8Array();
      mapping.resize(50);
      const listed = mappings().filter(({ path }) => path === mapping.path);
      assert.deepEqual(listed.map(({ byteLength, holders }) => [byteLength, holders.retained]), [[50, 50 + LENGTH]]);
      assert.equal(raw.length, LENGTH);
    });

    it('lets work under way end on the old memory', async () => {
      const path = folder.file('flushed', content);
      const mapping = mmap(path, { access: 'write' });
      mapping.view().set(0, 7);
      const work = [mapping.flush(), mapping.prefetch()];
      mapping.resize(9 * PAGE);
      await Promise.all(work);
      assert.equal(readFileSync(path)[0], 7);
      mapping.close();
      assert.deepEqual(mappedRanges(path), []);
    });
  });

  describe('or neither', () => {
    function unchanged(mapping: Mapping, path: string, resize: () => void, error: object): void {
      const view = mapping.view();
      const descriptors = openDescriptors().size;
      const { regionsMapped, regionsUnmapped } = native.counters();
      assert.throws(resize, error);
      const now = native.counters();
      assert.equal(now.regionsMapped - regionsMapped, now.regionsUnmapped - regionsUnmapped);
      assert.equal(openDescriptors().size, descriptors);
      assert.equal(mapping.byteLength, LENGTH);
      assert.ok(Buffer.from(view.toBytes()).equals(content));
      assert.ok(readFileSync(path).equals(content));
    }

    for (const access of ['read', 'copy'] as const) {
      it(`for access '${access}': ERR_VIEW_READONLY, whatever the length`, () => {
        const path = folder.file(access, content);
        using mapping = mmap(path, { access });
        for (const length of [10, -1]) unchanged(mapping, path, () => { mapping.resize(length); }, { code: 'ERR_VIEW_READONLY' });
      });
    }

    const bad: [unknown, string][] = [
      [-1, 'ERR_OUT_OF_RANGE'], [1.5, 'ERR_OUT_OF_RANGE'], [NaN, 'ERR_OUT_OF_RANGE'], [Infinity, 'ERR_OUT_OF_RANGE'],
      [2 ** 53, 'ERR_OUT_OF_RANGE'], [2n ** 64n, 'ERR_OUT_OF_RANGE'], ['5', 'ERR_INVALID_ARG_TYPE'],
      [undefined, 'ERR_INVALID_ARG_TYPE'], [null, 'ERR_INVALID_ARG_TYPE'], [{ valueOf: () => 5 }, 'ERR_INVALID_ARG_TYPE'],
    ];
    for (const [length, code] of bad) {
      it(`for ${typeof length} ${String(length)}: ${code}`, () => {
        const path = folder.file('bad', content);
        using mapping = mmap(path, { access: 'write' });
        unchanged(mapping, path, () => { mapping.resize(length as number); }, { code, message: /byteLength/ });
      });
    }

    it('where no memory or no file is that long', () => {
      const path = folder.file('too-long', content);
      using mapping = mmap(path, { access: 'write' });
      unchanged(mapping, path, () => { mapping.resize(Number.MAX_SAFE_INTEGER); }, { code: 'ENOMEM', syscall: 'mmap', path });
    });

    it('once pages were lost, and once closed', () => {
      const path = folder.file('lost', content);
      const mapping = mmap(path, { access: 'write' });
      const raw = mapping.asUint8Array();
      truncateSync(path, 0);
      assert.equal(raw[PAGE], 0);
      assert.throws(() => { mapping.resize(10); }, { code: 'ERR_MAPPING_FAULT' });
      mapping.close();
      writeFileSync(path, content);
      assert.throws(() => { mapping.resize(10); }, { code: 'ERR_MAPPING_CLOSED' });
      assert.equal(mapping.byteLength, LENGTH);
      assert.ok(readFileSync(path).equals(content));
    });
  });

  describe('of anonymous memory', () => {
    it('only makes it shorter, here and where it is attached', () => {
      using memory = mmapAnonymous(LENGTH);
      memory.view().set(3, 4);
      using attached = Mapping.attach(structuredClone(memory.share()));
      for (const mapping of [memory, attached]) {
        assert.throws(() => { mapping.resize(LENGTH + 1); }, { code: 'ERR_OUT_OF_RANGE', message: /12305/ });
      }
      attached.resize(PAGE);
      assert.equal(attached.byteLength, PAGE);
      assert.equal(attached.view().get(3), 4);
      assert.equal(fstatSync(memory.fd).size, PAGE);
      assert.throws(() => { attached.resize(PAGE + 1); }, { code: 'ERR_OUT_OF_RANGE' });
    });

    it('that is sealed is EPERM, and nothing changes', () => {
      using memory = mmapAnonymous(LENGTH, { sealed: true });
      memory.view().set(LENGTH - 1, 4);
      assert.throws(() => { memory.resize(PAGE); }, { code: 'EPERM', syscall: 'ftruncate' });
      memory.resize(LENGTH);
      assert.equal(memory.view().get(-1), 4);
    });
  });

  it('of one of two that share the memory leaves the other what it has', () => {
    const path = folder.file('shared', content);
    using one = mmap(path, { access: 'write' });
    using other = Mapping.attach(one.share());
    const view = other.view();
    one.resize(9 * PAGE);
    assert.ok(Buffer.from(view.toBytes()).equals(content));
    one.resize(PAGE);
    assert.equal(view.get(PAGE - 1), content[PAGE - 1]);
    assert.equal(other.asUint8Array()[2 * PAGE], 0);
    assert.throws(() => { other.check(); }, { code: 'ERR_MAPPING_FAULT' });
    one.check();
  });
});
