/** The memory of views in the hands of others: Node's own modules, and packages that take arrays. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { tableFromArrays, tableFromIPC, tableToIPC } from 'apache-arrow';
import ndarray from 'ndarray';
import { mmap, MemoryView } from 'zerocopy';

describe('views and others', () => {
  let folder: string;
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'zerocopy-interop-'));
  });
  after(() => {
    fs.rmSync(folder, { recursive: true });
  });

  it('apache-arrow reads a mapped file without copying it', () => {
    const numbers = Float64Array.from({ length: 50_000 }, (_, i) => i / 2);
    const file = path.join(folder, 'table.arrow');
    fs.writeFileSync(file, tableToIPC(tableFromArrays({ numbers }), 'file'));
    const mapping = mmap(file);
    const table = tableFromIPC(mapping.view().asTypedArray() as Uint8Array);
    const column = table.getChild('numbers')?.data[0]?.values as Float64Array;
    assert.equal(column.buffer, mapping.view().asUint8Array().buffer, 'the column is our memory');
    assert.deepEqual(column.subarray(0, 3), numbers.subarray(0, 3));
    assert.equal(column.at(-1), numbers.at(-1));
  });

  for (const order of ['C', 'F'] as const) {
    it(`ndarray takes our shape and strides, ${order} order`, () => {
      const view = new MemoryView(Uint8Array.from({ length: 48 }, (_, i) => i)).cast('H', [2, 3, 4], order);
      const array = ndarray(view.asTypedArray() as Uint16Array, [...view.shape], view.strides.map((stride) =>
        stride / view.itemsize));
      for (const index of [[0, 0, 0], [1, 2, 3], [1, 0, 2], [0, 2, 1]] as const) assert.equal(array.get(...index),
        view.get(index));
      array.set(1, 1, 1, 999);
      assert.equal(view.get([1, 1, 1]), 999);
    });
  }

  it('node:crypto, zlib, TextDecoder and fs take asUint8Array()', () => {
    const text = Buffer.from('zero copies, '.repeat(1000));
    const view = new MemoryView(text).slice(13, 6513);
    const expected = text.subarray(13, 6513);
    assert.equal(createHash('sha256').update(view.asUint8Array()).digest('hex'),
      createHash('sha256').update(expected).digest('hex'));
    assert.deepEqual(zlib.inflateSync(zlib.deflateSync(view.asUint8Array())), expected);
    assert.equal(new TextDecoder().decode(view.asUint8Array()), expected.toString());
    const file = path.join(folder, 'text');
    fs.writeFileSync(file, view.asUint8Array());
    assert.deepEqual(fs.readFileSync(file), expected);
    const fd = fs.openSync(file, 'r');
    fs.readSync(fd, view.asBuffer(), 0, 5, 1);
    fs.closeSync(fd);
    assert.equal(text.subarray(13, 18).toString(), 'ero c');
  });

  it('a socket writes asUint8Array()', async () => {
    const view = new MemoryView(Uint8Array.from({ length: 100_000 }, (_, i) => i & 255)).slice(1000, 99_000);
    const server = net.createServer((socket) => socket.end(view.asUint8Array()));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const chunks: Buffer[] = [];
    for await (const chunk of net.connect((server.address() as net.AddressInfo).port,
      '127.0.0.1')) chunks.push(chunk as Buffer);
    server.close();
    assert.ok(view.equals(Buffer.concat(chunks)));
  });
});
