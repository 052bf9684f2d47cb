import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';

import { native } from '#lib/native';
import { mmap, mmapAnonymous, type Mapping } from 'zerocopy';

import { patternBytes, temporaryFolder } from '../support/temporary';

const LENGTH = 10_000;
const GIB = 2 ** 30;

describe('Mapping.copyWithin', () => {
  const folder = temporaryFolder();
  const content = patternBytes(LENGTH);

  describe('is what typed arrays do', () => {
    const places = [1, 2, 4095, 4096, LENGTH - 1, LENGTH, LENGTH + 1, 2 ** 40];
    const indices = [0, ...places, ...places.map((place) => -place)];
    const ends = [undefined, 0, 1, 5000, LENGTH, LENGTH + 5, -1, -5000, -LENGTH - 1];
    for (const target of indices) {
      it(`to ${String(target)}, from and to everywhere, overlapping or not`, () => {
        using mapping = mmap(folder.file('typed', content), { access: 'copy' });
        const bytes = mapping.asBuffer();
        const expected = new Uint8Array(content);
        for (const start of indices) {
          for (const end of ends) {
            assert.equal(mapping.copyWithin(target, start, end), mapping);
            expected.copyWithin(target, start, end);
            assert.ok(bytes.equals(expected), `copyWithin(${String(target)}, ${String(start)}, ${String(end)})`);
          }
        }
      });
    }
  });

  it('reaches the file of a mapping that writes, and starts at its offset', () => {
    const path = folder.file('written', content);
    using mapping = mmap(path, { access: 'write', offset: 5, length: 20 });
    mapping.copyWithin(0, 10, 15);
    const expected = Buffer.from(content);
    expected.copyWithin(5, 15, 20);
    assert.ok(readFileSync(path).equals(expected));
  });

  it('of an empty mapping moves nothing', () => {
    using mapping = mmapAnonymous(0);
    mapping.copyWithin(0, 0);
    mapping.copyWithin(-1, 5, 7);
  });

  describe('over 64 GiB', () => {
    let mapping: Mapping;
    before(() => {
      const fd = openSync(folder.file('sparse', ''), 'r+');
      ftruncateSync(fd, 64 * GIB);
      for (const at of [3, 4 * GIB - 4, 33 * GIB - 4]) writeSync(fd, patternBytes(8, at), 0, 8, at);
      closeSync(fd);
      mapping = mmap(folder.file('sparse'), { access: 'copy' });
    });
    after(() => { mapping.close(); });

    const moves: [target: number, start: number][] = [
      [2 * GIB - 3, 4 * GIB - 4], [4 * GIB + 2, 33 * GIB - 4], [8, 3], [40 * GIB, 3], [1, 33 * GIB - 4],
    ];
    for (const [target, start] of moves) {
      it(`moves bytes ${String(start)} to ${String(target)}`, () => {
        const bytes = mapping.view(start, 8).toBytes();
        assert.notDeepEqual(bytes, new Uint8Array(8));
        mapping.copyWithin(target, start, start + 8);
        assert.deepEqual(mapping.view(target, 8).toBytes(), bytes);
      });
    }

    it('counts from the end, and clamps there', () => {
      const bytes = mapping.view(4 * GIB - 4, 8).toBytes();
      mapping.copyWithin(-3, 4 * GIB - 4);
      assert.deepEqual(mapping.view(64 * GIB - 3).toBytes(), bytes.subarray(0, 3));
      mapping.copyWithin(0, -3);
      assert.deepEqual(mapping.view(0, 3).toBytes(), bytes.subarray(0, 3));
    });
  });

  it('of a file that was cut copies zeros, and says so', () => {
    const path = folder.file('cut', content);
    using mapping = mmap(path, { access: 'write' });
    truncateSync(path, 4096);
    assert.throws(() => mapping.copyWithin(0, 8192, 8200), { code: 'ERR_MAPPING_FAULT' });
    assert.deepEqual([...readFileSync(path).subarray(0, 8)], [0, 0, 0, 0, 0, 0, 0, 0]);
    const { faults } = mapping;
    assert.throws(() => mapping.copyWithin(4096, 8, 16), { code: 'ERR_MAPPING_FAULT' });
    assert.equal(mapping.faults, faults);
  });

  describe('refuses', () => {
    const bad: [what: string, call: (mapping: Mapping) => unknown, error: object][] = [
      ['a string', (m) => m.copyWithin('1' as never, 0), { code: 'ERR_INVALID_ARG_TYPE', message: /target/ }],
      ['nothing', (m) => (m as unknown as { copyWithin(): void }).copyWithin(), { code: 'ERR_INVALID_ARG_TYPE', message: /target/ }],
      ['no start', (m) => m.copyWithin(0, undefined as never), { code: 'ERR_INVALID_ARG_TYPE', message: /start/ }],
      ['null', (m) => m.copyWithin(0, 0, null as never), { code: 'ERR_INVALID_ARG_TYPE', message: /end/ }],
      ['a fraction', (m) => m.copyWithin(0, 0.5), { code: 'ERR_OUT_OF_RANGE', message: /start.*0\.5/ }],
      ['NaN', (m) => m.copyWithin(NaN, 0), { code: 'ERR_OUT_OF_RANGE', message: /target.*NaN/ }],
      ['Infinity', (m) => m.copyWithin(0, 0, Infinity), { code: 'ERR_OUT_OF_RANGE', message: /end.*Infinity/ }],
      ['an object', (m) => m.copyWithin({ valueOf: () => 1 } as never, 0), { code: 'ERR_INVALID_ARG_TYPE' }],
      ['an integer beyond 2^53', (m) => m.copyWithin(0, 2 ** 53), { code: 'ERR_OUT_OF_RANGE' }],
    ];
    for (const [what, call, error] of bad) {
      it(what, () => {
        using mapping = mmap(folder.file('bad', content), { access: 'copy' });
        assert.throws(() => call(mapping), error);
        assert.ok(mapping.asBuffer().equals(content));
      });
    }

    it('a mapping that is read-only, or closed', () => {
      const mapping = mmap(folder.file('read', content));
      assert.throws(() => mapping.copyWithin(0, 1), { code: 'ERR_VIEW_READONLY' });
      mapping.close();
      assert.throws(() => mapping.copyWithin(0, 1), { code: 'ERR_MAPPING_CLOSED' });
    });

    it('natively what lies outside, and a region that is closed', () => {
      const mapping = mmapAnonymous(100);
      const handle = native.liveHandles().find((one) => one.mapping === mapping);
      assert.ok(handle !== undefined);
      const outside = [[0, 1, 100], [1, 0, 100], [101, 0, 0], [0, 101, 0], [0, 2 ** 53, 1]] as const;
      for (const [target, start, length] of outside) {
        assert.deepEqual(native.copyWithin(handle, target, start, length), { errno: 22, syscall: 'memmove' });
      }
      assert.throws(() => native.copyWithin(handle, 0, -1, 1), { code: 'ERR_INTERNAL_MISUSE' });
      mapping.close();
      assert.deepEqual(native.copyWithin(handle, 0, 0, 1), { errno: 22, syscall: 'memmove' });
    });
  });
});
