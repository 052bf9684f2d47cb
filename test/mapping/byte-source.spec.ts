import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, truncateSync } from 'node:fs';
import http from 'node:http';
import type net from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { asyncBufferFromUrl, parquetReadObjects } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { FetchSource, PMTiles, type Source } from 'pmtiles';
import { byteSource, mmap, mmapAnonymous, type ByteSource, type Mapping } from 'zerocopy';

import { patternBytes, temporaryFolder } from '../support/temporary';
import { makeTiles } from './pmtiles-archive';

describe('byteSource', () => {
  const folder = temporaryFolder();
  const content = patternBytes(100_000);
  let mapping: Mapping;
  let source: ByteSource;

  beforeEach(() => {
    mapping = mmap(folder.file('data.bin', content));
    source = byteSource(mapping);
  });

  const bounds = [undefined, 0, 1, 4095, 99_999, 100_000, 100_001, -1, -8, -100_000, -200_000, 2 ** 40];
  it('slices as ArrayBuffer#slice does', async () => {
    const whole = new Uint8Array(content).buffer;
    for (const start of bounds) {
      for (const end of bounds) {
        const expected = whole.slice(start ?? 0, end);
        const sliced = await source.slice(start, end);
        assert.ok(sliced instanceof ArrayBuffer);
        assert.ok(Buffer.from(sliced).equals(Buffer.from(expected)), `${String(start)} to ${String(end)}`);
      }
    }
  });

  it('gets bytes as an HTTP range does: fewer at the end', async () => {
    const cases = [[0, 16], [99_990, 100], [100_000, 5], [0, 2 ** 40], [5, 0]] as const;
    for (const [offset, length] of cases) {
      const { data } = await source.getBytes(offset, length);
      assert.deepEqual(Buffer.from(data), content.subarray(offset, offset + length));
      assert.deepEqual(Buffer.from(await source.read(offset, length)), content.subarray(offset, offset + length));
    }
    assert.equal((await source.read()).length, 100_000);
    assert.equal((await source.read(99_000)).length, 1000);
  });

  it('copies in slice and getBytes, shares in read', async () => {
    const memory = mmapAnonymous(8192);
    const bytes = byteSource(memory);
    const [sliced, got, read] = [await bytes.slice(0, 8), (await bytes.getBytes(0, 8)).data, await bytes.read(0, 8)];
    memory.view().fill(7);
    assert.deepEqual([new Uint8Array(sliced)[0], new Uint8Array(got)[0], read[0]], [0, 0, 7]);
    assert.equal(read.buffer, memory.asUint8Array(0, 8).buffer);
    assert.deepEqual([sliced.byteLength, got.byteLength], [8, 8], 'and no more than was asked for');
  });

  it('keeps no memory of a mapping that only copies were taken of', async () => {
    await source.slice(0, 10);
    await source.getBytes(0, 10);
    mapping.close();
    assert.equal(mapping.state, 'closed');
  });

  it('works without its object, as functions are handed around', async () => {
    const { slice, getBytes, read } = source;
    assert.equal((await slice(0, 3)).byteLength, 3);
    assert.equal((await getBytes(0, 3)).data.byteLength, 3);
    assert.equal((await read(0, 3)).byteLength, 3);
  });

  it('has a key that says which bytes it has', () => {
    const file = folder.file('data.bin');
    assert.equal(source.getKey(), `${pathToFileURL(file).href}#0+100000`);
    assert.equal(byteSource(mmap(path.relative('.', file))).getKey(), source.getKey());
    const keys = [source, byteSource(mmap(file, { offset: 5 })), byteSource(mmap(file, { length: 5 })),
      byteSource(mmapAnonymous(5)), byteSource(mmapAnonymous(5))].map((each) => each.getKey());
    assert.equal(new Set(keys).size, 5, keys.join('\n'));
  });

  const calls: Readonly<Record<string, (from: ByteSource) => Promise<unknown>>> = {
    slice: (from) => from.slice(0, 10), getBytes: (from) => from.getBytes(0, 10), read: (from) => from.read(0, 10),
  };
  for (const [name, call] of Object.entries(calls)) {
    it(`rejects ${name} after close(), also while it reads`, async () => {
      const waiting = call(source);
      mapping.close();
      await assert.rejects(waiting, { code: 'ERR_MAPPING_CLOSED' });
      await assert.rejects(call(source), { code: 'ERR_MAPPING_CLOSED' });
    });

    it(`rejects ${name} of a file that was cut, and gives no zeros`, async () => {
      truncateSync(folder.file('data.bin'), 0);
      await assert.rejects(call(source), { code: 'ERR_MAPPING_FAULT' });
    });
  }

  const wrong: [what: string, call: (from: ByteSource) => Promise<unknown>, code: string][] = [
    ['a string', (from) => from.slice('0' as never), 'ERR_INVALID_ARG_TYPE'],
    ['half a byte', (from) => from.slice(0, 1.5), 'ERR_INVALID_ARG_TYPE'],
    ['null', (from) => from.getBytes(null as never, 1), 'ERR_INVALID_ARG_TYPE'],
    ['no length', (from) => from.getBytes(0, undefined as never), 'ERR_INVALID_ARG_TYPE'],
    ['a negative offset', (from) => from.getBytes(-1, 5), 'ERR_OUT_OF_RANGE'],
    ['an offset past the end', (from) => from.read(100_001, 5), 'ERR_OUT_OF_RANGE'],
    ['a negative length', (from) => from.read(0, -1), 'ERR_OUT_OF_RANGE'],
    ['NaN', (from) => from.read(NaN, 1), 'ERR_OUT_OF_RANGE'],
    ['a signal that is none', (from) => from.getBytes(0, 1, {} as never), 'ERR_INVALID_ARG_TYPE'],
  ];
  for (const [what, call, code] of wrong) {
    it(`rejects ${what}`, async () => {
      await assert.rejects(call(source), (error: NodeJS.ErrnoException) => error.code === code || assert.fail(error));
    });
  }

  it('stops for a signal', async () => {
    await assert.rejects(source.getBytes(0, 10, AbortSignal.abort()), { name: 'AbortError' });
  });

  it('is made of mappings only', () => {
    for (const other of [undefined, null, 'data.bin', content, mapping.view()]) {
      assert.throws(() => byteSource(other as never), { code: 'ERR_INVALID_ARG_TYPE' });
    }
  });
});

/** Answers single ranges of one file, as any server of files does. */
function rangeServer(file: string): http.Server {
  const content = readFileSync(file);
  return http.createServer((request, response) => {
    const [, from = '0', to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const part = content.subarray(Number(from), to ? Number(to) + 1 : undefined);
    if (request.headers.range !== undefined) {
      const end = Number(from) + part.length - 1;
      response.writeHead(206, { 'content-range': `bytes ${from}-${String(end)}/${String(content.length)}` });
    } else response.setHeader('content-length', content.length);
    response.end(request.method === 'HEAD' ? undefined : part);
  });
}

describe('a file here and a file behind HTTP ranges', () => {
  const folder = temporaryFolder();
  const open: http.Server[] = [];
  after(() => open.forEach((server) => server.close()));

  async function serve(file: string): Promise<string> {
    const server = rangeServer(file).listen(0, '127.0.0.1');
    open.push(server);
    await once(server, 'listening');
    return `http://127.0.0.1:${String((server.address() as net.AddressInfo).port)}/`;
  }

  it('are the same to hyparquet', async () => {
    const columnData = [
      { name: 'id', data: Array.from({ length: 5000 }, (_, i) => i) },
      { name: 'name', data: Array.from({ length: 5000 }, (_, i) => `row ${String(i)}`) },
    ];
    const file = folder.file('rows.parquet', new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 1000 })));
    const remote = await asyncBufferFromUrl({ url: await serve(file) });
    const [here, there] = await Promise.all([byteSource(mmap(file)), remote].map((from) =>
      parquetReadObjects({ file: from, columns: ['name'], rowStart: 4990, rowEnd: 5000 })));
    assert.deepEqual(here, there);
    assert.deepEqual(here!.at(-1), { name: 'row 4999' });
  });

  it('are the same to pmtiles', async () => {
    const tiles = new Map([['0/0/0', 'whole'], ['1/0/0', 'north west'], ['1/1/0', 'north east'], ['5/17/9', 'deep']]);
    const file = folder.file('map.pmtiles', makeTiles(tiles));
    const sources: Source[] = [byteSource(mmap(file)), new FetchSource(await serve(file))];
    for (const source of sources) {
      const archive = new PMTiles(source);
      assert.equal((await archive.getHeader()).maxZoom, 5);
      assert.deepEqual(await archive.getMetadata(), { name: 'made by a test' });
      for (const [name, text] of tiles) {
        const [z, x, y] = name.split('/').map(Number) as [number, number, number];
        assert.equal(Buffer.from((await archive.getZxy(z, x, y))!.data).toString(), text);
      }
      assert.equal(await archive.getZxy(5, 0, 0), undefined);
    }
  });
});
