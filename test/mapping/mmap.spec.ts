import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync, symlinkSync, truncateSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

import { native } from '#lib/native';
import { Mapping, mmap, mmapAnonymous, type MmapOptions } from 'zerocopy';

import { runInChild } from '../support/child';
import { openDescriptors } from '../support/descriptors';
import { mappedRanges } from '../support/maps';
import { patternBytes, temporaryFolder } from '../support/temporary';

const LENGTH = 3 * 4096 + 123;

describe('mmap', () => {
  const folder = temporaryFolder();
  const content = patternBytes(LENGTH);
  let path = '';

  before(() => {
    path = folder.file('pattern.bin', content);
  });

  describe('of a file', () => {
    it('by path, Buffer, URL, descriptor and FileHandle has the bytes of the file', async () => {
      const fd = openSync(path, 'r');
      const handle = await open(path);
      for (const file of [path, Buffer.from(path), pathToFileURL(path), fd, handle]) {
        using mapping = mmap(file);
        assert.equal(mapping.byteLength, LENGTH);
        assert.deepEqual(mapping.asBuffer(), content);
        assert.equal(mapping.path, typeof file === 'number' || file === handle ? undefined : path);
      }
      closeSync(fd); // both are still the caller's
      await handle.close();
    });

    it('outlives the descriptor it was made from', () => {
      const fd = openSync(path, 'r');
      using mapping = mmap(fd);
      closeSync(fd);
      assert.deepEqual(mapping.asBuffer(), content);
    });

    it('follows symbolic links, as open(2) does', () => {
      const link = folder.file('link');
      symlinkSync(path, link);
      using mapping = mmap(link);
      assert.equal(mapping.byteLength, LENGTH);
    });

    it('at any offset and length has just these bytes', () => {
      const offsets = [0, 1, 7, 4095, 4096, 4097, 8192, LENGTH - 1, LENGTH];
      for (const offset of offsets) {
        for (const length of [0, 1, 5, 4096, 5000, LENGTH].filter((n) => n <= LENGTH - offset)) {
          using mapping = mmap(path, { offset, length });
          assert.equal(mapping.byteLength, length);
          assert.equal(mapping.fileOffset, offset);
          assert.deepEqual(mapping.asBuffer(), content.subarray(offset, offset + length));
        }
        using rest = mmap(path, { offset });
        assert.deepEqual(rest.asBuffer(), content.subarray(offset));
      }
    });

    it('takes offsets and lengths as bigint', () => {
      using mapping = mmap(path, { offset: 4097n, length: 10n });
      assert.deepEqual(mapping.asBuffer(), content.subarray(4097, 4107));
      assert.equal(mapping.fileOffset, 4097);
    });

    it('that is empty gives an empty mapping', () => {
      using mapping = mmap(folder.file('empty', ''));
      assert.equal(mapping.byteLength, 0);
      assert.equal(mapping.asArrayBuffer().byteLength, 0);
      assert.equal(mapping.asArrayBuffer(), mapping.asArrayBuffer());
      assert.equal(mapping.view().length, 0);
      mapping.close();
      assert.equal(mapping.state, 'closed');
    });

    it('reads its pages in before it returns, when asked to', () => {
      using mapping = mmap(path, { populate: true, advice: 'sequential' });
      assert.deepEqual(mapping.asBuffer(), content);
    });

    it('that is longer than 4 GiB is mapped whole, exact at every edge', () => {
      const sparse = folder.file('sparse', '');
      const length = 64 * 2 ** 30;
      truncateSync(sparse, length);
      using mapping = mmap(sparse, { access: 'write' });
      assert.equal(mapping.byteLength, length);
      for (const edge of [2 ** 30, 2 ** 31, 2 ** 32, 33 * 2 ** 30, length - 8]) {
        const at = edge - 8;
        mapping.view(at, 16 > length - at ? length - at : 16).set(3, 77);
        assert.equal(readByte(sparse, at + 3), 77, `byte ${String(at + 3)} of the file`);
        assert.deepEqual([...mapping.asUint8Array(at + 2, 3)], [0, 77, 0]);
      }
    });
  });

  describe('access', () => {
    it("'read' keeps a stray write from the file, and from crashing", () => {
      using mapping = mmap(path);
      mapping.asUint8Array()[0] = 255;
      assert.equal(mapping.asUint8Array()[0], 255);
      assert.deepEqual(readFileSync(path), content);
      assert.equal(mapping.readonly, true);
      assert.equal(mapping.fd, -1);
    });

    it("'read' refuses to write through a view", () => {
      using mapping = mmap(path);
      assert.throws(() => { mapping.view().set(0, 1); }, { code: 'ERR_VIEW_READONLY', name: 'TypeError' });
    });

    it("'copy' writes privately", () => {
      using mapping = mmap(path, { access: 'copy' });
      mapping.view().set(0, 254);
      assert.equal(mapping.view().get(0), 254);
      assert.deepEqual(readFileSync(path), content);
      assert.equal(mapping.readonly, false);
      assert.equal(mapping.fd, -1);
    });

    it("'write' reaches the file", async () => {
      const target = folder.file('target', patternBytes(5000));
      using mapping = mmap(target, { access: 'write', offset: 100 });
      mapping.view().set(0, 254);
      await mapping.flush();
      mapping.view().set(4899, 253);
      mapping.flushSync({ offset: 4899, length: 1 });
      const now = readFileSync(target);
      assert.equal(now[100], 254);
      assert.equal(now[4999], 253);
      assert.equal(fstatSync(mapping.fd).ino, statSync(target).ino);
    });

    it("'write' with size creates the file and allocates its blocks", () => {
      const target = folder.file('created');
      using mapping = mmap(target, { access: 'write', size: 100_000 });
      assert.equal(mapping.byteLength, 100_000);
      assert.equal(statSync(target).size, 100_000);
      assert.ok(statSync(target).blocks * 512 >= 100_000);
    });

    it("'write' with size never shortens a file", () => {
      const target = folder.file('longer', patternBytes(5000));
      using mapping = mmap(target, { access: 'write', size: 10 });
      assert.equal(mapping.byteLength, 5000);
      assert.deepEqual(mapping.asBuffer(), patternBytes(5000));
    });
  });

  describe('of memory without a file', () => {
    it('is zeros that can be written, with a descriptor of its own', () => {
      using mapping = mmapAnonymous(10_000, { name: 'test memory', sealed: true });
      assert.equal(mapping.access, 'write');
      assert.ok(mapping.asUint8Array().every((byte) => byte === 0));
      mapping.view().set(9_999, 9);
      assert.equal(readByte(`/proc/${String(process.pid)}/fd/${String(mapping.fd)}`, 9_999), 9);
      assert.throws(() => { truncateSync(`/proc/self/fd/${String(mapping.fd)}`, 10); }, { code: 'EPERM' });
    });

    it('can be mapped again by its descriptor: the same memory', () => {
      using mapping = mmapAnonymous(4096);
      using again = mmap(mapping.fd, { access: 'write' });
      again.view().set(5, 55);
      assert.equal(mapping.view().get(5), 55);
    });

    it('may be empty', () => {
      using mapping = mmapAnonymous(0);
      assert.equal(mapping.view().length, 0);
    });
  });

  describe('bad input', () => {
    const bad: [string, () => unknown, object][] = [
      ['a missing file', () => mmap('/nonexistent/file'), { code: 'ENOENT', errno: -2, syscall: 'open', path: '/nonexistent/file' }],
      ['a missing file to write', () => mmap('/nonexistent/file', { access: 'write' }), { code: 'ENOENT', syscall: 'open' }],
      ['a directory', () => mmap('/tmp'), { code: 'EISDIR', errno: -21, path: '/tmp' }],
      ['a directory to write', () => mmap('/tmp', { access: 'write' }), { code: 'EISDIR', syscall: 'open' }],
      ['a device', () => mmap('/dev/null'), { code: 'ENODEV', syscall: 'mmap', path: '/dev/null' }],
      ['a closed descriptor', () => mmap(987_654), { code: 'EBADF', errno: -9 }],
      ['a negative descriptor', () => mmap(-1), { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' }],
      ['a fractional descriptor', () => mmap(1.5), { code: 'ERR_OUT_OF_RANGE' }],
      ['a path with NUL', () => mmap('a\0b'), { code: 'ERR_INVALID_ARG_VALUE' }],
      ['no file', () => mmap(undefined as never), { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' }],
      ['null', () => mmap(null as never), { code: 'ERR_INVALID_ARG_TYPE', message: /"file".*Received null/ }],
      ['an object', () => mmap({} as never), { code: 'ERR_INVALID_ARG_TYPE', message: /instance of Object/ }],
      ['an unknown option', () => mmap(path, { ofset: 1 } as never), { code: 'ERR_INVALID_ARG_VALUE', message: /ofset.*offset/ }],
      ['options that are no object', () => mmap(path, 5 as never), { code: 'ERR_INVALID_ARG_TYPE' }],
      ['null options', () => mmap(path, null as never), { code: 'ERR_INVALID_ARG_TYPE' }],
      ['unknown access', () => mmap(path, { access: 'rw' as never }), { code: 'ERR_INVALID_ARG_VALUE', message: /'rw'/ }],
      ['access of the wrong type', () => mmap(path, { access: 1 as never }), { code: 'ERR_INVALID_ARG_TYPE' }],
      ['size to read', () => mmap(path, { size: 10 }), { code: 'ERR_INVALID_ARG_VALUE', message: /size/ }],
      ['unknown advice', () => mmap(path, { advice: 'fast' as never }), { code: 'ERR_INVALID_ARG_VALUE' }],
      ['populate of the wrong type', () => mmap(path, { populate: 1 as never }), { code: 'ERR_INVALID_ARG_TYPE' }],
      ['an anonymous length of -1', () => mmapAnonymous(-1), { code: 'ERR_OUT_OF_RANGE', message: /byteLength.*-1/ }],
      ['an anonymous length as string', () => mmapAnonymous('5' as never), { code: 'ERR_INVALID_ARG_TYPE' }],
      ['too much anonymous memory', () => mmapAnonymous(2 ** 53 - 1), { code: /^(EFBIG|EINVAL|ENOMEM|EOVERFLOW)$/ }],
      ['a memory name too long', () => mmapAnonymous(1, { name: 'x'.repeat(250) }), { code: 'ERR_INVALID_ARG_VALUE' }],
      ['a memory name with NUL', () => mmapAnonymous(1, { name: 'a\0' }), { code: 'ERR_INVALID_ARG_VALUE' }],
    ];
    for (const name of ['offset', 'length'] as const) {
      for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53, -1n, 2n ** 64n, LENGTH + 1]) {
        const options: MmapOptions = { [name]: value };
        bad.push([`${name} ${String(value)}`, () => mmap(path, options), { code: 'ERR_OUT_OF_RANGE', name: 'RangeError', message: new RegExp(name) }]);
      }
      for (const value of ['5', null, true, {}, [], Symbol('x')]) {
        const options = { [name]: value } as unknown as MmapOptions;
        bad.push([`${name} ${typeof value} ${JSON.stringify(value)}`, () => mmap(path, options), { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError', message: new RegExp(name) }]);
      }
    }

    for (const [what, call, expected] of bad) {
      it(`${what} is refused, and nothing stays mapped or open`, () => {
        const counters = native.counters();
        const descriptors = openDescriptors().size;
        const maps = mappedRanges(path);
        assert.throws(call, expected);
        assert.deepEqual(native.counters(), counters);
        assert.equal(openDescriptors().size, descriptors);
        assert.deepEqual(mappedRanges(path), maps);
      });
    }

    it('a FIFO is refused at once, though nobody writes to it', () => {
      const fifo = folder.file('fifo');
      execFileSync('mkfifo', [fifo]);
      const descriptors = openDescriptors().size;
      assert.throws(() => mmap(fifo), { code: 'ENODEV', syscall: 'mmap', path: fifo });
      assert.throws(() => mmap(fifo, { access: 'write' }), { code: 'ENODEV' });
      assert.equal(openDescriptors().size, descriptors);
    });

    it('a FileHandle that was closed is EBADF', async () => {
      const handle = await open(path);
      await handle.close();
      assert.throws(() => mmap(handle), { code: 'EBADF' });
    });

    it('a descriptor opened for reading cannot be mapped for writing', () => {
      const fd = openSync(path, 'r');
      const counters = native.counters();
      assert.throws(() => mmap(fd, { access: 'write' }), { code: 'EACCES', syscall: 'mmap' });
      assert.deepEqual(native.counters(), counters);
      closeSync(fd);
    });

    it('a file without permission is EACCES', async () => {
      const secret = folder.file('secret', 'secret');
      execFileSync('chmod', ['000', secret]);
      // root may read everything, so the child gives that up
      const child = await runInChild(
        `const native0 = native.counters().regionsMapped;
         if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534); }
         try { zerocopy.mmap(process.argv[1]); } catch (error) { console.log(error.code, error.syscall, error.path); }`,
        { arguments: [secret] },
      );
      assert.equal(child.stdout, `EACCES open ${secret}\n`, child.stderr);
    });

    it('a wrong option creates no file', () => {
      const target = folder.file('not created');
      assert.throws(() => mmap(target, { access: 'write', size: 10, offset: -1 }), { code: 'ERR_OUT_OF_RANGE' });
      assert.throws(() => statSync(target), { code: 'ENOENT' });
    });

    it('options are read once', () => {
      let reads = 0;
      const options = { get offset() { return reads++; } };
      using mapping = mmap(path, options);
      assert.equal(mapping.fileOffset, 0);
      assert.equal(reads, 1);
    });

    it('a Mapping is not made with new', () => {
      const expected = { code: 'ERR_ILLEGAL_CONSTRUCTOR', name: 'TypeError', message: /mmap\(\)/ };
      assert.throws(() => new (Mapping as unknown as new () => Mapping)(), expected);
    });
  });
});

function readByte(path: string, position: number): number | undefined {
  const fd = openSync(path, 'r');
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, position);
  closeSync(fd);
  return byte[0];
}
