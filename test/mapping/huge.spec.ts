import assert from 'node:assert/strict';
import { constants } from 'node:buffer';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

import { type Mapping, mmap } from 'zerocopy';

import { runInChild } from '../support/child';
import { temporaryFolder } from '../support/temporary';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const WORD = 'planted here';

/** A sparse file of `length` bytes with `text` at each of `places`. */
function sparseFile(file: string, length: number, places: readonly number[], text = WORD): string {
  const fd = openSync(file, 'w');
  ftruncateSync(fd, length);
  for (const place of places) writeSync(fd, text, place);
  closeSync(fd);
  return file;
}

describe('a mapping of 64 GiB', () => {
  const folder = temporaryFolder();
  const LENGTH = 64 * GIB;
  // Across the edges of small windows, of large ones, of 2^31 and 2^32, and of the 4 MiB that a search takes at a time.
  const edges = [8 * MIB, 16 * MIB, GIB, 2 * GIB, 3 * GIB, 4 * GIB, 4 * GIB + 4 * MIB, 33 * GIB, LENGTH - 4 * MIB];
  const places = [...edges.map((edge) => edge - 5), LENGTH - WORD.length];
  let mapping: Mapping;

  before(() => {
    mapping = mmap(sparseFile(folder.file('huge'), LENGTH, places));
  });
  after(() => {
    mapping.close();
  });

  it('is searched for bytes at any place', async () => {
    for (const place of places) {
      const [from, to] = [place - MIB, Math.min(place + MIB, LENGTH)];
      assert.equal(mapping.indexOf(WORD, from, to), place);
      assert.equal(mapping.lastIndexOf(WORD, from, to), place);
      assert.equal(mapping.indexOf(0x70, from, to), place);
      assert.equal(mapping.lastIndexOf(0x65, from - LENGTH, to), place + WORD.length - 1);
      assert.equal(mapping.indexOf(WORD, from, place + WORD.length - 1), -1);
      assert.equal(await mapping.search(WORD, { from, to }), place);
      assert.equal(await mapping.search(WORD, { from: place + 1, to }), -1);
    }
    assert.equal(mapping.lastIndexOf(WORD), LENGTH - WORD.length);
    assert.equal(await mapping.search(WORD, { last: true }), LENGTH - WORD.length);
  });

  // Later engines have no such limit: there the copy fails for want of memory, by the engine's own RangeError.
  if (constants.MAX_LENGTH < LENGTH) {
    it('is not copied whole where no array is as long', () => {
      assert.throws(() => mapping.view().toBytes(), { code: 'ERR_BUFFER_TOO_LARGE', message: /part by part/ });
      assert.throws(() => mapping.cursor().read(), { code: 'ERR_BUFFER_TOO_LARGE' });
      assert.throws(() => mapping.asUint8Array(), { code: 'ERR_BUFFER_TOO_LARGE' });
    });
  }

  it('is found in itself by views of any place', () => {
    for (const place of places) assert.equal(mapping.indexOf(mapping.view(place, WORD.length), place - 100), place);
  });

  it('equals what is equal at any place', () => {
    const length = 3 * MIB + WORD.length;
    const whole = mapping.view();
    const want = mapping.view(places[0]! - 3 * MIB, length);
    for (const place of places) {
      const view = whole.slice(place - 3 * MIB, place + WORD.length);
      assert.ok(view.equals(want), `at ${String(place)}`);
      assert.ok(!view.equals(mapping.view(place - 3 * MIB - 1, length)), `one byte before ${String(place)}`);
      assert.ok(view.slice(-WORD.length).equals(Buffer.from(WORD)));
    }
  });

  it('has lines at any place', () => {
    for (const edge of [GIB, 4 * GIB]) {
      const fd = openSync(mapping.path!, 'r+');
      writeSync(fd, 'one\ntwo\r\nthree\n', edge - 6);
      closeSync(fd);
      using again = mmap(mapping.path!);
      const lines = [...again.lines({ from: edge - 6, to: edge + 9, keepEnds: true })];
      assert.deepEqual(lines.map((line) => Buffer.from(line.toBytes()).toString()), ['one\n', 'two\r\n', 'three\n']);
      assert.deepEqual([...again.lines({ from: edge - 6, to: edge + 9 })].map((line) => line.length), [3, 3, 5]);
    }
  });
});

describe('a mapping of 1 TiB', () => {
  const folder = temporaryFolder();

  it('is searched at its end, in the middle and from behind', () => {
    const TIB = 2 ** 40;
    using mapping = mmap(sparseFile(folder.file('tebi'), TIB, [TIB / 2 - 3, TIB - 100]));
    assert.equal(mapping.byteLength, TIB);
    assert.equal(mapping.indexOf(WORD, TIB / 2 - MIB), TIB / 2 - 3);
    assert.equal(mapping.indexOf(WORD, -MIB), TIB - 100);
    assert.equal(mapping.lastIndexOf(WORD), TIB - 100);
    assert.equal(mapping.lastIndexOf(WORD, 0, TIB / 2 + MIB), TIB / 2 - 3);
    const [line] = mapping.lines({ from: -100, to: -100 + WORD.length });
    assert.equal(Buffer.from(line!.toBytes()).toString(), WORD);
  });
});

describe('a line of 5 GiB', () => {
  const folder = temporaryFolder();

  // In a child, because it brings 5 GiB of zeros into the page cache by one process.
  it('is one view, and the next line is found behind it', async () => {
    const file = sparseFile(folder.file('line'), 5 * GIB + 100, [5 * GIB], '\r\nnext\n');
    const child = await runInChild(`
      const mapping = zerocopy.mmap(process.argv[1]);
      const lines = mapping.lines(); const long = lines.next().value; const next = lines.next().value;
      console.log(long.length, long.get(-1), long.get(0), Buffer.from(next.toBytes()).toString());
      console.log(lines.next().value.length, lines.next().done);
      const kept = mapping.lines({ keepEnds: true, from: 10 }).next().value;
      console.log(kept.length, kept.slice(-2).hex());`, { arguments: [file] });
    assert.deepEqual(child, {
      code: 0, signal: null, stderr: '', stdout: `${String(5 * GIB)} 0 0 next\n93 true\n${String(5 * GIB - 8)} 0d0a\n`,
    });
  });
});
