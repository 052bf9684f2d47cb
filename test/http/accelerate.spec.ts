import assert from 'node:assert/strict';
import compression from 'compression';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import path from 'node:path';
import { PassThrough, pipeline } from 'node:stream';
import { gunzipSync } from 'node:zlib';

import { accelerate, ZeroCopyResponse, type Transfers } from 'zerocopy/http';

import { localhost } from '../support/certificate';
import { runInChild } from '../support/child';
import { counted } from '../support/counted';
import { servers } from '../support/network';
import { exchanged, type FramedResponse } from '../support/raw-client';
import { patternBytes, temporaryFolder } from '../support/temporary';

const SIZE = 300_001;
const NOTHING: Transfers = { sendfile: 0, inline: 0, fallback: {}, bytes: 0 };
const RAW: Transfers = { ...NOTHING, sendfile: 1, bytes: SIZE };

function fellBack(reason: keyof Transfers['fallback'], count = 1): Transfers {
  return { ...NOTHING, fallback: { [reason]: count } };
}

describe('accelerate()', () => {
  const folder = temporaryFolder();
  const { http: serve } = servers();
  const content = patternBytes(SIZE);
  let file: string;
  before(() => { file = folder.file('content', content); });

  type Listener = (request: http.IncomingMessage, response: http.ServerResponse) => void;

  async function get(listener: Listener, path = '/', method = 'GET'): Promise<{ result: FramedResponse; by: Transfers }> {
    const { port } = await serve(accelerate(http.createServer(listener)));
    const { result, by } = await counted(() => exchanged(port, [{ path, method }]));
    return { result: result[0]!, by };
  }

  /** Announces all of `file`, as every library does. */
  function streamTo(response: http.ServerResponse, options?: Parameters<typeof fs.createReadStream>[1]): fs.ReadStream {
    response.setHeader('Content-Length', SIZE);
    return fs.createReadStream(file, options);
  }

  describe('leaves alone, and says why,', () => {
    it('what has no Content-Length', async () => {
      const { result, by } = await get((_, response) => { fs.createReadStream(file).pipe(response); });
      assert.deepEqual(result.body, content);
      assert.ok(result.headers.includes('Transfer-Encoding: chunked'));
      assert.deepEqual(by, fellBack('no-length'));
    });

    it('what is said to be chunked', async () => {
      const { result, by } = await get((_, response) => {
        response.setHeader('Transfer-Encoding', 'chunked');
        fs.createReadStream(file).pipe(response);
      });
      assert.deepEqual([result.body, by], [content, fellBack('chunked')]);
    });

    for (const [encoding, undo] of [['gzip', gunzipSync], ['identity', (bytes: Buffer) => bytes]] as const) {
      it(`what goes through compression, ${encoding}`, async () => {
        const compress = compression() as unknown as (request: unknown, response: unknown, next: () => void) => void;
        const { port } = await serve(accelerate(http.createServer((request, response) => {
          compress(request, response, () => {
            response.setHeader('Content-Type', 'text/plain');
            streamTo(response).pipe(response);
          });
        })));
        const { result, by } = await counted(() => exchanged(port, [{ path: '/', headers: { 'Accept-Encoding': encoding } }]));
        assert.deepEqual(undo(result[0]!.body), content);
        assert.deepEqual(by, fellBack('patched'));
      });
    }

    it('TLS', async () => {
      const server = accelerate(https.createServer(localhost, (_, response) => { streamTo(response).pipe(response); }));
      const { port } = await serve(server);
      const { by, result } = await counted(async () => {
        const request = https.get({ port, rejectUnauthorized: false, agent: false });
        const [response] = (await once(request, 'response')) as [http.IncomingMessage];
        return Buffer.concat(await response.toArray() as Buffer[]);
      });
      assert.deepEqual([result, by], [content, fellBack('tls')]);
    });

    it('HTTP/2', async () => {
      const server = http2.createServer((request, response) => {
        streamTo(response as unknown as http.ServerResponse).pipe(response);
        assert.ok(request.httpVersion === '2.0');
      });
      assert.equal(accelerate(server), server); // without a cast
      const { port } = await serve(server);
      const client = http2.connect(`http://127.0.0.1:${String(port)}`);
      for (const [method, expected] of [['GET', content], ['HEAD', Buffer.alloc(0)]] as const) {
        const { by, result } = await counted(async () => {
          const request = client.request({ ':path': '/', ':method': method });
          return Buffer.concat(await request.toArray() as Buffer[]);
        });
        assert.deepEqual([result, by], [expected, fellBack(method === 'GET' ? 'http2' : 'no-body')]);
      }
      client.close();
    });

    for (const [method, status] of [['HEAD', 200], ['GET', 304], ['GET', 204]] as const) {
      it(`${method} answered with ${String(status)}, although a file is piped`, async () => {
        const { port } = await serve(accelerate(http.createServer((_, response) => {
          response.statusCode = status;
          if (status === 204) fs.createReadStream(file).pipe(response);
          else streamTo(response).pipe(response);
        })));
        // The responses that follow show that not a byte went astray.
        const { result, by } = await counted(() => exchanged(port, [{ path: '/', method }, { path: '/', method }]));
        assert.deepEqual(result.map((response) => [response.status, response.body.length]), [[status, 0], [status, 0]]);
        assert.deepEqual(by, fellBack('no-body', 2));
      });
    }

    const observers: readonly [string, (stream: fs.ReadStream, pipe: () => void) => void][] = [
      ['data', (stream, pipe) => { stream.on('data', () => undefined); pipe(); }],
      ['data, after it was piped', (stream, pipe) => { pipe(); stream.on('data', () => undefined); }],
      ['readable', (stream, pipe) => { pipe(); stream.on('readable', () => { stream.read(); }); }],
      ['an encoding', (stream, pipe) => { stream.setEncoding('latin1'); pipe(); }],
      ['another pipe', (stream, pipe) => { stream.pipe(new PassThrough().resume()); pipe(); }],
    ];
    for (const [what, observe] of observers) {
      it(`a stream that somebody listens to: ${what}`, async () => {
        const ascii = folder.file('ascii', Buffer.alloc(SIZE, 'a'));
        const { result, by } = await get((_, response) => {
          response.setHeader('Content-Length', SIZE);
          const stream = fs.createReadStream(ascii);
          observe(stream, () => { stream.pipe(response); });
        });
        assert.deepEqual([result.body, by], [Buffer.alloc(SIZE, 'a'), fellBack('observed')]);
      });
    }

    it('a stream of which a part was read', async () => {
      const { result, by } = await get((_, response) => {
        const stream = streamTo(response);
        stream.once('readable', () => {
          response.write(stream.read(10));
          stream.removeAllListeners('readable');
          setImmediate(() => stream.pipe(response));
        });
      });
      assert.deepEqual([result.body, by], [content, fellBack('started')]);
    });

    it('a descriptor that is read from where it stands', async () => {
      const { result, by } = await get((_, response) => {
        const fd = fs.openSync(file, 'r');
        fs.readSync(fd, Buffer.alloc(1), 0, 1, null);
        response.setHeader('Content-Length', SIZE - 1);
        fs.createReadStream('', { fd }).pipe(response);
      });
      assert.deepEqual([result.body, by], [content.subarray(1), fellBack('position')]);
    });

    type ReadDone = (error: Error | null, count: number, buffer: Buffer) => void;
    type ReadArguments =
      [fd: number, buffer: Buffer, offset: number, length: number, position: number | null, done: ReadDone];
    const upside = (bytes: Uint8Array) => { for (const [i, byte] of bytes.entries()) bytes[i] = 255 - byte; };
    const customs: readonly [string, (response: http.ServerResponse) => fs.ReadStream][] = [
      ['a file system of its own', (response) => streamTo(response, {
        fs: {
          ...fs,
          read: (...[fd, buffer, offset, length, position, done]: ReadArguments) => {
            fs.read(fd, buffer, offset, length, position, (error, count) => {
              upside(buffer);
              done(error, count, buffer);
            });
          },
        },
      })],
      ['a _read of its own', (response) => {
        const stream = streamTo(response) as fs.ReadStream & { push(chunk: unknown): boolean };
        const { push } = stream;
        stream.push = (chunk: Buffer | null) => {
          if (chunk !== null) upside(chunk);
          return push.call(stream, chunk);
        };
        return stream;
      }],
    ];
    for (const [what, make] of customs) {
      it(`a stream with ${what}`, async () => {
        const { result, by } = await get((_, response) => { make(response).pipe(response); });
        assert.deepEqual([result.body, by], [Buffer.from(content.map((byte) => 255 - byte)), fellBack('custom')]);
      });
    }

    it('a device', async () => {
      const { result, by } = await get((_, response) => {
        response.setHeader('Content-Length', 100_000);
        fs.createReadStream('/dev/zero', { end: 99_999 }).pipe(response);
      });
      assert.deepEqual([result.body, by], [Buffer.alloc(100_000), fellBack('not-a-file')]);
    });

    it('what is no file stream, without counting it', async () => {
      const { result, by } = await get((_, response) => {
        pipeline(streamTo(response), new PassThrough(), response, () => undefined);
      });
      assert.deepEqual([result.body, by], [content, NOTHING]);
    });
  });

  describe('sends by sendfile', () => {
    it('the part that was announced, of a stream with start and end', async () => {
      const { result, by } = await get((_, response) => {
        response.writeHead(206, { 'Content-Length': 200_000 });
        fs.createReadStream(file, { start: 5, end: 200_004 }).pipe(response);
      });
      assert.deepEqual([result.body, by], [content.subarray(5, 200_005), { ...RAW, bytes: 200_000 }]);
    });

    it('by a descriptor with a start, and by FileHandle', async () => {
      for (const open of [
        () => Promise.resolve(fs.createReadStream('', { fd: fs.openSync(file, 'r'), start: 0 })),
        async () => (await fs.promises.open(file)).createReadStream({ start: 0 }),
      ]) {
        const { result, by } = await get((_, response) => {
          response.setHeader('Content-Length', SIZE);
          void open().then((stream) => stream.pipe(response));
        });
        assert.deepEqual([result.body, by], [content, RAW]);
      }
    });

    it('a stream that was open, or waited for, before', async () => {
      const { result, by } = await get((_, response) => {
        const stream = streamTo(response);
        stream.once('ready', () => setImmediate(() => stream.pipe(response)));
      });
      assert.deepEqual([result.body, by], [content, RAW]);
    });

    it('after flushHeaders(), after a part of the body, and file after file', async () => {
      const parts = [content.subarray(0, 100_000), content.subarray(100_000)];
      const { result, by } = await get((_, response) => {
        response.setHeader('Content-Length', SIZE + 6);
        response.flushHeaders();
        response.write('<<<');
        const first = fs.createReadStream(file, { end: 99_999 });
        first.pipe(response, { end: false });
        first.once('end', () => {
          const second = fs.createReadStream(file, { start: 100_000 });
          second.pipe(response, { end: false });
          second.once('end', () => response.end('>>>'));
        });
      });
      assert.deepEqual(result.body, Buffer.concat([Buffer.from('<<<'), ...parts, Buffer.from('>>>')]));
      assert.deepEqual(by, { ...RAW, sendfile: 2 });
    });

    it('one file of several, where the first cannot know that more will come', async () => {
      const { result, by } = await get((_, response) => {
        response.setHeader('Content-Length', 2 * SIZE);
        const first = fs.createReadStream(file);
        first.pipe(response, { end: false });
        first.once('end', () => fs.createReadStream(file).pipe(response));
      });
      assert.deepEqual(result.body, Buffer.concat([content, content]));
      assert.deepEqual(by, { ...RAW, fallback: { length: 1 } });
    });

    it('to HTTP/1.0, and after 100-continue', async () => {
      const server = accelerate(http.createServer());
      server.on('request', (_, response) => { streamTo(response).pipe(response); });
      server.on('checkContinue', (request, response) => {
        response.writeContinue();
        server.emit('request', request, response);
      });
      const { port } = await serve(server);
      const { result, by } = await counted(async () => {
        const request = http.request({ port, headers: { Expect: '100-continue' }, method: 'POST' });
        const answered = once(request, 'response') as Promise<[http.IncomingMessage]>; // may come with the 100
        request.flushHeaders();
        await once(request, 'continue');
        request.end();
        const [response] = await answered;
        return Buffer.concat(await response.toArray() as Buffer[]);
      });
      assert.deepEqual([result, by], [content, RAW]);
    });

    it('with a checkContinue listener of its own alone, and none after it is gone', async () => {
      const server = accelerate(http.createServer((_, response) => response.end()));
      const listener: Listener = (_, response) => { streamTo(response).pipe(response); };
      server.on('checkContinue', listener);
      assert.equal(server.listenerCount('checkContinue'), 2);
      const { port } = await serve(server);
      const { by } = await counted(() => exchanged(port, [{ path: '/', headers: { Expect: '100-continue' } }]));
      assert.deepEqual(by, RAW);
      server.off('checkContinue', listener);
      assert.equal(server.listenerCount('checkContinue'), 0);
    });

    it('once, for a server that is accelerated twice and whose responses are accelerated too', async () => {
      const listener: Listener = (_, response) => { streamTo(response).pipe(response); };
      const server = http.createServer({ ServerResponse: ZeroCopyResponse }, listener);
      assert.equal(accelerate(server), server);
      assert.equal(accelerate(server), server);
      const { port } = await serve(server);
      const { result, by } = await counted(() => exchanged(port, [{ path: '/' }, { path: '/' }]));
      assert.deepEqual(result.map(({ body }) => body), [content, content]);
      assert.deepEqual(by, { ...RAW, sendfile: 2, bytes: 2 * SIZE });
    });

    it('more or less, as options.inlineLimit says', async () => {
      for (const [inlineLimit, way] of [[0, 'sendfile'], [SIZE - 1, 'sendfile'], [SIZE, 'inline']] as const) {
        const listener: Listener = (_, response) => { streamTo(response).pipe(response); };
        const { port } = await serve(accelerate(http.createServer(listener), { inlineLimit }));
        const { result, by } = await counted(() => exchanged(port, [{ path: '/' }]));
        assert.deepEqual([result[0]!.body, by], [content, { ...NOTHING, [way]: 1, bytes: SIZE }]);
      }
    });
  });

  it('shows a program the events that Node shows', async () => {
    const EVENTS = ['open', 'ready', 'resume', 'pause', 'end', 'close', 'error', 'pipe', 'unpipe', 'drain', 'prefinish', 'finish'];
    const record = (log: string[], name: string, emitter: NodeJS.EventEmitter): void => {
      for (const event of EVENTS) emitter.on(event, () => log.push(`${name} ${event}`));
    };
    for (const size of [0, 1000, SIZE]) {
      const file = folder.file(`events-${String(size)}`, content.subarray(0, size));
      for (const how of ['pipe', 'pipeline', 'pipe, open to more'] as const) {
        const logs: string[][] = [];
        for (const wrap of [(server: http.Server) => server, accelerate]) {
          const log: string[] = [];
          logs.push(log);
          const ended = new Promise<void>((resolve) => {
            const server = wrap(http.createServer((_, response) => {
              response.setHeader('Content-Length', size);
              const stream = fs.createReadStream(file);
              record(log, 'file', stream);
              record(log, 'response', response);
              let open = 2;
              for (const emitter of [response, stream]) emitter.on('close', () => { if (--open === 0) setImmediate(resolve); });
              if (how === 'pipeline') pipeline(stream, response, (error) => log.push(`callback ${String(error)}`));
              else stream.pipe(response, { end: how === 'pipe' });
              if (how === 'pipe, open to more') stream.on('end', () => response.end());
            }));
            void serve(server).then(({ port }) => exchanged(port, [{ path: '/' }]));
          });
          await ended;
        }
        const of = (name: string) => logs.map((log) => log.filter((line) => line.startsWith(name) && !/drain|resume|pause/.test(line)));
        for (const name of ['file', 'response', 'callback']) {
          const [expected, got] = of(name);
          assert.deepEqual(got, expected, `${how}, ${String(size)} bytes`);
        }
      }
    }
  });

  it('counts what the stream would have read, and what the socket has sent', async () => {
    const seen: number[] = [];
    await get((_, response) => {
      const stream = streamTo(response);
      const { socket } = response;
      stream.on('end', () => seen.push(stream.bytesRead));
      response.on('finish', () => seen.push(socket!.bytesWritten > SIZE ? SIZE : socket!.bytesWritten));
      stream.pipe(response);
    });
    assert.deepEqual(seen, [SIZE, SIZE]);
  });

  it('refuses what is no server, and options that it does not know', () => {
    const server = http.createServer();
    for (const [wrong, code] of [
      [() => accelerate(undefined as never), 'ERR_INVALID_ARG_TYPE'],
      [() => accelerate({} as never), 'ERR_INVALID_ARG_TYPE'],
      [() => accelerate((() => undefined) as never), 'ERR_INVALID_ARG_TYPE'],
      [() => accelerate(server, null as never), 'ERR_INVALID_ARG_TYPE'],
      [() => accelerate(server, { inline: 1 } as never), 'ERR_INVALID_ARG_VALUE'],
      [() => accelerate(server, { inlineLimit: '5' } as never), 'ERR_INVALID_ARG_TYPE'],
      [() => accelerate(server, { inlineLimit: -1 }), 'ERR_OUT_OF_RANGE'],
      [() => accelerate(server, { inlineLimit: 1.5 }), 'ERR_OUT_OF_RANGE'],
    ] as const) assert.throws(wrong, { code });
    assert.equal(server.listenerCount('request'), 0);
  });

  it('tells each fall-back under NODE_DEBUG=zerocopy', async () => {
    const { stderr, code } = await runInChild(`
      const http = require('node:http');
      const fs = require('node:fs');
      const { accelerate } = require('zerocopy/http');
      const server = accelerate(http.createServer((request, response) => {
        fs.createReadStream(${JSON.stringify(path.resolve(file))}).pipe(response);
      })).listen(0, () => {
        http.get({ port: server.address().port, path: '/some/path', agent: false }, (response) => {
          response.resume().on('end', () => server.close());
        });
      });`, { env: { NODE_DEBUG: 'zerocopy' } });
    assert.equal(code, 0);
    assert.match(stderr, /^ZEROCOPY \d+: GET \/some\/path: not by sendfile: no-length$/m);
  });
});
