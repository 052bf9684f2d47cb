/** An image or a matrix seen in other shapes: rows, columns, channels and mirror images without a copy. */
import assert from 'node:assert/strict';
import { MemoryView } from 'zerocopy';

const [height, width] = [4, 6];
const pixels = Uint8Array.from({ length: height * width * 3 }, (_, i) => i);

const image = new MemoryView(pixels).cast('B', [height, width, 3]);
const red = image.select('...', 0);
const upsideDown = image.slice(null, null, -1);
const corner = image.select([0, 2], [0, 2]);

assert.deepEqual(red.shape, [height, width]);
assert.deepEqual(red.strides, [width * 3, 3]);
assert.equal(upsideDown.get([0, 0, 0]), image.get([height - 1, 0, 0]));
corner.fill(255);
assert.equal(pixels[0], 255, 'the source itself was written');
assert.equal(pixels[6], 6, 'and only the corner');

/** The same 12 doubles as 3 rows of 4 in C order, and as 4 columns in Fortran order. */
const matrix = new MemoryView(Float64Array.from({ length: 12 }, (_, i) => i)).cast('B');
const rows = matrix.cast('d', [3, 4]);
const transposed = matrix.cast('d', [4, 3], 'F');
assert.equal(rows.get([1, 2]), transposed.get([2, 1]));
assert.equal(rows.asTypedArray().buffer, transposed.asTypedArray().buffer);
console.log(rows.toList(), transposed.toList());
