import assert from 'node:assert/strict';
import {
  chmodSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, statSync, symlinkSync, truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { createNpy, type Mapping, MemoryView, mmap, openNpy, writeNpy, type CreateNpyOptions } from 'zerocopy';

import { dtypeOf, formatHead } from '#lib/formats/npy-header';
import { parseFormat } from '#lib/view/format';

import { mappedRanges } from '../support/maps';
import { temporaryFolder } from '../support/temporary';

interface Vector {
  readonly name: string;
  readonly file: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly order: 'C' | 'F';
  readonly values: unknown;
  readonly bytes: string;
  readonly saved?: string;
  /** For what a view cannot show: how the message names it. */
  readonly says?: string;
}

const vectors = readFileSync(path.join(__dirname, '../../../test/formats/npy.jsonl'), 'utf8').trim().split('\n')
  .map((line) => JSON.parse(line) as Vector);
const arrays = vectors.filter(({ says }) => says === undefined);
const refused = vectors.filter(({ says }) => says !== undefined);

const FORMATS: Readonly<Record<string, string>> = {
  b1: '?', i1: 'b', u1: 'B', i2: 'h', u2: 'H', i4: 'i', u4: 'I', i8: 'q', u8: 'Q', f2: 'e', f4: 'f', f8: 'd',
};

/** NumPy's dtype as a format here: this machine is little-endian, as the one that made the vectors. */
function formatOf(dtype: string): string {
  return (dtype.startsWith('>') ? '>' : '') + FORMATS[dtype.slice(1)]!;
}

/** Values as make-npy-vectors.py prints them. */
function printed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(printed);
  if (typeof value === 'bigint') return value > -(2n ** 53n) && value < 2n ** 53n ? Number(value) : String(value);
  if (typeof value !== 'number' || Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'base64');
}

/** A file whose head is `text`, as version `major`.0. */
function withHead(text: string, data: Uint8Array = Buffer.alloc(16), major = 1): Buffer {
  const prefix = Buffer.alloc(major === 1 ? 10 : 12);
  prefix.write('\x93NUMPY', 'latin1');
  prefix[6] = major;
  if (major === 1) prefix.writeUInt16LE(Buffer.byteLength(text), 8);
  else prefix.writeUInt32LE(Buffer.byteLength(text), 8);
  return Buffer.concat([prefix, Buffer.from(text), data]);
}

function mappingOf(view: MemoryView): Mapping {
  return view.obj as Mapping;
}

describe('openNpy', () => {
  const folder = temporaryFolder();

  for (const { name, file, dtype, shape, order, values, bytes } of arrays) {
    it(`reads ${name} as NumPy does`, () => {
      const view = openNpy(folder.file('array.npy', bytesOf(file)));
      assert.equal(view.format, formatOf(dtype));
      assert.deepEqual(view.shape, shape);
      assert.equal(view.fContiguous && !view.cContiguous ? 'F' : 'C', order);
      assert.deepEqual(printed(shape.length === 0 ? view.get([]) : view.toList()), values);
      assert.equal(Buffer.from(view.toBytes('C')).toString('hex'), bytes);
      assert.equal(view.readonly, true);
      mappingOf(view).close();
    });
  }

  for (const { name, file, says } of refused) {
    it(`names the dtype of ${name}, which it does not read`, () => {
      const refusedFile = folder.file('refused.npy', bytesOf(file));
      assert.throws(() => openNpy(refusedFile), (error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'ERR_INVALID_ARG_VALUE');
        assert.ok(error.message.includes(`its dtype is ${says!}`), error.message);
        assert.match(error.message, /refused\.npy/);
        return true;
      });
      assert.deepEqual(mappedRanges(refusedFile), [], 'and leaves nothing mapped');
    });
  }

  it('reads no file that was cut, wherever that was', () => {
    const whole = bytesOf(arrays.find(({ name }) => name === 'C order')!.file);
    for (let length = 0; length < whole.length; length++) {
      const file = folder.file('cut.npy', whole.subarray(0, length));
      assert.throws(() => openNpy(file), { code: 'ERR_INVALID_ARG_VALUE' }, `${String(length)} bytes`);
    }
    assert.equal(openNpy(folder.file('whole.npy', whole)).get([1, 2, 3]), 23);
  });

  const tail = "'fortran_order': False, 'shape': (2,), }\n";
  const broken: Readonly<Record<string, readonly [file: Uint8Array, says: RegExp]>> = {
    'another file': [Buffer.from('PK\x03\x04 and so on, for a while'), /does not begin with/],
    'version 0.0': [withHead(`{'descr': '<f8', ${tail}`, undefined, 0), /version is 0\.0/],
    'version 4.0': [withHead(`{'descr': '<f8', ${tail}`, undefined, 4), /version is 4\.0/],
    'a head of 4 GiB': [Buffer.concat([Buffer.from('\x93NUMPY\x02\x00\xff\xff\xff\xff', 'latin1'), Buffer.alloc(64)]),
      /4294967295 bytes long/],
    'no dictionary': [withHead('[1, 2]'), /no dictionary/],
    'nothing': [withHead(''), /no dictionary/],
    'a dictionary without end': [withHead("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), "), /no dictionary/],
    'something after the dictionary': [withHead(`{'descr': '<f8', ${tail}; import os`), /no dictionary/],
    'code for a value': [withHead(`{'descr': __import__('os').system('id'), ${tail}`), /no dictionary/],
    'no comma': [withHead(`{'descr': '<f8' ${tail}`), /no dictionary/],
    'an escape': [withHead(`{'descr': '\\x3cf8', ${tail}`), /no dictionary/],
    'a key missing': [withHead("{'descr': '<f8', 'shape': (2,), }"), /keys descr, shape, not/],
    'a key too many': [withHead(`{'extra': True, 'descr': '<f8', ${tail}`), /keys extra, descr/],
    'a key twice': [withHead(`{'descr': '<f8', 'descr': '<f8', ${tail}`), /the key descr twice/],
    'a truth that is none': [withHead("{'descr': '<f8', 'fortran_order': 0, 'shape': (2,), }"), /no dictionary/],
    'a string for a truth': [withHead("{'descr': '<f8', 'fortran_order': 'no', 'shape': (2,), }"), /neither True nor False/],
    'a truth for a dtype': [withHead(`{'descr': True, ${tail}`), /descr in its header is no dtype/],
    'an unknown dtype': [withHead(`{'descr': '<z4', ${tail}`), /dtype is <z4; a view/],
    'a dtype with a name of Object': [withHead(`{'descr': 'constructor', ${tail}`), /dtype is constructor;/],
    'a dtype of no size': [withHead(`{'descr': '<f', ${tail}`), /dtype is <f /],
    'arrays in arrays': [withHead(`{'descr': ('<f8', (2,)), ${tail}`), /arrays in the array/],
    'a number for a shape': [withHead("{'descr': '<f8', 'fortran_order': False, 'shape': (2), }"), /no tuple/],
    'a list for a shape': [withHead("{'descr': '<f8', 'fortran_order': False, 'shape': [2], }"), /no tuple/],
    'a comma for a shape': [withHead("{'descr': '<f8', 'fortran_order': False, 'shape': (,), }"), /no tuple/],
    'two commas in a shape': [withHead("{'descr': '<f8', 'fortran_order': False, 'shape': (1,,2), }"), /no tuple/],
    'a negative length': [withHead("{'descr': '<f8', 'fortran_order': False, 'shape': (-2,), }"), /no tuple/],
    'half a length': [withHead("{'descr': '<f8', 'fortran_order': False, 'shape': (1.5,), }"), /no tuple/],
    'more than the file has': [withHead("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"),
      /shape \(3\) has 24 bytes, and 16 follow/],
    'more than numbers count': [withHead("{'descr': '<f8', 'fortran_order': False, 'shape': (9007199254740993,), }"),
      /longer than any memory/],
    'lengths whose product wraps at 64 bits': [
      withHead("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296), }"),
      /has 18446744073709551616 bytes/],
    '65 dimensions': [withHead(`{'descr': '|u1', 'fortran_order': False, 'shape': (${'1,'.repeat(65)}), }`), /65 dimensions/],
  };
  for (const [name, [content, says]] of Object.entries(broken)) {
    it(`refuses a head with ${name}`, () => {
      const file = folder.file('broken.npy', content);
      assert.throws(() => openNpy(file), { code: 'ERR_INVALID_ARG_VALUE', name: 'TypeError', message: says });
    });
  }

  it('shares memory: a typed array of the elements lies over the mapping', () => {
    const view = openNpy(folder.file('shared.npy', bytesOf(arrays.find(({ name }) => name === '<f8 <')!.file)));
    const numbers = view.asTypedArray() as Float64Array;
    assert.equal(numbers.buffer, mappingOf(view).asArrayBuffer());
    assert.equal(numbers[0], 0.1);
    assert.equal(mappedRanges(mappingOf(view).path).length > 0, true, 'which is how mappings are looked for here');
  });

  it('begins where it is told to, at any offset', () => {
    const whole = bytesOf(arrays.find(({ name }) => name === 'Fortran order')!.file);
    const file = folder.file('inside.npz', Buffer.concat([Buffer.alloc(37, 'x'), whole]));
    const view = openNpy(file, { offset: 37n });
    assert.equal(view.get([1, 2, 3]), 23);
    assert.throws(() => openNpy(file), { code: 'ERR_INVALID_ARG_VALUE' });
  });

  it('takes paths, URLs, descriptors and FileHandles as mmap() does, and reports as it does', () => {
    const file = folder.file('any.npy', bytesOf(arrays[0]!.file));
    const fd = openSync(file, 'r');
    for (const way of [file, Buffer.from(file), pathToFileURL(file), fd]) assert.equal(openNpy(way).format, '?');
    closeSync(fd);
    assert.throws(() => openNpy(folder.file('missing.npy')), { code: 'ENOENT', syscall: 'open' });
    assert.throws(() => openNpy(path.dirname(file)), { code: 'EISDIR' });
    assert.throws(() => openNpy(null as never), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => openNpy(file, { access: 'r+' as never }), { code: 'ERR_INVALID_ARG_VALUE' });
    assert.throws(() => openNpy(file, { length: 5 } as never), { code: 'ERR_INVALID_ARG_VALUE', message: /options\.length/ });
    assert.throws(() => openNpy(file, { offset: -1 }), { code: 'ERR_OUT_OF_RANGE' });
  });

  it('writes to the file, to a copy, or not at all, by its access', () => {
    const file = folder.file('access.npy', bytesOf(arrays.find(({ name }) => name === 'C order')!.file));
    assert.throws(() => openNpy(file).set([0, 0, 1], 99), { code: 'ERR_VIEW_READONLY' });
    openNpy(file, { access: 'copy' }).set([0, 0, 1], 99);
    assert.equal(openNpy(file).get([0, 0, 1]), 1);
    openNpy(file, { access: 'write' }).set([0, 0, 1], 99);
    assert.equal(openNpy(file).get([0, 0, 1]), 99);
  });

  it('ends with its mapping', () => {
    const view = openNpy(folder.file('end.npy', bytesOf(arrays[0]!.file)));
    mappingOf(view).close();
    assert.throws(() => view.get(0), { code: 'ERR_MAPPING_CLOSED' });
  });

  it('reaches all of an array of 6 GiB', () => {
    const shape = [3, 2 ** 28];
    const head = formatHead('<f8', shape, 'C');
    const file = folder.file('large.npy', head);
    truncateSync(file, head.length + 6 * 2 ** 30);
    const view = openNpy(file, { access: 'write' });
    view.set([2, -1], 7.5);
    assert.equal(view.select(2).get(2 ** 28 - 1), 7.5);
    mappingOf(view).close();
    const last = new Float64Array(1);
    const fd = openSync(file, 'r');
    readSync(fd, last, 0, 8, head.length + 6 * 2 ** 30 - 8);
    closeSync(fd);
    assert.equal(last[0], 7.5);
  });
});

describe('writeNpy', () => {
  const folder = temporaryFolder();

  for (const { name, file, saved } of arrays) {
    it(`writes ${name} byte for byte as NumPy does`, () => {
      const view = openNpy(folder.file('from.npy', bytesOf(file)));
      const to = folder.file('to.npy');
      writeNpy(to, view);
      assert.deepEqual(readFileSync(to), bytesOf(saved ?? file));
    });
  }

  it('takes what views can be made of, and views with gaps', () => {
    const file = folder.file('source.npy');
    const numbers = Float32Array.of(1, 2, 3, 4);
    const sources: [unknown, string, unknown[]][] = [
      [numbers, 'f', [1, 2, 3, 4]], [Buffer.from('ab'), 'B', [97, 98]], [BigInt64Array.of(-1n), 'q', [-1n]],
      [new Uint8Array([1, 2]).buffer, 'B', [1, 2]], [new MemoryView(numbers).slice(null, null, -2), 'f', [4, 2]],
      [new MemoryView(BigInt64Array.of(5n)).cast('B').cast('l'), 'q', [5n]],
      [new MemoryView(BigInt64Array.of(5n)).cast('B').cast('@P'), 'Q', [5n]],
      [new MemoryView(new Uint8Array(6)).cast('B', [2, 3]).select('...', 1), 'B', [0, 0]],
    ];
    for (const [source, format, values] of sources) {
      writeNpy(file, source as MemoryView);
      const view = openNpy(file);
      assert.deepEqual([view.format, view.toList()], [format, values]);
    }
  });

  it('writes over the file that it reads from', () => {
    const file = folder.file('itself.npy');
    writeNpy(file, Float64Array.of(1, 2, 3));
    const old = openNpy(file);
    writeNpy(file, old.slice(null, null, -1));
    assert.deepEqual(openNpy(file).toList(), [3, 2, 1]);
    assert.deepEqual(old.toList(), [1, 2, 3], 'who has the old one keeps it');
  });

  it('replaces what a link leads to, and keeps its mode', () => {
    const file = folder.file('target.npy', 'old');
    chmodSync(file, 0o640);
    symlinkSync(file, folder.file('link.npy'));
    writeNpy(folder.file('link.npy'), new Uint8Array(3));
    assert.deepEqual(openNpy(file).shape, [3]);
    assert.equal(statSync(file).mode & 0o7777, 0o640);
  });

  it('leaves everything as it was when it fails', () => {
    const place = path.dirname(folder.file('failing/x'));
    mkdirSync(place);
    const file = path.join(place, 'kept.npy');
    writeFileSync(file, 'kept');
    const cut = folder.file('cut.bin', Buffer.alloc(100_000, 1));
    const closed = mmap(cut);
    const source = closed.view();
    closed.close();
    const lost = mmap(cut).view();
    truncateSync(cut, 0);
    assert.throws(() => writeNpy(file, source), { code: 'ERR_MAPPING_CLOSED' });
    assert.throws(() => writeNpy(file, lost), { code: 'ERR_MAPPING_FAULT' });
    assert.throws(() => writeNpy(file, new MemoryView(new Uint8Array(1)).cast('c')),
      { code: 'ERR_INVALID_ARG_VALUE', message: /'options\.format'.*Received 'c'/ });
    assert.throws(() => writeNpy(file, 'text' as never), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => writeNpy(5 as never, new Uint8Array(1)), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => writeNpy(path.join(place, 'no/where.npy'), new Uint8Array(1)), { code: 'ENOENT' });
    assert.throws(() => writeNpy(place, new Uint8Array(1)), { code: 'EISDIR' });
    assert.throws(() => writeNpy('/dev/null', new Uint8Array(1)), { code: 'ENODEV' });
    assert.ok(statSync('/dev/null').isCharacterDevice());
    assert.deepEqual([readFileSync(file, 'utf8'), readdirSync(place)], ['kept', ['kept.npy']]);
  });
});

describe('createNpy', () => {
  const folder = temporaryFolder();

  it('makes an array of zeros that is in the file as it is filled', () => {
    const file = folder.file('made.npy', 'x'.repeat(10_000));
    const view = createNpy(file, { format: '>i', shape: [2, 3], order: 'F' });
    assert.deepEqual(view.toList(), [[0, 0, 0], [0, 0, 0]]);
    view.set([1, 2], 5);
    assert.deepEqual([view.format, view.strides, view.readonly], ['>i', [4, 8], false]);
    assert.deepEqual(openNpy(file).toList(), [[0, 0, 0], [0, 0, 5]]);
    assert.equal(statSync(file).size, 128 + 24);
    assert.equal(mappingOf(view).access, 'write');
  });

  const wrong: [what: string, options: unknown, code: string][] = [
    ['no options', undefined, 'ERR_INVALID_ARG_TYPE'], ['no format', { shape: [1] }, 'ERR_INVALID_ARG_TYPE'],
    ['a dtype for a format', { format: '<f8', shape: [1] }, 'ERR_INVALID_ARG_VALUE'],
    ["format 'c'", { format: 'c', shape: [1] }, 'ERR_INVALID_ARG_VALUE'],
    ['no shape', { format: 'd' }, 'ERR_INVALID_ARG_TYPE'], ['a number for a shape', { format: 'd', shape: 3 }, 'ERR_INVALID_ARG_TYPE'],
    ['a negative length', { format: 'd', shape: [2, -1] }, 'ERR_OUT_OF_RANGE'],
    ['half a length', { format: 'd', shape: [1.5] }, 'ERR_OUT_OF_RANGE'],
    ['NaN items', { format: 'd', shape: [NaN] }, 'ERR_OUT_OF_RANGE'],
    ['a string for a length', { format: 'd', shape: ['3'] }, 'ERR_INVALID_ARG_TYPE'],
    ['a hole in the shape', { format: 'd', shape: new Array(1) }, 'ERR_INVALID_ARG_TYPE'],
    ['65 dimensions', { format: 'd', shape: new Array(65).fill(1) }, 'ERR_OUT_OF_RANGE'],
    ['more than can be counted', { format: 'd', shape: [2 ** 30, 2 ** 30] }, 'ERR_OUT_OF_RANGE'],
    ['an unknown order', { format: 'd', shape: [1], order: 'A' }, 'ERR_INVALID_ARG_VALUE'],
    ['an unknown option', { format: 'd', shape: [1], dtype: 'f8' }, 'ERR_INVALID_ARG_VALUE'],
  ];
  for (const [what, options, code] of wrong) {
    it(`refuses ${what}, and touches nothing`, () => {
      const file = folder.file('untouched.npy', 'untouched');
      assert.throws(() => createNpy(file, options as CreateNpyOptions), { code });
      assert.equal(readFileSync(file, 'utf8'), 'untouched');
    });
  }
});

describe('the head of a .npy file', () => {
  it('always begins its elements at a multiple of 64 bytes', () => {
    for (let digits = 0; digits < 15; digits++) {
      for (let ndim = 0; ndim <= 64; ndim += 3) {
        const shape = new Array<number>(ndim).fill(10 ** digits);
        assert.equal(formatHead('<f8', shape, 'C').length % 64, 0);
      }
    }
  });

  it("has a dtype for every format but 'c'", () => {
    const dtypes = Array.from('bB?hHiIlLqQnNPefd', (format) => dtypeOf(parseFormat(format)));
    assert.deepEqual(dtypes, ['|i1', '|u1', '|b1', '<i2', '<u2', '<i4', '<u4', '<i8', '<u8', '<i8', '<u8', '<i8', '<u8', '<u8', '<f2', '<f4', '<f8']);
    assert.equal(dtypeOf(parseFormat('c')), undefined);
    assert.equal(dtypeOf(parseFormat('>d')), '>f8');
    assert.equal(dtypeOf(parseFormat('>B')), '|u1');
  });
});
