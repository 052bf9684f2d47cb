import assert from 'node:assert/strict';
import { once } from 'node:events';
import type http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import stream from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import tls from 'node:tls';
import { brotliDecompressSync, createBrotliCompress } from 'node:zlib';

import { native } from '#lib/native';
import { explainTransfer, mmap, sendfile } from 'zerocopy';

import { localhost } from '../support/certificate';
import { parseResponses, rawExchange, received, servers } from '../support/network';
import { patternBytes, temporaryFolder } from '../support/temporary';

const SECRET = Buffer.from('the secret that must never be seen on the wire: ');

describe('sendfile falls back', () => {
  const folder = temporaryFolder();
  const { http: serve } = servers();
  // Incompressible after the first line, and longer than a few pieces.
  const content = Buffer.concat([SECRET, patternBytes(1_300_007), SECRET]);
  let file: string;
  before(() => { file = folder.file('content', content); });

  /** Everything that crosses the wire between a client and `port`, both ways, as the peer of both sees it. */
  async function wiretap(port: number): Promise<{ port: number; seen: Buffer[]; close(): void }> {
    const seen: Buffer[] = [];
    const server = net.createServer((inside) => {
      const outside = net.connect(port, '127.0.0.1');
      for (const [from, to] of [[inside, outside], [outside, inside]] as const) {
        from.on('data', (piece: Buffer) => { seen.push(piece); }).on('error', () => undefined);
        from.pipe(to);
      }
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { port: (server.address() as net.AddressInfo).port, seen, close: () => { server.close(); } };
  }

  it('for TLS, in order, and no plaintext reaches the wire', async () => {
    const server = tls.createServer(localhost, (socket) => {
      assert.deepEqual(explainTransfer(socket), { way: 'fallback', reason: 'tls' });
      socket.write('before');
      void sendfile(socket, file).then((sent) => { assert.equal(sent, content.length); });
      socket.write('between');
      void sendfile(socket, mmap(file), { offset: 10, length: 300_000 });
      socket.end('after');
    }).listen(0);
    const tap = await wiretap((server.address() as net.AddressInfo).port);
    const started = native.counters().transfersStarted;
    const got = await received(tls.connect({ port: tap.port, rejectUnauthorized: false }));
    const expected = [Buffer.from('before'), content, Buffer.from('between'), content.subarray(10, 300_010), Buffer.from('after')];
    assert.deepEqual(got, Buffer.concat(expected));
    assert.equal(native.counters().transfersStarted, started);
    const wire = Buffer.concat(tap.seen);
    assert.ok(wire.length > content.length);
    assert.equal(wire.indexOf(SECRET), -1);
    tap.close();
    server.close();
  });

  it('for many TLS connections at once, each with its own bytes', async () => {
    const server = https.createServer(localhost, (request, response) => {
      const offset = Number(request.url?.slice(1));
      void sendfile(response, file, { offset }).finally(() => response.end());
    }).listen(0);
    const { port } = server.address() as net.AddressInfo;
    await Promise.all(Array.from({ length: 12 }, async (_, i) => {
      const path = `/${String(i * 10_007)}`;
      const request = https.get({ port, path, rejectUnauthorized: false, agent: false });
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      await pause(i % 3 * 10); // some read later than others
      assert.ok((await received(response as unknown as net.Socket)).equals(content.subarray(i * 10_007)), path);
    }));
    server.close();
  });

  it('for HTTPS', async () => {
    const server = https.createServer(localhost, (_request, response) => {
      assert.deepEqual(explainTransfer(response), { way: 'fallback', reason: 'tls' });
      void sendfile(response, file);
      response.end();
    }).listen(0);
    const { port } = server.address() as net.AddressInfo;
    const request = https.get({ port, rejectUnauthorized: false, agent: false });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    assert.equal(response.headers['content-length'], String(content.length));
    assert.deepEqual(await received(response as unknown as net.Socket), content);
    server.close();
  });

  it('for HTTP/2: compatible responses and streams', async () => {
    const server = http2.createServer();
    server.on('request', (request, response) => {
      if (request.url === '/stream') return;
      assert.deepEqual(explainTransfer(response as unknown as stream.Writable), { way: 'fallback', reason: 'http2' });
      sendfile(response as unknown as stream.Writable, file).then((sent) => {
        assert.equal(sent, request.method === 'HEAD' ? 0 : content.length);
        response.end();
      }, (error: unknown) => { response.stream.destroy(error as Error); });
    });
    server.on('stream', (streamed, headers) => {
      if (headers[':path'] !== '/stream') return;
      streamed.respond({ ':status': 200 });
      void sendfile(streamed, file);
      streamed.end('after');
    });
    server.listen(0);
    const client = http2.connect(`http://127.0.0.1:${String((server.address() as net.AddressInfo).port)}`);
    for (const [path, method, expected] of [
      ['/', 'GET', content], ['/', 'HEAD', Buffer.alloc(0)], ['/stream', 'GET', Buffer.concat([content, Buffer.from('after')])],
    ] as const) {
      const request = client.request({ ':path': path, ':method': method });
      const [headers] = (await once(request, 'response')) as [http2.IncomingHttpHeaders];
      if (path === '/') assert.equal(headers['content-length'], String(content.length));
      assert.deepEqual(await received(request as unknown as net.Socket), expected);
    }
    client.close();
    server.close();
  });

  it('for a response whose write and end were replaced to transform the bytes', async () => {
    const { port } = await serve((_request, response) => {
      compress(response);
      assert.deepEqual(explainTransfer(response), { way: 'fallback', reason: 'patched' });
      void sendfile(response, file).then((sent) => { assert.equal(sent, content.length); });
      response.end();
    });
    const { body } = parseResponses(await rawExchange(port, 'GET / HTTP/1.0\r\n\r\n'), ['GET']).responses[0]!;
    assert.equal(body.length, 0); // no length was announced: the rest of the connection is the body
    const all = await rawExchange(port, 'GET / HTTP/1.0\r\n\r\n');
    assert.deepEqual(brotliDecompressSync(all.subarray(all.indexOf('\r\n\r\n') + 4)), content);
  });

  /** What middleware such as `compression` does. */
  function compress(response: http.ServerResponse): void {
    const brotli = createBrotliCompress({ params: {} });
    const write = response.write.bind(response);
    const end = response.end.bind(response);
    brotli.on('data', (piece: Buffer) => write(piece)).on('end', () => end());
    brotli.on('drain', () => response.emit('drain'));
    response.write = ((...args: Parameters<typeof brotli.write>) => {
      if (!response.headersSent) {
        response.removeHeader('Content-Length');
        response.writeHead(200, { 'Content-Encoding': 'br' });
      }
      return brotli.write(...args);
    }) as typeof response.write;
    response.end = (() => {
      brotli.end();
      return response;
    }) as typeof response.end;
  }

  it('for a chunked response, framed as it must be', async () => {
    for (const begin of [
      (response: http.ServerResponse) => response.setHeader('Transfer-Encoding', 'chunked'),
      (response: http.ServerResponse) => response.write('first'),
    ]) {
      const { port } = await serve((_request, response) => {
        begin(response);
        assert.deepEqual(explainTransfer(response), { way: 'fallback', reason: 'chunked' });
        void sendfile(response, file);
        response.end('last');
      });
      const answer = await fetch(`http://127.0.0.1:${String(port)}/`);
      assert.equal(answer.headers.get('transfer-encoding'), 'chunked');
      const body = Buffer.from(await answer.arrayBuffer());
      assert.deepEqual(body.subarray(-4 - content.length), Buffer.concat([content, Buffer.from('last')]));
    }
  });

  it('when a hook takes the length away while the head is made', async () => {
    const { port } = await serve((_request, response) => {
      const { writeHead } = response;
      response.writeHead = ((...args: unknown[]) => {
        response.removeHeader('content-length');
        return Reflect.apply(writeHead, response, args) as http.ServerResponse;
      });
      void sendfile(response, file);
      response.end();
    });
    const answer = await fetch(`http://127.0.0.1:${String(port)}/`);
    assert.equal(answer.headers.get('transfer-encoding'), 'chunked');
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), content);
  });

  it('for any other Writable, with its back-pressure', async () => {
    const pass = new stream.PassThrough({ highWaterMark: 1000 });
    assert.deepEqual(explainTransfer(pass), { way: 'fallback', reason: 'not-a-socket' });
    const sending = sendfile(pass, file);
    pass.end('after');
    await pause(20);
    assert.ok(pass.readableLength + pass.writableLength < 1_200_000, 'it does not read ahead of the reader');
    assert.deepEqual(await received(pass as unknown as net.Socket), Buffer.concat([content, Buffer.from('after')]));
    assert.equal(await sending, content.length);
    // A stream that is piped into it meanwhile waits, and continues.
    const second = new stream.PassThrough();
    const both = sendfile(second, file);
    stream.Readable.from([Buffer.from('piped '), Buffer.from('behind')]).pipe(second);
    assert.deepEqual(await received(second as unknown as net.Socket), Buffer.concat([content, Buffer.from('piped behind')]));
    assert.equal(await both, content.length);
  });

  it('for many transfers at once to one Writable, and leaves it as it was', async () => {
    const pass = new stream.PassThrough();
    const expected: Buffer[] = [];
    const sending = Array.from({ length: 15 }, (_, i) => {
      expected.push(content.subarray(i, i + 20_000 * i), Buffer.from(`<${String(i)}>`));
      const sent = sendfile(pass, file, { offset: i, length: 20_000 * i });
      pass.write(`<${String(i)}>`);
      return sent;
    });
    let warning: Error | undefined;
    process.once('warning', (told) => { warning = told; });
    const got = received(pass as unknown as net.Socket);
    await Promise.all(sending);
    assert.equal(Object.hasOwn(pass, 'write') || Object.hasOwn(pass, 'end'), false);
    pass.end();
    assert.deepEqual(await got, Buffer.concat(expected));
    assert.equal(warning, undefined);
  });

  it('for a proxy of a socket or response', () => {
    const socket = new net.Socket();
    assert.deepEqual(explainTransfer(new Proxy(socket, {})), { way: 'fallback', reason: 'proxy' });
  });

  it('for a socket whose methods were replaced, or that is not connected', async () => {
    const socket = new net.Socket();
    assert.deepEqual(explainTransfer(socket), { way: 'fallback', reason: 'no-descriptor' });
    socket._write = () => undefined;
    assert.deepEqual(explainTransfer(socket), { way: 'fallback', reason: 'patched' });
    await assert.rejects(sendfile(new net.Socket(), file), { code: 'ERR_SOCKET_CLOSED', bytesSent: 0 });
  });

  it('and ends like any other transfer: aborted, short, destroyed', async () => {
    const control = new AbortController();
    const slow = new stream.Writable({ write: (_piece, _encoding, done) => setTimeout(done, 5) });
    const sending = sendfile(slow, file, { signal: control.signal });
    await pause(8);
    control.abort();
    await assert.rejects(sending, { code: 'ABORT_ERR', name: 'AbortError' });
    const short = new stream.PassThrough().resume();
    await assert.rejects(sendfile(short, file, { length: content.length + 1 }), { code: 'ERR_SHORT_FILE', bytesSent: content.length });
    assert.equal(short.destroyed, true);
    const destroyed = new stream.Writable({ write: () => undefined });
    const stuck = sendfile(destroyed, file);
    await pause(20);
    destroyed.destroy();
    await assert.rejects(stuck, (error: NodeJS.ErrnoException) => /^ERR_STREAM_(PREMATURE_CLOSE|DESTROYED)$/.test(error.code ?? ''));
    const failing = new stream.Writable({ write: (_piece, _encoding, done) => { done(new Error('no more')); } });
    await assert.rejects(sendfile(failing, file), { message: 'no more', bytesSent: 0 });
  });
});
