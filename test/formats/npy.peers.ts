/** NumPy itself reads what is written here, and writes what is read here. */
import assert from 'node:assert/strict';
import { createNpy, openNpy, writeNpy, type Mapping, type MemoryView } from 'zerocopy';

import { pythonWith, runPython } from '../support/python';
import { randomNumbers } from '../support/random';
import { temporaryFolder } from '../support/temporary';

interface Described {
  readonly file: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly fortran: boolean;
  readonly bytes: string;
}

const FORMATS = ['?', 'b', 'B', 'h', 'H', 'i', 'I', 'q', 'Q', 'e', 'f', 'd', '>h', '>I', '>q', '>d', '<f'];

const DESCRIBE = `
import json, sys, numpy
for file in sys.argv[1:]:
    array = numpy.load(file, mmap_mode='r')
    fortran = bool(array.flags.f_contiguous and not array.flags.c_contiguous)
    print(json.dumps(dict(file=file, dtype=array.dtype.str, shape=array.shape, fortran=fortran, bytes=array.tobytes('C').hex())))
`;
const MAKE = `
import sys, numpy
random = numpy.random.default_rng(5)
for number, file in enumerate(sys.argv[1:]):
    dtype = ['?', 'i1', 'u1', '<i2', '>u4', '<i8', '>f2', '<f4', '>f8'][number % 9]
    shape = random.integers(0, 5, random.integers(0, 5))
    array = random.integers(0, 255, shape).astype(dtype)
    numpy.save(file, numpy.asfortranarray(array) if number % 2 else array)
`;

/** An array of random bytes, in which booleans are booleans. */
function filled(file: string, format: string, shape: readonly number[], order: 'C' | 'F', random: () => number): MemoryView {
  const view = createNpy(file, { format, shape, order });
  const whole = view.obj as Mapping;
  const bytes = whole.view(whole.byteLength - view.nbytes);
  for (let i = 0; i < bytes.length; i++) bytes.set(i, Math.floor(random() * (format === '?' ? 2 : 256)));
  return view;
}

describe('NumPy', () => {
  const folder = temporaryFolder();
  let python: string;
  before(() => { python = pythonWith('numpy', 'python3-numpy'); });

  function described(files: readonly string[]): Described[] {
    return runPython(python, DESCRIBE, files).trim().split('\n').map((line) => JSON.parse(line) as Described);
  }

  function sameArray(view: MemoryView, { dtype, shape, fortran, bytes }: Described, file: string): void {
    const order = view.format.startsWith('>') ? '>' : view.itemsize === 1 ? '|' : '<';
    assert.deepEqual([dtype[0], shape], [order, view.shape], file);
    assert.equal(fortran, view.fContiguous && !view.cContiguous, file);
    assert.equal(bytes, Buffer.from(view.toBytes('C')).toString('hex'), file);
  }

  it('reads what createNpy() and writeNpy() write', () => {
    const random = randomNumbers(3);
    const views = new Map(Array.from({ length: 120 }, (_, i) => {
      const shape = Array.from({ length: Math.floor(random() * 5) }, () => Math.floor(random() * 5));
      const created = filled(folder.file(`made-${String(i)}.npy`), FORMATS[i % FORMATS.length]!, shape, i % 2 ? 'F' : 'C', random);
      const view = shape.length > 0 && i % 3 === 0 ? created.slice(null, null, -2) : created;
      const file = folder.file(`${String(i)}.npy`);
      writeNpy(file, view);
      return [file, view];
    }));
    for (const array of described([...views.keys()])) {
      const copy = openNpy(array.file);
      assert.equal(Buffer.from(copy.toBytes()).toString('hex'), Buffer.from(views.get(array.file)!.toBytes()).toString('hex'));
      sameArray(copy, array, array.file);
    }
  });

  it('writes what openNpy() reads', () => {
    const files = Array.from({ length: 120 }, (_, i) => folder.file(`theirs-${String(i)}.npy`));
    runPython(python, MAKE, files);
    for (const array of described(files)) sameArray(openNpy(array.file), array, array.file);
  });
});
