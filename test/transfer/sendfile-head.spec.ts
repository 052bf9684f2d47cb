import assert from 'node:assert/strict';
import { once } from 'node:events';
import { open, type FileHandle } from 'node:fs/promises';
import type http from 'node:http';
import net from 'node:net';

import { native } from '#lib/native';
import { sendfile } from 'zerocopy';

import { parseResponses, rawExchange, received, servers } from '../support/network';
import { patternBytes, temporaryFolder } from '../support/temporary';

const REQUEST = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
const LAST = 'Connection: close\r\n';

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => Promise<unknown>;

describe('the head of a response and the first bytes of a file', () => {
  const folder = temporaryFolder();
  const { http: serve } = servers();
  const content = patternBytes(200_003);
  let handle: FileHandle;
  before(async () => { handle = await open(folder.file('content', content)); });
  after(async () => handle.close());

  const realSendInline = native.sendInline;
  afterEach(() => { native.sendInline = realSendInline; });

  /** What came for `request` from a server that does `handler` and then end(), and the server's socket. */
  async function exchange(handler: Handler, request: string): Promise<{ bytes: Buffer; socket: net.Socket }> {
    let failure: unknown;
    let socket: net.Socket | undefined;
    const { port } = await serve((incoming, response) => {
      ({ socket } = incoming);
      handler(incoming, response).catch((error: unknown) => { failure = error; }).finally(() => response.end());
    });
    const bytes = await rawExchange(port, request);
    if (failure !== undefined) throw failure as Error;
    return { bytes, socket: socket! };
  }

  for (const length of [1, 1024, 16 * 1024, 32 * 1024 + 1]) {
    it(`leave together: ${String(length)} bytes`, async () => {
      let finished = false;
      const { port } = await serve((_request, response) => {
        response.on('finish', () => { finished = true; });
        void sendfile(response, handle, { length }).then((sent) => {
          assert.equal(sent, length);
          assert.equal(response.headersSent, true);
          response.end();
        });
      });
      const client = net.connect(port, '127.0.0.1');
      client.write(REQUEST('/'));
      const [first] = (await once(client, 'data')) as [Buffer];
      const { responses, rest } = parseResponses(first, ['GET']);
      const { head, body } = responses[0]!;
      assert.deepEqual(body, content.subarray(0, length));
      assert.equal(rest.length, 0);
      assert.match(head, /^date: .+ GMT$/im);
      assert.match(head, /^connection: keep-alive$/im);
      assert.equal(finished, true);
      client.destroy();
    });
  }

  it('count in bytesWritten, and leave response and socket as they were', async () => {
    const { bytes, socket } = await exchange(async (_request, response) => {
      await sendfile(response, handle, { length: 5000 });
      const { writableLength, writableEnded, socket: used } = response;
      assert.deepEqual([writableLength, writableEnded, used?.writableLength], [0, false, 0]);
      assert.deepEqual(Object.getOwnPropertyNames(response.socket).filter((name) => /^_?write|^end/.test(name)), []);
    }, REQUEST('/', LAST));
    assert.equal(socket.bytesWritten, bytes.length);
  });

  /** What is queued before, or not begun: the head goes by Node, in its place. */
  const preparations: Readonly<Record<string, (response: http.ServerResponse) => void>> = {
    'a corked response': (response) => { response.cork(); process.nextTick(() => { response.uncork(); }); },
    'a corked socket': ({ socket }) => { socket?.cork(); setImmediate(() => { socket?.uncork(); }); },
    'a head that was flushed': (response) => { response.setHeader('Content-Length', 3000); response.flushHeaders(); },
    'a response that said continue': (response) => { response.writeContinue(); },
    'early hints': (response) => { response.writeEarlyHints({ link: '</x>; rel=preload' }); },
  };
  for (const [name, prepare] of Object.entries(preparations)) {
    it(`come in order after ${name}`, async () => {
      const { bytes } = await exchange((_request, response) => {
        prepare(response);
        return sendfile(response, handle, { length: 3000 });
      }, REQUEST('/', LAST));
      const text = bytes.toString('latin1');
      const start = text.indexOf('HTTP/1.1 200 OK');
      const { responses: [response], rest } = parseResponses(bytes.subarray(start), ['GET']);
      assert.deepEqual(response?.body, content.subarray(0, 3000));
      assert.equal(rest.length, 0);
      assert.match(text.slice(0, start), /^$|^HTTP\/1.1 10[03] /);
    });
  }

  it('come in order for pipelined requests to a client that stalls, transfers and plain bodies mixed', async () => {
    const count = 1500;
    const { port } = await serve((request, response) => {
      const number = Number(request.url?.slice(1));
      if (number % 3 === 0) {
        response.end(content.subarray(number, number + 3001));
        return;
      }
      const sending = sendfile(response, handle, { offset: number, length: 3001 });
      if (number % 3 === 1) response.end();
      else void sending.finally(() => response.end());
    });
    const client = net.connect(port, '127.0.0.1').pause();
    for (let i = 0; i < count; i++) client.write(REQUEST(`/${String(i)}`, i === count - 1 ? LAST : ''));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const { responses, rest } = parseResponses(await received(client), Array.from({ length: count }, () => 'GET'));
    assert.equal(responses.length, count);
    assert.equal(rest.length, 0);
    responses.forEach(({ body }, i) => { assert.ok(body.equals(content.subarray(i, i + 3001)), String(i)); });
  });

  it('are whole when the socket takes a part of the head only, or nothing, or a part of the body', async () => {
    let calls = 0;
    for (const [takes, expected] of [
      [(socket: number, head: string, fd: number) => realSendInline(socket, head.slice(0, 7), fd, 0, 0), 2],
      [() => 0, 2],
      [(socket: number, head: string, fd: number, offset: number) => realSendInline(socket, head, fd, offset, 9), 1],
    ] as const) {
      calls = 0;
      native.sendInline = (socket, head, fd, offset) => {
        calls += 1;
        return head === '' ? 0 : takes(socket, head, fd, offset);
      };
      const { bytes, socket } = await exchange(
        async (_request, response) => sendfile(response, handle, { offset: 5, length: 3001 }), REQUEST('/', LAST));
      const { responses: [response], rest } = parseResponses(bytes, ['GET']);
      assert.deepEqual(response?.body, content.subarray(5, 3006));
      assert.equal(rest.length, 0);
      assert.equal(socket.bytesWritten, bytes.length);
      assert.equal(calls, expected);
    }
  });

  it('carry every header as it was set: latin1, several cookies, a head of 20 KiB', async () => {
    for (const long of ['short', 'x'.repeat(20_000)]) {
      const { bytes } = await exchange((_request, response) => {
        response.setHeader('X-Latin1', 'caf\u00e9');
        response.setHeader('Set-Cookie', ['a=1', 'b=2']);
        response.setHeader('X-Long', long);
        return sendfile(response, handle, { length: 100 });
      }, REQUEST('/', LAST));
      const { responses: [response], rest } = parseResponses(bytes, ['GET']);
      assert.match(response?.head ?? '', /^X-Latin1: caf\u00e9\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n/m);
      assert.ok(response?.head.includes(`X-Long: ${long}\r\n`));
      assert.deepEqual(response?.body, content.subarray(0, 100));
      assert.equal(rest.length, 0);
    }
  });

  it('satisfy strictContentLength, which still refuses what is too much or too little', async () => {
    const attempt = async (announced: number, more: string): Promise<unknown> => {
      let failure: unknown;
      const { port } = await serve((_request, response) => {
        response.strictContentLength = true;
        response.writeHead(200, { 'Content-Length': announced, Connection: 'close' });
        response.flushHeaders();
        void sendfile(response, handle, { length: 50 }).then(() => {
          try {
            response.end(more);
          } catch (error) {
            failure = error;
            response.destroy();
          }
        });
      });
      await rawExchange(port, REQUEST('/')).catch(() => undefined);
      return (failure as NodeJS.ErrnoException | undefined)?.code;
    };
    assert.equal(await attempt(50, ''), undefined);
    assert.equal(await attempt(53, 'abc'), undefined);
    assert.equal(await attempt(53, 'ab'), 'ERR_HTTP_CONTENT_LENGTH_MISMATCH');
    assert.equal(await attempt(50, 'a'), 'ERR_HTTP_CONTENT_LENGTH_MISMATCH');
  });

  it('are activity to the timeout of the socket', async () => {
    const { port } = await serve((_request, response) => {
      const { socket } = response;
      socket?.setTimeout(400, () => socket.destroy());
      let sent = 0;
      const next = (): void => {
        void sendfile(response, handle, { offset: sent, length: 1000 }).then(() => {
          sent += 1000;
          if (sent < 5000) setTimeout(next, 150);
          else response.end();
        });
      };
      response.setHeader('Content-Length', 5000);
      response.flushHeaders();
      next();
    });
    const { responses: [response] } = parseResponses(await rawExchange(port, REQUEST('/', LAST)), ['GET']);
    assert.deepEqual(response?.body, content.subarray(0, 5000));
  });
});
