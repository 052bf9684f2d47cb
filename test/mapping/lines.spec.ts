import assert from 'node:assert/strict';
import fc from 'fast-check';

import { type LinesOptions, type Mapping, type MemoryView, mmap, mmapAnonymous } from 'zerocopy';

import { runInChild } from '../support/child';
import { temporaryFolder } from '../support/temporary';

const MIB = 2 ** 20;

function mappingOf(bytes: Uint8Array): Mapping {
  const mapping = mmapAnonymous(bytes.length);
  mapping.view().assign(bytes);
  return mapping;
}

function textOf(line: MemoryView): string {
  return Buffer.from(line.toBytes()).toString('latin1');
}

/** Lines by the definition: what ends at a '\n', and what is left behind the last. */
function expected(text: string, keepEnds: boolean): string[] {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  return keepEnds ? lines : lines.map((line) => line.replace(/\r?\n$/, ''));
}

function linesOf(text: string | Buffer, options?: LinesOptions): string[] {
  using mapping = mappingOf(Buffer.from(text as string, 'latin1'));
  return [...mapping.lines(options)].map(textOf);
}

describe('Mapping.lines', () => {
  const folder = temporaryFolder();

  it('are what stands between newlines, whatever the text', () => {
    const parts = fc.array(fc.constantFrom('\n', '\r\n', '\r', 'a', 'bc', '\0', 'ÿ'), { maxLength: 40 });
    const text = parts.map((list) => list.join(''));
    fc.assert(fc.property(text, fc.boolean(), (all, keepEnds) => {
      assert.deepEqual(linesOf(all, { keepEnds }), expected(all, keepEnds));
    }), { numRuns: 500 });
  });

  const cases: [string, string, string[], string[]][] = [
    ['an empty file has none', '', [], []],
    ['one newline is one empty line', '\n', [''], ['\n']],
    ['the last line needs no newline', 'a\nb', ['a', 'b'], ['a\n', 'b']],
    ['a newline at the end begins no line', 'a\n', ['a'], ['a\n']],
    ['\\r\\n ends lines too', 'a\r\n\r\nb\r\n', ['a', '', 'b'], ['a\r\n', '\r\n', 'b\r\n']],
    ['\\r alone does not, not even at the end', 'a\rb\n\rc\r', ['a\rb', '\rc\r'], ['a\rb\n', '\rc\r']],
    ['of \\r\\r\\n one \\r stays', 'a\r\r\n', ['a\r'], ['a\r\r\n']],
  ];
  for (const [what, text, lines, kept] of cases) {
    it(what, () => {
      assert.deepEqual(linesOf(text), lines);
      assert.deepEqual(linesOf(text, { keepEnds: true }), kept);
    });
  }

  it('of a range begin and end in it, bounds as Python has them', () => {
    const text = 'zero\none\r\ntwo\n';
    assert.deepEqual(linesOf(text, { from: 2 }), ['ro', 'one', 'two']);
    assert.deepEqual(linesOf(text, { to: 9 }), ['zero', 'one\r']);
    assert.deepEqual(linesOf(text, { from: -4, to: -1 }), ['two']);
    assert.deepEqual(linesOf(text, { from: 10n, to: 1000n }), ['two']);
    assert.deepEqual(linesOf(text, { from: 9, to: 10 }), ['']);
    assert.deepEqual(linesOf(text, { from: 5, to: 4 }), []);
    assert.deepEqual(linesOf(text, { from: 1000 }), []);
  });

  it('are views: of the mapping, writable where it is, each at its place', () => {
    using mapping = mappingOf(Buffer.from('ab\ncd\n'));
    for (const line of mapping.lines()) line.set(0, 88);
    assert.equal(mapping.asBuffer().toString(), 'Xb\nXd\n');
    const [first] = mapping.lines();
    assert.equal(first!.obj, mapping);
    assert.equal(first!.readonly, false);
    using file = mmap(folder.file('two', 'a\nb\n'));
    assert.ok([...file.lines()].every((line) => line.readonly));
  });

  it('are all there when they are many, short and long, across every window', () => {
    // 30,000 lines over 25 MiB: several small windows and batches, and lines longer than what is read at a time.
    const lengths = Array.from({ length: 30_000 }, (_, i) => (i % 5000 === 4999 ? 3 * MIB + i : (i * 37) % 400));
    const bytes = Buffer.concat(lengths.flatMap((length, i) =>
      [Buffer.alloc(length, 97 + (i % 26)), Buffer.from(i % 3 === 0 ? '\r\n' : '\n')]));
    using mapping = mmap(folder.file('many', bytes));
    let i = 0;
    for (const line of mapping.lines()) {
      const { length } = line;
      if (length !== lengths[i]) assert.fail(`line ${String(i)} is ${String(length)} bytes long`);
      const letter = 97 + (i % 26);
      if (length > 0 && (line.get(0) !== letter || line.get(-1) !== letter)) assert.fail(`line ${String(i)} is another`);
      i++;
    }
    assert.equal(i, lengths.length);
  });

  it('are found by an iterator of the language: it spreads, ends, stays ended, and has its helpers', () => {
    using mapping = mappingOf(Buffer.from('a\nb\nc'));
    const lines = mapping.lines();
    assert.equal(lines[Symbol.iterator](), lines);
    assert.equal(textOf(lines.next().value as MemoryView), 'a');
    assert.deepEqual(lines.return!(), { value: undefined, done: true });
    for (let i = 0; i < 2; i++) assert.deepEqual(lines.next(), { value: undefined, done: true });
    for (const line of mapping.lines()) {
      if (textOf(line) === 'b') break;
    }
    const arrays = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object;
    assert.ok(Object.prototype.isPrototypeOf.call(arrays, lines));
    assert.equal([...mapping.lines()].length, 3);
  });

  it('of one mapping can be read by several at once', () => {
    using mapping = mappingOf(Buffer.from('a\nb\nc\n'));
    const pairs: string[] = [];
    for (const one of mapping.lines()) for (const other of mapping.lines()) pairs.push(textOf(one) + textOf(other));
    assert.deepEqual(pairs, ['aa', 'ab', 'ac', 'ba', 'bb', 'bc', 'ca', 'cb', 'cc']);
  });

  it('end with the mapping: the next one throws ERR_MAPPING_CLOSED', () => {
    for (const length of [100, 20 * MIB]) {
      const bytes = Buffer.alloc(length, 'abc\n');
      const mapping = mappingOf(bytes);
      const lines = mapping.lines();
      const first = lines.next().value as MemoryView;
      mapping.close();
      assert.throws(() => lines.next(), { code: 'ERR_MAPPING_CLOSED' });
      assert.throws(() => lines.next(), { code: 'ERR_MAPPING_CLOSED' });
      assert.throws(() => first.get(0), { code: 'ERR_MAPPING_CLOSED' });
      assert.equal(lines.return!().done, true);
      assert.equal(lines.next().done, true);
    }
  });

  it('go on when the memory of those before was transferred elsewhere', function () {
    const { transfer } = ArrayBuffer.prototype as { transfer?: () => ArrayBuffer };
    using mapping = mappingOf(Buffer.from('a\nb\nc'));
    const lines = mapping.lines();
    lines.next();
    if (transfer === undefined) structuredClone(mapping.asArrayBuffer().slice(0)); // Node 20 moves none of ours
    else transfer.call(mapping.asArrayBuffer());
    assert.deepEqual([...lines].map(textOf), ['b', 'c']);
  });

  describe('bad input', () => {
    const bad: [string, object, string][] = [
      ['options that are null', null as never, 'ERR_INVALID_ARG_TYPE'],
      ['an unknown option', { keepends: true }, 'ERR_INVALID_ARG_VALUE'],
      ['keepEnds that is a number', { keepEnds: 1 }, 'ERR_INVALID_ARG_TYPE'],
      ['a from that is a string', { from: '0' }, 'ERR_INVALID_ARG_TYPE'],
      ['a to that is NaN', { to: NaN }, 'ERR_OUT_OF_RANGE'],
    ];
    for (const [what, options, code] of bad) {
      it(`${what} is ${code}, at once`, () => {
        using mapping = mmapAnonymous(10);
        assert.throws(() => mapping.lines(options), { code });
      });
    }

    it('a closed mapping is ERR_MAPPING_CLOSED, at once, also when an option closed it', () => {
      const mapping = mmapAnonymous(10);
      assert.throws(() => mapping.lines({ get from() { mapping.close(); return 0; } }), { code: 'ERR_MAPPING_CLOSED' });
      assert.throws(() => mapping.lines(), { code: 'ERR_MAPPING_CLOSED' });
    });
  });

  it('of a file that is cut meanwhile throw ERR_MAPPING_FAULT', async () => {
    const child = await runInChild(`
      const fs = require('node:fs'); const [file] = process.argv.slice(1);
      fs.writeFileSync(file, Buffer.alloc(1 << 20, 'seven.\\n'));
      const mapping = zerocopy.mmap(file); const lines = mapping.lines(); lines.next();
      fs.truncateSync(file, 5000);
      let count = 1;
      try { for (const line of lines) count += line.length === 6; } catch (e) { console.log(count < 10000, e.code, e.offset); }
      try { mapping.lines(); } catch (e) { console.log(e.code); }`, { arguments: [folder.file('cut')] });
    assert.deepEqual(child, { code: 0, signal: null, stderr: '', stdout: 'true ERR_MAPPING_FAULT 8192\nERR_MAPPING_FAULT\n' });
  });
});
