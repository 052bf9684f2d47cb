import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';

import { native } from '#lib/native';
import { type Mapping, MemoryView, mmap, mmapAnonymous, type Needle } from 'zerocopy';

import { runInChild } from '../support/child';
import { mappedRanges } from '../support/maps';
import { temporaryFolder } from '../support/temporary';

const MIB = 2 ** 20;

/** A mapping of exactly these bytes. */
function mappingOf(bytes: Uint8Array): Mapping {
  const mapping = mmapAnonymous(bytes.length);
  mapping.view().assign(bytes);
  return mapping;
}

/** Bytes of few kinds, so that needles occur. */
function someBytes(maxLength: number): fc.Arbitrary<Buffer> {
  return fc.array(fc.constantFrom(97, 98, 99, 0, 255), { maxLength }).map((list) => Buffer.from(list));
}
const bound = fc.option(fc.integer({ min: -70, max: 70 }), { nil: undefined });

/** Python's bytes.find and rfind: bounds of a slice, and the needle wholly inside. By Buffer, over the slice. */
function expected(
  bytes: Buffer, needle: Buffer, [from, to]: readonly (number | undefined)[], last: boolean,
): number {
  const size = bytes.length;
  const fromStart = (value: number): number => Math.max(value < 0 ? value + size : value, 0);
  const [start, end] = [fromStart(from ?? 0), Math.min(fromStart(to ?? size), size)]; // past the end begins nothing
  if (end < start) return -1;
  const part = bytes.subarray(start, end);
  const found = last ? part.lastIndexOf(needle) : part.indexOf(needle);
  return found < 0 ? -1 : start + found;
}

describe('Mapping.indexOf and lastIndexOf', () => {
  const folder = temporaryFolder();

  it('answer what Buffer answers over the same slice, whatever the bytes and bounds', () => {
    fc.assert(fc.property(someBytes(64), someBytes(5), bound, bound, (bytes, needle, from, to) => {
      using mapping = mappingOf(bytes);
      assert.equal(mapping.indexOf(needle, from, to), expected(bytes, needle, [from, to], false));
      assert.equal(mapping.lastIndexOf(needle, from, to), expected(bytes, needle, [from, to], true));
    }), { numRuns: 500 });
  });

  it('find long needles in long text, the first and the last', () => {
    fc.assert(fc.property(fc.nat(19_000), fc.integer({ min: 2, max: 900 }), fc.nat(2), (at, length, kinds) => {
      const bytes = Buffer.from(Array.from({ length: 20_000 }, (_, i) => 97 + ((i * i) >> 3) % (kinds + 2)));
      using mapping = mappingOf(bytes);
      const needle = bytes.subarray(at, at + length);
      assert.equal(mapping.indexOf(needle), bytes.indexOf(needle));
      assert.equal(mapping.lastIndexOf(needle), bytes.lastIndexOf(needle));
    }), { numRuns: 200 });
  });

  it('answer what CPython answered: find and rfind of the mmap vectors, with bounds', () => {
    let replayed = 0;
    for (const { bytes, last, needle, from, to, place } of oracleSearches()) {
      using mapping = mappingOf(bytes);
      const found = last ? mapping.lastIndexOf(needle, from, to) : mapping.indexOf(needle, from, to);
      assert.equal(found, place, JSON.stringify([bytes.toString('hex'), last, needle.toString('hex'), from, to]));
      replayed++;
    }
    assert.ok(replayed > 50, `only ${String(replayed)} searches were replayed`);
  });

  describe('take as a needle', () => {
    const bytes = Buffer.from('zero Größe, one ÿ; two\0three');
    let mapping: Mapping;

    before(() => {
      mapping = mappingOf(bytes);
    });
    after(() => {
      mapping.close();
    });

    const shared = new Uint8Array(new SharedArrayBuffer(3));
    shared.set(Buffer.from('two'));
    const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer;
    const resizable = new Resizable(5, { maxByteLength: 16 });
    new Uint8Array(resizable).set(Buffer.from('three'));
    const every2nd = new MemoryView(Buffer.from('tXwXoX')).slice(null, null, 2);
    const needles: [string, Needle, string][] = [
      ['a string, as UTF-8', 'Größe', 'Größe'],
      ['a Buffer', Buffer.from('one'), 'one'],
      ['a Uint8Array of a shared buffer', shared, 'two'],
      ['an array of a resizable buffer', new Uint8Array(resizable), 'three'],
      ['an ArrayBuffer', Uint8Array.from(Buffer.from('one')).buffer, 'one'],
      ['a DataView', new DataView(Uint8Array.from(Buffer.from('.one.')).buffer, 1, 3), 'one'],
      ['the bytes of wider elements', Uint16Array.from([0x6e6f, 0x2065]), 'one '],
      ['a MemoryView with gaps', every2nd, 'two'],
      ['a MemoryView that runs backwards', new MemoryView(Buffer.from('orez')).slice(null, null, -1), 'zero'],
      ['a MemoryView of two dimensions', new MemoryView(Buffer.from('o.n.e.')).cast('B', [3, 2]).select('...', 0), 'one'],
      ['one character that is two bytes', 'ÿ', 'ÿ'],
    ];
    for (const [what, needle, text] of needles) {
      it(what, () => {
        assert.equal(mapping.indexOf(needle), bytes.indexOf(text));
        assert.equal(mapping.lastIndexOf(needle), bytes.lastIndexOf(text));
      });
    }

    it('a byte, 0 to 255', () => {
      for (const byte of [0, 0x7a, 0xc3, 255]) {
        assert.equal(mapping.indexOf(byte), bytes.indexOf(byte));
        assert.equal(mapping.lastIndexOf(byte), bytes.lastIndexOf(byte));
      }
    });

    it('a part of the mapping itself, and all of it', () => {
      assert.equal(mapping.indexOf(mapping.view(6, 4)), 6);
      assert.equal(mapping.lastIndexOf(mapping.asUint8Array(6, 4)), 6);
      assert.equal(mapping.indexOf(mapping), 0);
      assert.equal(mapping.indexOf(mapping, 1), -1);
    });

    it('nothing, which is found where the search begins or ends', () => {
      assert.deepEqual([mapping.indexOf(''), mapping.indexOf('', 3), mapping.indexOf('', bytes.length)], [0, 3, bytes.length]);
      assert.deepEqual([mapping.indexOf('', bytes.length + 1), mapping.lastIndexOf('', 1000)], [-1, -1]);
      assert.deepEqual([mapping.lastIndexOf(''), mapping.lastIndexOf('', 0, 3)], [bytes.length, 3]);
      assert.equal(mapping.indexOf('', 5, 4), -1);
    });

    it('bounds as bigint', () => {
      assert.equal(mapping.indexOf('e', 2n, -1n), bytes.indexOf('e', 2));
      assert.equal(mapping.lastIndexOf('e', -(2n ** 53n - 1n), 2n ** 53n - 1n), bytes.lastIndexOf('e'));
    });
  });

  it('of an empty mapping find nothing but nothing', () => {
    using empty = mmapAnonymous(0);
    assert.deepEqual([empty.indexOf('a'), empty.indexOf(0), empty.indexOf(''), empty.lastIndexOf('')], [-1, -1, 0, 0]);
  });

  it('read where a file mapping at an odd offset begins', () => {
    const file = folder.file('odd', `${'x'.repeat(4099)}needle${'x'.repeat(5000)}`);
    using mapping = mmap(file, { offset: 4097, length: 4000 });
    assert.equal(mapping.indexOf('needle'), 2);
    assert.equal(mapping.indexOf('needle', 3), -1);
    assert.equal(mapping.lastIndexOf('x'), 3999);
  });

  it('make no ArrayBuffer: the engine need not know of the memory', () => {
    const file = folder.file('unseen', Buffer.alloc(20_000, 'ab'));
    using mapping = mmap(file);
    const { buffersCreated } = native.counters();
    assert.equal(mapping.indexOf('bb'), -1);
    assert.equal(native.counters().buffersCreated, buffersCreated);
  });

  describe('bad input', () => {
    const bad: [string, (mapping: Mapping) => unknown, string][] = [
      ['256', (m) => m.indexOf(256), 'ERR_OUT_OF_RANGE'],
      ['-1', (m) => m.lastIndexOf(-1), 'ERR_OUT_OF_RANGE'],
      ['a fraction', (m) => m.indexOf(1.5), 'ERR_OUT_OF_RANGE'],
      ['NaN', (m) => m.indexOf(NaN), 'ERR_OUT_OF_RANGE'],
      ['a bigint', (m) => m.indexOf(1n as never), 'ERR_INVALID_ARG_TYPE'],
      ['nothing', (m) => m.indexOf(undefined as never), 'ERR_INVALID_ARG_TYPE'],
      ['null', (m) => m.indexOf(null as never), 'ERR_INVALID_ARG_TYPE'],
      ['true', (m) => m.indexOf(true as never), 'ERR_INVALID_ARG_TYPE'],
      ['an object', (m) => m.indexOf({ length: 1, 0: 1 } as never), 'ERR_INVALID_ARG_TYPE'],
      ['an array', (m) => m.indexOf([1] as never), 'ERR_INVALID_ARG_TYPE'],
      ['a from that is a string', (m) => m.indexOf('a', '0' as never), 'ERR_INVALID_ARG_TYPE'],
      ['a from that is null', (m) => m.indexOf('a', null as never), 'ERR_INVALID_ARG_TYPE'],
      ['a from that is a fraction', (m) => m.indexOf('a', 0.5), 'ERR_OUT_OF_RANGE'],
      ['a to that is Infinity', (m) => m.indexOf('a', 0, Infinity), 'ERR_OUT_OF_RANGE'],
      ['a to that is NaN', (m) => m.lastIndexOf('a', 0, NaN), 'ERR_OUT_OF_RANGE'],
    ];
    for (const [what, call, code] of bad) {
      it(`${what} is ${code}, and names the argument`, () => {
        using mapping = mmapAnonymous(100);
        assert.throws(() => call(mapping), { code, message: /"(needle|from|to)"/ });
      });
    }

    it('a needle that is released, detached or closed is refused', () => {
      using mapping = mmapAnonymous(100);
      const released = new MemoryView(new Uint8Array(3));
      released.release();
      const detached = new Uint8Array(3);
      structuredClone(detached, { transfer: [detached.buffer] });
      const closed = mmapAnonymous(3);
      const view = closed.view();
      closed.close();
      assert.throws(() => mapping.indexOf(released), { code: 'ERR_VIEW_RELEASED' });
      assert.throws(() => mapping.indexOf(view), { code: 'ERR_MAPPING_CLOSED' });
      assert.throws(() => mapping.indexOf(closed), { code: 'ERR_MAPPING_CLOSED' });
      assert.throws(() => mapping.indexOf(detached), { code: 'ERR_INVALID_ARG_VALUE', message: /'needle' is detached/ });
    });

    it('a needle that closes the mapping while it is looked at finds it closed', () => {
      const mapping = mmapAnonymous(100);
      const needle = new Proxy({}, { getPrototypeOf: () => { mapping.close(); return MemoryView.prototype; } });
      assert.throws(() => mapping.indexOf(needle as Needle), (error: NodeJS.ErrnoException) =>
        ['ERR_MAPPING_CLOSED', 'ERR_INVALID_THIS', 'ERR_INVALID_ARG_TYPE'].includes(error.code ?? ''));
    });

    it('on a closed mapping they throw ERR_MAPPING_CLOSED', async () => {
      const mapping = mmapAnonymous(100);
      mapping.close();
      assert.throws(() => mapping.indexOf('a'), { code: 'ERR_MAPPING_CLOSED' });
      assert.throws(() => mapping.lastIndexOf('a'), { code: 'ERR_MAPPING_CLOSED' });
      await assert.rejects(mapping.search('a'), { code: 'ERR_MAPPING_CLOSED' });
    });
  });

  it('the native side refuses a range outside, a foreign handle and the wrong arrays', () => {
    using mapping = mmapAnonymous(100);
    const handle = native.liveHandles().find((region) => region.mapping === mapping)!;
    const needle = Uint8Array.of(1);
    const misuse = { code: 'ERR_INTERNAL_MISUSE' };
    assert.throws(() => native.find(handle, needle, 50, 51, false), misuse);
    assert.throws(() => native.find({}, needle, 0, 1, false), misuse);
    assert.throws(() => native.find(handle, new Int8Array(1) as never, 0, 1, false), misuse);
    assert.throws(() => native.findEach(handle, 256, 0, 1, new Uint32Array(1)), misuse);
    assert.throws(() => native.findEach(handle, 1, 0, 1, new Uint8Array(8) as never), misuse);
    assert.throws(() => native.searchTurn({}, 0, 1, false), misuse);
    const search = native.beginSearch(handle, needle);
    assert.throws(() => native.searchTurn(search, 100, 1, false), misuse);
    native.endSearch(search);
    native.endSearch(search);
    assert.throws(() => native.searchTurn(search, 0, 1, false), misuse);
  });
});

/** A search that CPython answered. */
interface OracleSearch {
  readonly bytes: Buffer;
  readonly last: boolean;
  readonly needle: Buffer;
  readonly from: number;
  readonly to: number | undefined;
  readonly place: number;
}

interface OracleProgram {
  readonly map: {
    readonly file: { readonly n: unknown; readonly at: readonly [number, string][] } | null;
    readonly len: unknown;
    readonly off: unknown;
  };
  readonly ops: readonly (readonly unknown[])[];
}

const CHANGES: readonly unknown[] = ['set', 'sets', 'write', 'write_byte', 'move', 'resize', 'close', 'vset'];

/** Those with bounds in small files, before the program writes. */
function* oracleSearches(): Iterable<OracleSearch> {
  const file = path.resolve(__dirname, '../../../test/oracle/mm.jsonl.gz');
  for (const line of gunzipSync(readFileSync(file)).toString().trim().split('\n').slice(1)) {
    const { map, ops } = JSON.parse(line) as OracleProgram;
    if (typeof map.file?.n !== 'number' || map.len !== 0 || map.off !== 0) continue;
    const bytes = Buffer.alloc(map.file.n);
    for (const [at, hex] of map.file.at) Buffer.from(hex, 'hex').copy(bytes, at);
    for (const op of ops) {
      if (CHANGES.includes(op[0])) break;
      const [name, hex, from] = op;
      const to = op.length === 5 ? op[3] : undefined;
      const { r: place } = op.at(-1) as { r?: unknown };
      if ((name !== 'find' && name !== 'rfind') || typeof from !== 'number' || typeof place !== 'number') continue;
      if (to !== undefined && typeof to !== 'number') continue;
      yield { bytes, last: name === 'rfind', needle: Buffer.from(hex as string, 'hex'), from, to, place };
    }
  }
}

describe('Mapping.search', () => {
  const folder = temporaryFolder();
  const LENGTH = 100 * MIB; // four turns
  const places = [0, 32 * MIB - 3, 64 * MIB - 1, 96 * MIB, LENGTH - 6];
  let file = '';

  before(() => {
    file = folder.file('turns');
    writeFileSync(file, '');
    truncateSync(file, LENGTH);
    using mapping = mmap(file, { access: 'write' });
    for (const place of places) mapping.view(place, 6).assign(Buffer.from('needle'));
  });

  it('finds the first and the last, also where two turns meet', async () => {
    using mapping = mmap(file);
    for (const [i, place] of places.entries()) {
      const from = i === 0 ? 0 : places[i - 1]! + 1;
      assert.equal(await mapping.search('needle', { from }), place);
      assert.equal(await mapping.search('needle', { from: place, last: true, to: BigInt(places[i + 1] ?? LENGTH) }), place);
    }
    assert.equal(await mapping.search('needle', { last: true }), places.at(-1));
    assert.equal(await mapping.search('needles'), -1);
    assert.equal(await mapping.search('', { last: true }), LENGTH);
    assert.equal(await mapping.search('', { from: 7 }), 7);
  });

  it('leaves the event loop free', async () => {
    using mapping = mmap(file);
    let turns = 0;
    const ticking = setInterval(() => turns++, 0);
    await mapping.search('absent');
    clearInterval(ticking);
    assert.ok(turns > 0);
  });

  it('keeps its own copy of the needle', async () => {
    using mapping = mmap(file);
    const needle = Buffer.from('needle');
    const searching = mapping.search(needle, { from: 1 });
    needle.fill(0);
    assert.equal(await searching, places[1]);
  });

  it('holds the mapping: close() meanwhile does not end it', async () => {
    const mapping = mmap(file);
    const searching = mapping.search('needle', { from: 97 * MIB - 40 * MIB, last: true, to: 90 * MIB });
    assert.equal(mapping.holders().holds, 1);
    mapping.close();
    assert.equal(mapping.state, 'closing');
    assert.equal(await searching, places[2]);
    assert.equal(mapping.state, 'closed');
    assert.deepEqual(mappedRanges(file), []);
  });

  it('lets go of the mapping when it ends, found, absent, aborted or refused', async () => {
    using mapping = mmap(file);
    const handle = native.liveHandles().find((region) => region.mapping === mapping)!;
    const controller = new AbortController();
    const aborted = mapping.search('absent', { signal: controller.signal });
    controller.abort();
    await Promise.allSettled([aborted, mapping.search('needle'), mapping.search('absent'), mapping.search(-1)]);
    assert.equal(native.regionHolds(handle), 0);
  });

  it('stops where it is when its signal says so, and says why', async () => {
    using mapping = mmap(file);
    const reason = new Error('enough');
    const controller = new AbortController();
    const searching = mapping.search('absent', { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(searching, { name: 'AbortError', code: 'ABORT_ERR', cause: reason });
    await assert.rejects(mapping.search('needle', { signal: AbortSignal.abort() }), { code: 'ABORT_ERR' });
    assert.equal(await mapping.search('needle', { signal: new AbortController().signal }), 0);
  });

  const bad: [string, object, string][] = [
    ['an unknown option', { start: 0 }, 'ERR_INVALID_ARG_VALUE'],
    ['options that are a number', 5 as never, 'ERR_INVALID_ARG_TYPE'],
    ['last that is a number', { last: 1 }, 'ERR_INVALID_ARG_TYPE'],
    ['a signal that is none', { signal: {} }, 'ERR_INVALID_ARG_TYPE'],
    ['a from that is a string', { from: '1' }, 'ERR_INVALID_ARG_TYPE'],
    ['a to that is a fraction', { to: 1.5 }, 'ERR_OUT_OF_RANGE'],
  ];
  for (const [what, options, code] of bad) {
    it(`rejects ${what} with ${code}`, async () => {
      using mapping = mmap(file);
      await assert.rejects(mapping.search('a', options), { code });
    });
  }

  it('notices that an option closed the mapping', async () => {
    const mapping = mmap(file);
    const options = { get from() { mapping.close(); return 0; } };
    await assert.rejects(mapping.search('a', options), { code: 'ERR_MAPPING_CLOSED' });
  });
});

describe('a file that is cut while it is searched', () => {
  const folder = temporaryFolder();

  it('reads as zeros, and then indexOf, lastIndexOf and search throw ERR_MAPPING_FAULT', async () => {
    const child = await runInChild(`
      const fs = require('node:fs'); const [file] = process.argv.slice(1);
      const fault = (e) => e.code + ' ' + e.offset;
      const thrown = (f) => { try { return f(); } catch (e) { return fault(e); } };
      const cut = (use) => {
        fs.writeFileSync(file, Buffer.alloc(1 << 20, 7));
        const mapping = zerocopy.mmap(file); fs.truncateSync(file, 5000);
        return use(mapping);
      };
      console.log(cut((m) => thrown(() => m.indexOf('\\x08'))), cut((m) => thrown(() => m.lastIndexOf('\\x08\\x08'))));
      console.log(cut((m) => [m.indexOf(7), m.faults, thrown(() => m.lastIndexOf(7)), thrown(() => m.indexOf(7))].join()));
      (async () => {
        console.log(await cut((m) => m.search('\\x08\\x08').catch(fault)));
        console.log(await cut((m) => { const p = m.search('\\x08'); m.close(); return p.catch(fault); }));
      })();`, { arguments: [folder.file('cut')] });
    const fault = 'ERR_MAPPING_FAULT 8192';
    assert.deepEqual(child, {
      code: 0, signal: null, stderr: '', stdout: `${fault} ${fault}\n0,0,${fault},${fault}\n${fault}\n${fault}\n`,
    });
  });
});
