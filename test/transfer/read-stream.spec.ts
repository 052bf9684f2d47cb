import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { open } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { PassThrough, pipeline, Writable } from 'node:stream';
import { pipeline as pipelineDone } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { createGzip, gunzipSync } from 'node:zlib';

import { createReadStream, mmap, mmapAnonymous, sendfile, type ReadStream, type SendableFile } from 'zerocopy';

import { closesEveryDescriptor } from '../support/descriptors';
import { rawExchange, received, servers } from '../support/network';
import { patternBytes, temporaryFolder } from '../support/temporary';

const MIB = 2 ** 20;
const content = patternBytes(9 * MIB + 17); // more than one segment

async function all(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** How many chunks a stream gives to JavaScript: none when the kernel sends. */
function countChunks(stream: ReadStream): () => number {
  let chunks = 0;
  const push = stream.push.bind(stream);
  stream.push = (chunk: Buffer | null) => {
    if (chunk !== null && chunk.length > 0) chunks++;
    return push(chunk);
  };
  return () => chunks;
}

/** What a stream tells, in order. */
function eventsOf(stream: NodeJS.EventEmitter, ...names: string[]): string[] {
  const seen: string[] = [];
  for (const name of names) stream.on(name, () => seen.push(name));
  return seen;
}

describe('createReadStream', () => {
  const folder = temporaryFolder();
  const { tcp, http: serve, close } = servers();
  let source: string;
  before('a first transfer opens what the pump keeps', async () => {
    source = folder.file('source', content);
    const target = fs.openSync('/dev/null', 'w');
    await sendfile(target, source);
    fs.closeSync(target);
  });
  afterEach(() => {
    close();
    http.globalAgent.destroy();
  });
  closesEveryDescriptor();

  describe('read by anybody', () => {
    it('gives every kind of source, byte for byte', async () => {
      const handle = await open(source);
      using mapping = mmap(source);
      for (const from of [source, Buffer.from(source), pathToFileURL(source), handle.fd, handle, mapping]) {
        const stream = createReadStream(from);
        assert.ok((await all(stream)).equals(content));
        assert.equal(stream.bytesRead, content.length);
        assert.equal(stream.path, typeof from === 'number' || from === handle ? undefined : source);
        assert.ok(stream.readableEnded && stream.destroyed && !stream.errored);
      }
      await handle.close();
    });

    it('gives the range that fs.createReadStream gives', async () => {
      const size = content.length;
      const ranges = [[0, 0], [5, 10], [undefined, 99], [size - 3, undefined], [7, Infinity], [size - 1, size + 10],
        [size, undefined], [size + 5, undefined], [3, 2 ** 53 - 2]];
      for (const [start, end] of ranges) {
        const options = { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
        const expected = await all(fs.createReadStream(source, options) as AsyncIterable<Buffer>);
        assert.ok((await all(createReadStream(source, options))).equals(expected), `${String(start)} to ${String(end)}`);
      }
      assert.deepEqual(await all(createReadStream(source, { start: 10n, end: 20n })), content.subarray(10, 21));
    });

    it('gives chunks of highWaterMark bytes that are the memory itself', async () => {
      using mapping = mmapAnonymous(100_000);
      const memory = mapping.asBuffer();
      content.copy(memory, 0, 0, memory.length);
      const lengths: number[] = [];
      const stream = createReadStream(mapping, { start: 7, highWaterMark: 30_000 });
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        lengths.push(chunk.length);
        assert.equal(chunk.buffer, memory.buffer);
        memory[chunk.byteOffset] = 0xaa;
        assert.equal(chunk[0], 0xaa);
      }
      assert.deepEqual(lengths, [30_000, 30_000, 30_000, 9_993]);
    });

    it('gives chunks of a file that stay right when it is over', async () => {
      const pieces = (await createReadStream(source, { highWaterMark: 10_000 }).toArray()) as Buffer[];
      assert.ok(new Set(pieces.map(({ buffer }) => buffer)).size <= 3, 'memory of segments');
      assert.ok(Buffer.concat(pieces).equals(content));
      const [long = Buffer.alloc(0)] = (await createReadStream(source, { highWaterMark: 9 * MIB })
        .toArray()) as Buffer[];
      assert.equal(long.length, 9 * MIB);
    });

    it('leaves a file as it is when its chunks are written to', async () => {
      for await (const chunk of createReadStream(source) as AsyncIterable<Buffer>) chunk.fill(0);
      assert.ok(fs.readFileSync(source).equals(content));
    });

    it('gives empty files, and those of /proc', async () => {
      assert.equal((await all(createReadStream(folder.file('empty', '')))).length, 0);
      using mapping = mmap(folder.file('empty'));
      assert.equal((await all(createReadStream(mapping))).length, 0);
      const line = fs.readFileSync('/proc/self/cmdline', 'utf8');
      assert.equal(String(await all(createReadStream('/proc/self/cmdline'))), line);
    });

    it('reads from beyond 4 GiB', async () => {
      const file = folder.file('far', '');
      fs.truncateSync(file, 5 * 2 ** 30);
      fs.appendFileSync(file, 'the end');
      assert.equal(String(await all(createReadStream(file, { start: 5 * 2 ** 30 - 2 }))), '\0\0the end');
      using mapping = mmap(file);
      assert.equal(String(await all(createReadStream(mapping, { start: 5 * 2 ** 30 - 2 }))), '\0\0the end');
    });

    it('reads no further than it is asked to', async () => {
      const taken: Buffer[] = [];
      let release = (): void => undefined;
      const slow = new Writable({
        highWaterMark: 1,
        write(chunk: Buffer, _encoding, done) { taken.push(chunk); release = done; },
      });
      const stream = createReadStream(source, { highWaterMark: 1000 });
      stream.pipe(slow);
      for (let i = 1; i <= 3; i++) {
        while (taken.length < i) await new Promise(setImmediate);
        await new Promise((resolve) => setTimeout(resolve, 20));
        assert.equal(taken.length, i);
        assert.ok(stream.bytesRead <= (i + 2) * 1000, String(stream.bytesRead));
        release();
      }
      stream.destroy();
    });

    it('can be paused, decoded, transformed, and piped to several', async () => {
      const text = folder.file('text', 'äöü'.repeat(50_000));
      const decoded = createReadStream(text, { highWaterMark: 1001 }).setEncoding('utf8');
      assert.equal(((await decoded.toArray()) as string[]).join(''), 'äöü'.repeat(50_000));
      assert.ok(gunzipSync(await all(createReadStream(source).pipe(createGzip()))).equals(content));
      const stream = createReadStream(source);
      const both = await Promise.all([all(stream.pipe(new PassThrough())), all(stream.pipe(new PassThrough()))]);
      assert.ok(both.every((bytes) => bytes.equals(content)));
    });

    it('ends with the error of its file or mapping', async () => {
      const fifo = folder.file('fifo');
      execFileSync('mkfifo', [fifo]);
      const cases: [SendableFile, object][] = [
        [folder.file('missing'), { code: 'ENOENT', syscall: 'open', path: folder.file('missing') }],
        [path.dirname(source), { code: 'EISDIR', syscall: 'read', path: path.dirname(source) }],
        [fifo, { code: 'ESPIPE', path: fifo }], ['/dev/null', { code: 'EINVAL' }], [99_999, { code: 'EBADF' }],
      ];
      for (const [from, expected] of cases) {
        const stream = createReadStream(from);
        const seen = eventsOf(stream, 'end', 'close', 'error');
        await assert.rejects(all(stream), expected);
        assert.deepEqual(seen.slice(0, 2), ['error', 'close']);
      }
      const mapping = mmap(source);
      mapping.close();
      await assert.rejects(all(createReadStream(mapping)), { code: 'ERR_MAPPING_CLOSED' });
    });

    it('ends with ERR_MAPPING_CLOSED when its mapping is closed meanwhile', async () => {
      const mapping = mmap(source);
      const stream = createReadStream(mapping, { highWaterMark: MIB });
      const pieces: Buffer[] = [];
      await assert.rejects(async () => {
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          pieces.push(chunk);
          mapping.close();
        }
      }, { code: 'ERR_MAPPING_CLOSED' });
      assert.ok(content.subarray(0, MIB).equals(pieces[0] as Buffer), 'what was given stays');
    });

    it('ends with ERR_SHORT_FILE when its file shrinks, a mapping with ERR_MAPPING_FAULT', async () => {
      const file = folder.file('shrinks');
      for (const [from, code] of [[() => file, 'ERR_SHORT_FILE'], [() => mmap(file), 'ERR_MAPPING_FAULT']] as const) {
        fs.writeFileSync(file, content);
        const stream = createReadStream(from(), { highWaterMark: MIB });
        let seen = 0;
        await assert.rejects(async () => {
          for await (const chunk of stream as AsyncIterable<Buffer>) {
            seen += chunk.length;
            if (seen === MIB) fs.truncateSync(file, 8 * MIB + 1);
            if (seen < 8 * MIB) assert.ok(content.subarray(seen - chunk.length, seen).equals(chunk));
          }
        }, { code });
        assert.ok(seen <= 8 * MIB);
      }
    });

    it('gives not a byte more when its file grows', async () => {
      const file = folder.file('grows', content);
      let seen = 0;
      for await (const chunk of createReadStream(file, { highWaterMark: MIB }) as AsyncIterable<Buffer>) {
        if (seen === 0) fs.appendFileSync(file, content);
        seen += chunk.length;
      }
      assert.equal(seen, content.length);
    });

    it('ends with AbortError by its signal: before, and in the middle', async () => {
      const expected = { name: 'AbortError', code: 'ABORT_ERR' };
      await assert.rejects(all(createReadStream(source, { signal: AbortSignal.abort() })), expected);
      const controller = new AbortController();
      await assert.rejects(async () => {
        for await (const chunk of createReadStream(source, { signal: controller.signal }) as AsyncIterable<Buffer>) {
          assert.ok(chunk.length > 0);
          controller.abort();
        }
      }, expected);
    });

    it('can be destroyed at any moment', async () => {
      const soon = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 3));
      for (const moment of [(): unknown => undefined, () => new Promise(setImmediate), soon]) {
        const stream = createReadStream(source, { highWaterMark: 1000 }).on('data', () => undefined);
        const seen = eventsOf(stream, 'end', 'close');
        await moment();
        stream.destroy();
        while (seen.length === 0) await new Promise(setImmediate);
        assert.deepEqual(seen, ['close']);
      }
    });

    it('refuses arguments that are none', () => {
      const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
      for (const wrong of [undefined, null, true, {}, [], 5n]) {
        assert.throws(() => createReadStream(wrong as never), type);
      }
      for (const wrong of [null, 5, 'x']) assert.throws(() => createReadStream(source, wrong as never), type);
      for (const name of ['start', 'end', 'highWaterMark']) {
        assert.throws(() => createReadStream(source, { [name]: '5' }), type);
        for (const value of [-1, 5.5, NaN, -Infinity, 2 ** 53]) {
          assert.throws(() => createReadStream(source, { [name]: value }), { code: 'ERR_OUT_OF_RANGE' });
        }
      }
      const outside = [{ start: Infinity }, { start: 5, end: 4 }, { highWaterMark: 0 }, { highWaterMark: 2 ** 31 }];
      for (const options of outside) {
        assert.throws(() => createReadStream(source, options), { code: 'ERR_OUT_OF_RANGE' });
      }
      assert.throws(() => createReadStream(source, { signal: 5 as never }), type);
      assert.throws(() => createReadStream(source, { flags: 'r' } as never), { code: 'ERR_INVALID_ARG_VALUE' });
    });
  });

  describe('piped to a socket', () => {
    it('leaves by sendfile, in order with what was written before', async () => {
      using mapping = mmap(source);
      for (const from of [source, mapping]) {
        let chunks = (): number => -1;
        const where = await tcp((socket) => {
          const stream = createReadStream(from, { start: 5 });
          chunks = countChunks(stream);
          socket.write('before');
          stream.pipe(socket);
        });
        const expected = Buffer.concat([Buffer.from('before'), content.subarray(5)]);
        assert.ok((await received(net.connect(where))).equals(expected));
        assert.equal(chunks(), 0);
      }
    });

    it('goes on where it was after pause() and unpipe()', async () => {
      const file = folder.file('large', '');
      fs.truncateSync(file, 40 * MIB);
      fs.appendFileSync(file, 'the end');
      const stream = createReadStream(file);
      const chunks = countChunks(stream);
      const where = await tcp((socket) => { stream.pipe(socket); });
      const client = net.connect(where);
      const receiving = received(client);
      while (stream.bytesRead === 0) await new Promise(setImmediate);
      stream.pause();
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.ok(stream.bytesRead > 0 && stream.bytesRead < 40 * MIB, String(stream.bytesRead));
      stream.unpipe();
      const rest = await all(stream);
      assert.ok(rest.length > 0 && String(rest.subarray(-7)) === 'the end');
      assert.ok(chunks() > 0);
      close();
      assert.equal((await receiving).length + rest.length, 40 * MIB + 7);
    });

    it('gives chunks when somebody else listens', async () => {
      const seen: Buffer[] = [];
      const where = await tcp((socket) => {
        createReadStream(source).on('data', (chunk: Buffer) => seen.push(chunk)).pipe(socket);
      });
      assert.ok((await received(net.connect(where))).equals(content));
      assert.ok(Buffer.concat(seen).equals(content));
    });

    it('leaves the socket open with { end: false }', async () => {
      const where = await tcp((socket) => {
        const stream = createReadStream(source);
        stream.pipe(socket, { end: false });
        stream.on('end', () => socket.end('after'));
      });
      assert.ok((await received(net.connect(where))).equals(Buffer.concat([content, Buffer.from('after')])));
    });
  });

  describe('piped to a response', () => {
    type Handler = (stream: ReadStream, response: http.ServerResponse) => void;
    const ways: Record<string, Handler> = {
      'pipe()': (stream, response) => { stream.pipe(response); },
      'pipeline()': (stream, response) => { pipeline(stream, response, (error) => { assert.ifError(error); }); },
      'pipeline() of stream/promises': (stream, response) => { void pipelineDone(stream, response); },
    };

    for (const [name, handle] of Object.entries(ways)) {
      it(`leaves by sendfile with a Content-Length: ${name}`, async () => {
        let chunks = (): number => -1;
        const seen: string[][] = [];
        const { port } = await serve((_request, response) => {
          const stream = createReadStream(source);
          chunks = countChunks(stream);
          seen.push(eventsOf(stream, 'end', 'close', 'error'), eventsOf(response, 'pipe', 'finish', 'close', 'error'));
          handle(stream, response);
        });
        for (let i = 0; i < 2; i++) {
          const response = await fetch(`http://127.0.0.1:${String(port)}`);
          assert.equal(response.headers.get('content-length'), String(content.length));
          assert.ok(Buffer.from(await response.arrayBuffer()).equals(content));
          while (seen.some((events) => !events.includes('close'))) await new Promise(setImmediate);
          assert.equal(chunks(), 0);
        }
        const once = [['end', 'close'], ['pipe', 'finish', 'close']];
        assert.deepEqual(seen, [...once, ...once]);
      });
    }

    it('leaves by sendfile where the length was announced: by a header, by writeHead(), by a head that left', async () => {
      const announce: ((response: http.ServerResponse) => void)[] = [
        (response) => response.setHeader('Content-Length', 1000),
        (response) => response.writeHead(206, { 'content-length': '1000' }),
        (response) => { response.writeHead(200, { 'Content-Length': 1000 }).flushHeaders(); },
      ];
      let chunks = (): number => -1;
      const { port } = await serve((request, response) => {
        announce[Number(request.url?.slice(1))]?.(response);
        const stream = createReadStream(source, { start: 10, end: 1009 });
        chunks = countChunks(stream);
        stream.pipe(response);
      });
      for (const i of announce.keys()) {
        const response = await fetch(`http://127.0.0.1:${String(port)}/${String(i)}`);
        assert.deepEqual(Buffer.from(await response.arrayBuffer()), content.subarray(10, 1010));
        assert.equal(chunks(), 0);
      }
    });

    it('is chunked where more follows: { end: false }, of pipe() and of pipeline()', async () => {
      const { port } = await serve((request, response) => {
        const stream = createReadStream(source);
        if (request.url === '/pipe') stream.pipe(response, { end: false }).on('unpipe', () => response.end('suffix'));
        else void pipelineDone(stream, response, { end: false }).then(() => response.end('suffix'));
      });
      for (const url of ['pipe', 'pipeline']) {
        const response = await fetch(`http://127.0.0.1:${String(port)}/${url}`);
        assert.equal(response.headers.get('content-length'), null);
        assert.ok(Buffer.from(await response.arrayBuffer()).equals(Buffer.concat([content, Buffer.from('suffix')])));
      }
    });

    it('sends the head alone for HEAD and 304, and serves HTTP/1.0', async () => {
      const { port } = await serve((request, response) => {
        if (request.url === '/304') response.statusCode = 304;
        createReadStream(source, { end: 99 }).pipe(response);
      });
      const head = String(await rawExchange(port, 'HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'));
      assert.match(head, /^HTTP\/1\.1 200 OK\r\nContent-Length: 100\r\n[\s\S]*\r\n\r\n$/);
      const unmodified = String(await rawExchange(port, 'GET /304 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'));
      assert.match(unmodified, /^HTTP\/1\.1 304 [\s\S]*\r\n\r\n$/);
      assert.ok((await rawExchange(port, 'GET / HTTP/1.0\r\n\r\n')).subarray(-100).equals(content.subarray(0, 100)));
    });

    it('leaves the response free for another answer when its file is missing', async () => {
      const { port } = await serve((_request, response) => {
        createReadStream(folder.file('missing')).on('error', (error: NodeJS.ErrnoException) => {
          response.statusCode = 404;
          response.end(error.code);
        }).pipe(response);
      });
      const response = await fetch(`http://127.0.0.1:${String(port)}`);
      assert.deepEqual([response.status, await response.text()], [404, 'ENOENT']);
    });

    it('is destroyed, and its file closed, when the client leaves', async () => {
      const file = folder.file('long', '');
      fs.truncateSync(file, 200 * MIB);
      for (const [name, handle] of Object.entries(ways).slice(0, 1)) {
        const streams: ReadStream[] = [];
        const { port } = await serve((_request, response) => {
          const stream = createReadStream(file);
          streams.push(stream);
          handle(stream, response);
        });
        const client = net.connect(port, '127.0.0.1');
        client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
        await once(client, 'data');
        client.destroy();
        const [stream] = streams;
        if (stream?.closed === false) await once(stream, 'close');
        assert.ok(stream?.destroyed && !stream.readableEnded, name);
        assert.ok(stream.bytesRead > 0 && stream.bytesRead < 200 * MIB);
      }
    });

    it('tells pipeline() that the client left', async () => {
      const file = folder.file('long');
      let outcome: Promise<void> | undefined;
      const { port } = await serve((_request, response) => {
        outcome = pipelineDone(createReadStream(file), response);
      });
      const client = net.connect(port, '127.0.0.1');
      client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      await once(client, 'data');
      client.destroy();
      await assert.rejects(outcome as Promise<void>, ({ code }: NodeJS.ErrnoException) =>
        ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE'].includes(code ?? ''));
    });

    it('ends the connection when it is destroyed or aborted in the middle, or its file is cut', async () => {
      const file = folder.file('cut-while-sent');
      const endings: [(stream: ReadStream, controller: AbortController) => void, string | undefined][] = [
        [(stream) => stream.destroy(), undefined],
        [(_stream, controller) => { controller.abort(); }, 'ABORT_ERR'],
        [() => { fs.truncateSync(file, MIB); }, 'ERR_SHORT_FILE'],
      ];
      for (const [end, code] of endings) {
        fs.writeFileSync(file, '');
        fs.truncateSync(file, 200 * MIB);
        const controller = new AbortController();
        let outcome: Promise<unknown> | undefined;
        const streams: ReadStream[] = [];
        const { port } = await serve((_request, response) => {
          const stream = createReadStream(file, { signal: controller.signal });
          streams.push(stream);
          outcome = once(stream, 'close').then(() => undefined, (error: unknown) => (error as { code: string }).code);
          stream.pipe(response);
        });
        const client = net.connect(port, '127.0.0.1').on('error', () => undefined);
        const closed = once(client, 'close');
        client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
        await once(client, 'data');
        client.pause();
        end(streams[0] as ReadStream, controller);
        client.resume();
        assert.equal(await outcome, code);
        await closed;
        assert.ok(client.bytesRead < 200 * MIB);
      }
    });
  });
});
