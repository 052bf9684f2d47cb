/** Views over real mappings: CPython's answers again, and memory longer than one typed array. */
import assert from 'node:assert/strict';
import { constants } from 'node:buffer';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { mmap, mmapAnonymous, type Mapping } from 'zerocopy';
import { programs } from '../support/oracle';
import { differences, type Program } from './oracle';
import type { Source } from './sources';

for (const name of ['mv', 'nd'] as const) {
  it(`CPython's answers, ${name}, over mappings: 0 differences`, () => {
    const found = programs<Program>(name).flatMap((program) => {
      const mappings: Mapping[] = [];
      const makeSource = (bytes: Uint8Array): Source => {
        if (bytes.length === 0) return { source: bytes, memory: bytes };
        const mapping = mmapAnonymous(bytes.length);
        mappings.push(mapping);
        const memory = mapping.asUint8Array();
        memory.set(bytes);
        return { source: mapping, memory };
      };
      try {
        return differences(program, makeSource);
      } finally {
        for (const mapping of mappings) mapping.close();
      }
    });
    assert.equal(found.length, 0, found.slice(0, 10).join('\n'));
  }).timeout(60_000);
}

describe('a view of a 64 GiB sparse file', () => {
  const GIB = 2 ** 30;
  const EDGES = [1, 2, 3, 4, 5, 33, 63].map((gib) => gib * GIB);
  let folder: string;
  let mapping: Mapping;
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'zerocopy-large-'));
    const file = path.join(folder, 'sparse');
    const fd = fs.openSync(file, 'w');
    fs.ftruncateSync(fd, 64 * GIB);
    for (const edge of EDGES) fs.writeSync(fd, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 0, 8, edge - 4);
    fs.closeSync(fd);
    mapping = mmap(file, { access: 'copy' });
  });
  after(() => {
    mapping.close();
    fs.rmSync(folder, { recursive: true });
  });

  for (const edge of EDGES) {
    it(`is right across byte ${String(edge)}`, () => {
      const view = mapping.view();
      assert.equal(view.length, 64 * GIB);
      assert.deepEqual([view.get(edge - 1), view.get(edge), view.get(edge - 64 * GIB)], [4, 5, 5]);
      assert.deepEqual(view.slice(edge - 4, edge + 4).toList(), [1, 2, 3, 4, 5, 6, 7, 8]);
      assert.deepEqual(view.slice(edge + 3, edge - 5, -1).toList(), [8, 7, 6, 5, 4, 3, 2, 1]);
      assert.equal(view.cast('<q').get((edge - 8) / 8), 0x0403020100000000n);
      assert.equal(view.cast('<i').select([edge / 4 - 1, edge / 4 + 1]).hex(), '0102030405060708');
      assert.ok(view.slice(edge - 4, edge + 4).equals(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)));
      assert.ok(view.slice(edge - 100, edge + 100).equals(mapping.view(edge - 100, 200)));
      assert.equal(view.indexOf(4, edge - 1000, edge + 1000), edge - 1);
      const wide = view.slice(edge - 4, null, GIB / 2);
      assert.equal(wide.get(0), 1);
      assert.equal(wide.length, Math.ceil((64 * GIB - edge + 4) / (GIB / 2)));
      assert.equal(wide.toBytes()[0], 1);
    });
  }

  it('writes across an edge', () => {
    const view = mapping.view();
    view.slice(2 * GIB - 2, 2 * GIB + 2).assign(Uint8Array.of(9, 9, 9, 9));
    assert.equal(view.slice(2 * GIB - 4, 2 * GIB + 4).hex(), '0102090909090708');
  });

  it('gives the arrays that the engine can make, of any range', () => {
    const ranges = [[0, 3 * GIB], [0.875 * GIB, 1.5 * GIB], [GIB, 2 ** 31 + 8], [3 * GIB, 2 * GIB]] as const;
    for (const [start, length] of ranges) {
      const view = mapping.view(start, length);
      for (const raw of [view.asUint8Array(), view.asBuffer(), view.asDataView(), view.cast('i').asTypedArray()]) {
        assert.equal(raw.byteLength, length);
        const last = new DataView(raw.buffer, raw.byteOffset + length - 8);
        view.set(length - 3, view.get(length - 3) as number ^ 0xff);
        assert.equal(last.getUint8(5), view.get(length - 3));
      }
    }
  });

  it('says how long an array may be where one cannot be as long', () => {
    const most = constants.MAX_LENGTH;
    const make = (): Uint8Array => mapping.view().asUint8Array();
    if (most >= mapping.byteLength) assert.equal(make().length, mapping.byteLength);
    else assert.throws(make, { code: 'ERR_BUFFER_TOO_LARGE', message: new RegExp(String(most)) });
  });

  it('refuses up front lists and copies that no engine makes', () => {
    assert.throws(() => mapping.view(0, 10 ** 8 + 1).toList(), { code: 'ERR_BUFFER_TOO_LARGE' });
    const turned = mapping.view(0, 5 * GIB);
    if (constants.MAX_LENGTH >= 5 * GIB) return; // later engines try to make the copy
    assert.throws(() => turned.assign(turned.slice(null, null, -1)), { code: 'ERR_BUFFER_TOO_LARGE' });
  });
});
