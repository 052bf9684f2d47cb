import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, readFileSync, statSync, truncateSync, writeSync } from 'node:fs';

import { MemoryView, mmap, mmapAnonymous, type Cursor, type Mapping } from 'zerocopy';

import { patternBytes, temporaryFolder } from '../support/temporary';

const GIB = 2 ** 30;

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

// What each call answers is CPython's: oracle.spec.ts replays its programs.
describe('Cursor', () => {
  const folder = temporaryFolder();

  function open(content: string, access: 'read' | 'write' | 'copy' = 'write'): Mapping {
    return mmap(folder.file('content', content), { access });
  }

  it('reads copies, from where the last read ended', () => {
    using mapping = open('one\ntwo\r\n\nlast');
    const cursor = mapping.cursor();
    assert.equal(text(cursor.read(2)), 'on');
    assert.equal(cursor.readByte(), 'e'.charCodeAt(0));
    assert.equal(text(cursor.readLine()), '\n');
    assert.equal(text(cursor.readLine()), 'two\r\n');
    assert.equal(text(cursor.readLine()), '\n');
    const rest = cursor.read();
    assert.equal(text(rest), 'last');
    rest[0] = 0;
    assert.equal(mapping.view().get(-4), 'l'.charCodeAt(0));
    assert.deepEqual([cursor.read(1).length, cursor.readLine().length, cursor.read().length], [0, 0, 0]);
    assert.equal(cursor.tell(), 14);
    assert.throws(() => cursor.readByte(), { code: 'ERR_OUT_OF_RANGE' });
  });

  it('has all lines of a file, as JavaScript splits it', () => {
    const content = Array.from({ length: 500 }, (_, i) => 'x'.repeat((i * i) % 40_000)).join('\n');
    using mapping = open(content, 'read');
    const cursor = mapping.cursor();
    const lines: string[] = [];
    for (let line = cursor.readLine(); line.length > 0; line = cursor.readLine()) lines.push(text(line));
    assert.deepEqual(lines, content.split(/(?<=\n)/));
  });

  it('reads all that remains for nothing, null and anything negative', () => {
    using mapping = open('0123456789');
    for (const n of [undefined, null, -1, -5n, 10, 11n, 2 ** 40]) {
      const cursor = mapping.cursor();
      cursor.seek(3);
      assert.equal(text(cursor.read(n)), '3456789');
      assert.equal(cursor.tell(), 10);
    }
  });

  it('writes bytes of any memory, all or none', () => {
    const path = folder.file('written', '0123456789');
    using mapping = mmap(path, { access: 'write' });
    const cursor = mapping.cursor();
    assert.equal(cursor.write(Buffer.from('ab')), 2);
    cursor.writeByte(67);
    assert.equal(cursor.write(new Uint16Array([0x4544])), 2);
    assert.equal(cursor.write(new Uint8Array(0)), 0);
    const tooLong = { code: 'ERR_OUT_OF_RANGE', message: /<= 5.* 5 of 10 .*Received 6/ };
    assert.throws(() => cursor.write(Buffer.alloc(6)), tooLong);
    assert.equal(readFileSync(path, 'latin1'), 'abCDE56789');
    assert.equal(cursor.tell(), 5);
    assert.equal(cursor.write(mapping.view(0, 5)), 5);
    assert.equal(readFileSync(path, 'latin1'), 'abCDEabCDE');
    assert.throws(() => { cursor.writeByte(1); }, { code: 'ERR_OUT_OF_RANGE' });
  });

  it('writes memory of its own mapping as if through a copy', () => {
    using mapping = open('0123456789');
    const cursor = mapping.cursor();
    cursor.seek(2);
    cursor.write(mapping.view(0, 8));
    assert.equal(text(mapping.view().toBytes()), '0101234567');
  });

  it('seeks from the start, the position and the end', () => {
    using mapping = open('0123456789');
    const cursor = mapping.cursor();
    const moves: [number | bigint, 0 | 1 | 2 | undefined, number][] = [
      [4, undefined, 4], [3n, 1, 7], [-7, 1, 0], [0, 2, 10], [-10, 2, 0], [10, 0, 10], [-1, 2, 9],
    ];
    for (const [offset, whence, position] of moves) {
      assert.equal(cursor.seek(offset, whence), position);
      assert.equal(cursor.tell(), position);
    }
  });

  it('is one of several, each at its own place', () => {
    using mapping = open('0123456789');
    const [one, other] = [mapping.cursor(), mapping.cursor()];
    one.seek(5);
    assert.equal(text(other.read(2)), '01');
    assert.equal(text(one.read(2)), '56');
  });

  describe('size', () => {
    it('is that of the whole file, as it is now, for every access', () => {
      for (const access of ['read', 'write', 'copy'] as const) {
        const path = folder.file('size', patternBytes(9000));
        using mapping = mmap(path, { access, offset: 100, length: 50 });
        const cursor = mapping.cursor();
        assert.equal(cursor.size(), 9000);
        truncateSync(path, 12_345);
        assert.equal(cursor.size(), 12_345);
      }
      using memory = mmapAnonymous(77);
      assert.equal(memory.cursor().size(), 77);
    });
  });

  describe('after resize', () => {
    it('stays where it is, and finds what is there', () => {
      using mapping = open('0123456789');
      const cursor = mapping.cursor();
      cursor.seek(6);
      mapping.resize(3);
      assert.equal(cursor.tell(), 6);
      assert.equal(cursor.size(), 3);
      assert.deepEqual([cursor.read().length, cursor.readLine().length], [0, 0]);
      assert.throws(() => cursor.readByte(), { code: 'ERR_OUT_OF_RANGE' });
      assert.throws(() => cursor.write(new Uint8Array(0)), { code: 'ERR_OUT_OF_RANGE' });
      mapping.resize(8);
      assert.deepEqual([...cursor.read()], [0, 0]);
      assert.equal(cursor.seek(0), 0);
      assert.equal(text(cursor.read(3)), '012');
    });
  });

  it('over an empty mapping is at its end', () => {
    using mapping = open('');
    const cursor = mapping.cursor();
    assert.deepEqual([cursor.read().length, cursor.readLine().length], [0, 0]);
    assert.deepEqual([cursor.tell(), cursor.seek(0, 2), cursor.size()], [0, 0, 0]);
    assert.throws(() => cursor.seek(1), { code: 'ERR_OUT_OF_RANGE' });
  });

  describe('over 64 GiB', () => {
    const edges = [1, 2, 3, 4, 5, 33, 63].map((gib) => gib * GIB);
    let mapping: Mapping;
    before(() => {
      const fd = openSync(folder.file('sparse', ''), 'r+');
      ftruncateSync(fd, 64 * GIB);
      for (const edge of edges) writeSync(fd, 'before\nafter\n', edge - 6);
      closeSync(fd);
      mapping = mmap(folder.file('sparse'), { access: 'copy' });
    });
    after(() => { mapping.close(); });

    for (const edge of edges) {
      it(`reads and writes across byte ${String(edge)}`, () => {
        const cursor = mapping.cursor();
        assert.equal(cursor.seek(edge - 6), edge - 6);
        assert.equal(text(cursor.readLine()), 'before\n');
        assert.equal(cursor.tell(), edge + 1);
        assert.equal(text(cursor.readLine()), 'after\n');
        cursor.seek(edge - 1 - 64 * GIB, 2);
        assert.equal(text(cursor.read(4)), 'e\naf');
        cursor.seek(-5, 1);
        assert.deepEqual([cursor.readByte(), cursor.readByte()], [...Buffer.from('re')]);
        cursor.seek(edge - 2);
        cursor.write(Buffer.from('WXYZ'));
        assert.equal(text(mapping.view(edge - 6, 13).toBytes()), 'befoWXYZfter\n');
        cursor.seek(edge - 2);
        cursor.write(Buffer.from('re\na'));
      });
    }

    it('reads a line of 20 MiB, the longest windows end in it', () => {
      const cursor = mapping.cursor();
      cursor.seek(33 * GIB - 20 * 2 ** 20);
      const line = cursor.readLine();
      assert.equal(line.length, 20 * 2 ** 20 + 1);
      assert.equal(text(line.subarray(-7)), 'before\n');
      assert.equal(text(cursor.readLine()), 'after\n');
    });
  });

  describe('refuses', () => {
    const bad: [what: string, call: (cursor: Cursor) => unknown, code: string, message?: RegExp][] = [
      ['read of a string', (c) => c.read('1' as never), 'ERR_INVALID_ARG_TYPE', /"n"/],
      ['read of a fraction', (c) => c.read(1.5), 'ERR_OUT_OF_RANGE', /"n".*1\.5/],
      ['read of NaN', (c) => c.read(NaN), 'ERR_OUT_OF_RANGE'],
      ['read of true', (c) => c.read(true as never), 'ERR_INVALID_ARG_TYPE'],
      ['write of a string', (c) => c.write('text' as never), 'ERR_INVALID_ARG_TYPE'],
      ['write of a list', (c) => c.write([1, 2] as never), 'ERR_INVALID_ARG_TYPE'],
      ['write of null', (c) => c.write(null as never), 'ERR_INVALID_ARG_TYPE'],
      ['write of memory with gaps', (c) => c.write(new MemoryView(Buffer.from('abcd')).slice(0, 4, 2)), 'ERR_VIEW_LAYOUT'],
      ['writeByte of 256', (c) => { c.writeByte(256); }, 'ERR_OUT_OF_RANGE', /256/],
      ['writeByte of -1', (c) => { c.writeByte(-1); }, 'ERR_OUT_OF_RANGE'],
      ['writeByte of a string', (c) => { c.writeByte('1' as never); }, 'ERR_INVALID_ARG_TYPE'],
      ['writeByte of a fraction', (c) => { c.writeByte(1.5); }, 'ERR_INVALID_ARG_TYPE'],
      ['seek of a string', (c) => c.seek('1' as never), 'ERR_INVALID_ARG_TYPE', /"offset"/],
      ['seek of nothing', (c) => (c as unknown as { seek(): void }).seek(), 'ERR_INVALID_ARG_TYPE'],
      ['seek of a fraction', (c) => c.seek(0.5), 'ERR_OUT_OF_RANGE'],
      ['seek before the start', (c) => c.seek(-1), 'ERR_OUT_OF_RANGE'],
      ['seek past the end', (c) => c.seek(11), 'ERR_OUT_OF_RANGE', />= 0 and <= 10.*Received 11/],
      ['seek past the end from the position', (c) => c.seek(8, 1), 'ERR_OUT_OF_RANGE'],
      ['seek past the end from the end', (c) => c.seek(1, 2), 'ERR_OUT_OF_RANGE'],
      ['seek of 2^63', (c) => c.seek(2n ** 63n, 1), 'ERR_OUT_OF_RANGE'],
      ['an unknown whence', (c) => c.seek(0, 3 as never), 'ERR_INVALID_ARG_VALUE', /whence/],
      ['a negative whence', (c) => c.seek(0, -1 as never), 'ERR_INVALID_ARG_VALUE'],
      ['a whence by name', (c) => c.seek(0, 'end' as never), 'ERR_INVALID_ARG_TYPE'],
      ['null for whence', (c) => c.seek(0, null as never), 'ERR_INVALID_ARG_TYPE'],
    ];
    for (const [what, call, code, message = /./] of bad) {
      it(`${what}, and stays where it is`, () => {
        using mapping = open('0123456789');
        const cursor = mapping.cursor();
        cursor.seek(3);
        assert.throws(() => call(cursor), { code, message });
        assert.equal(cursor.tell(), 3);
        assert.equal(text(mapping.view().toBytes()), '0123456789');
      });
    }

    it('to write to a read-only mapping, and to a copy it does not reach the file', () => {
      using reading = open('0123456789', 'read');
      const cursor = reading.cursor();
      for (const length of [0, 1, 99]) assert.throws(() => cursor.write(Buffer.alloc(length)), { code: 'ERR_VIEW_READONLY' });
      assert.throws(() => { cursor.writeByte(1); }, { code: 'ERR_VIEW_READONLY' });
      using copying = open('0123456789', 'copy');
      copying.cursor().write(Buffer.from('ab'));
      assert.equal(text(copying.cursor().read(3)), 'ab2');
      assert.equal(readFileSync(folder.file('content'), 'latin1'), '0123456789');
    });

    it('everything once the mapping is closed', () => {
      const mapping = open('0123456789');
      const cursor = mapping.cursor();
      mapping.close();
      const calls = [
        () => cursor.read(), () => cursor.readLine(), () => cursor.readByte(), () => cursor.write(Buffer.from('a')),
        () => { cursor.writeByte(1); }, () => cursor.seek(0), () => cursor.tell(), () => cursor.size(),
        () => mapping.cursor(),
      ];
      for (const call of calls) assert.throws(call, { code: 'ERR_MAPPING_CLOSED' });
    });

    it('what was lost of a file that was cut', () => {
      const path = folder.file('cut', patternBytes(9000));
      using mapping = mmap(path, { access: 'write' });
      const cursor = mapping.cursor();
      truncateSync(path, 10);
      assert.ok(mapping.asUint8Array().subarray(4096).every((byte) => byte === 0));
      for (const call of [() => cursor.read(), () => cursor.readByte(), () => { cursor.writeByte(1); }]) {
        assert.throws(call, { code: 'ERR_MAPPING_FAULT' });
      }
      assert.equal(cursor.size(), statSync(path).size);
    });
  });
});
