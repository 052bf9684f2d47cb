import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, truncateSync } from 'node:fs';
import type http from 'node:http';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

import { native } from '#lib/native';
import { mmap, sendfile, type SendfileOptions } from 'zerocopy';

import { openDescriptors, openedSince } from '../support/descriptors';
import { writeLargeFile } from '../support/large-file';
import { received, servers } from '../support/network';
import { patternBytes, temporaryFolder } from '../support/temporary';

const MIB = 2 ** 20;
const LARGE = 256 * MIB; // more than any socket buffer takes

interface Failure extends Error {
  readonly code?: string;
  readonly bytesSent: number;
  readonly cause?: unknown;
}

describe('sendfile ends', () => {
  const folder = temporaryFolder();
  const { tcp, http: serve, close: closeServers } = servers();
  let large: string;
  before(() => {
    large = folder.file('large');
    writeLargeFile(large, LARGE);
  });

  let descriptorsBefore: ReadonlyMap<number, string>;
  beforeEach(() => { descriptorsBefore = openDescriptors(); });
  afterEach(async () => {
    closeServers();
    // Sockets close a turn of the loop after their 'close'.
    for (let i = 0; i < 100 && !settled(); i++) await pause(10);
    assert.deepEqual(left(), [], 'descriptors were left open');
    assert.equal(native.counters().transfersInFlight, 0);
  });
  const settled = (): boolean => left().length === 0 && native.counters().transfersInFlight === 0;

  /** What is open, but for the pump's own poller and bell, listening sockets, and numbers. */
  function left(): string[] {
    const opened = openedSince(descriptorsBefore);
    return opened.filter((target) => target.startsWith('/') || target.startsWith('socket'));
  }

  /** A client that reads one piece and then nothing, and the server's side of it. */
  async function stalled(
    options: net.ServerOpts = {},
  ): Promise<{ client: net.Socket; socket: net.Socket; close(): Promise<void> }> {
    let accept: (socket: net.Socket) => void;
    const accepted = new Promise<net.Socket>((resolve) => { accept = resolve; });
    const server = net.createServer({ allowHalfOpen: true, ...options }, (socket) => { accept(socket); }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1').pause();
    client.on('error', () => undefined);
    const socket = await accepted;
    socket.on('error', () => undefined);
    return {
      client,
      socket,
      close: async () => {
        client.destroy();
        socket.destroy();
        server.close();
        await once(server, 'close');
      },
    };
  }

  async function failureOf(sending: Promise<number>): Promise<Failure> {
    const sent = await sending.catch((error: unknown) => error);
    assert.ok(sent instanceof Error, `resolved with ${String(sent)}`);
    return sent as Failure;
  }

  async function untilSomeSent(socket: net.Socket): Promise<void> {
    while (socket.bytesWritten === 0) await pause(5);
    await pause(50);
  }

  for (const way of ['reset', 'close', 'half-close then reset'] as const) {
    it(`with EPIPE or ECONNRESET when the peer goes: ${way}`, async () => {
      const { client, socket, close } = await stalled();
      const sending = failureOf(sendfile(socket, large));
      await untilSomeSent(socket);
      if (way === 'half-close then reset') {
        client.end();
        await pause(20);
      }
      if (way === 'close') client.destroy();
      else client.resetAndDestroy();
      const error = await sending;
      assert.match(error.code ?? '', /^(EPIPE|ECONNRESET)$/);
      assert.ok(error.bytesSent > 0 && error.bytesSent < LARGE);
      // Node asks for the last time when it destroys the socket, which may be in the middle of a turn of the pump.
      assert.ok(error.bytesSent >= socket.bytesWritten && error.bytesSent - socket.bytesWritten <= MIB);
      assert.equal(socket.destroyed, true);
      await close();
    });
  }

  it('with EPIPE or ECONNRESET for a response, and the request says that it was aborted', async () => {
    const failures: Failure[] = [];
    const { port } = await serve((_request, response) => {
      void failureOf(sendfile(response, large)).then((error) => failures.push(error));
    });
    const client = net.connect(port, '127.0.0.1');
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(client, 'data');
    client.destroy();
    while (failures.length === 0) await pause(5);
    assert.match(failures[0]?.code ?? '', /^(EPIPE|ECONNRESET)$/);
    assert.ok((failures[0]?.bytesSent ?? 0) > 0);
  });

  it('for responses that wait behind one of the same connection, when that closes', async () => {
    const failures: Failure[] = [];
    const { port } = await serve((_request, response) => {
      void failureOf(sendfile(response, large)).then((error) => failures.push(error));
    });
    const client = net.connect(port, '127.0.0.1');
    client.write('GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(client, 'data');
    client.destroy();
    while (failures.length < 3) await pause(5);
    assert.ok(failures.every(({ code }) => code !== undefined), String(failures));
    assert.ok(failures.filter(({ bytesSent }) => bytesSent === 0).length >= 2); // those that waited
  });

  it('for a response whose socket goes while the file is opened', async () => {
    const failures: Failure[] = [];
    const { port } = await serve((_request, response) => {
      // Not a string: on the thread pool.
      void failureOf(sendfile(response, Buffer.from(large))).then((error) => failures.push(error));
      response.socket?.destroy();
    });
    const client = net.connect(port, '127.0.0.1').on('error', () => undefined);
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    while (failures.length === 0) await pause(5);
    assert.equal(failures[0]?.bytesSent, 0);
    client.destroy();
  });

  it('without an error event that nobody listens to', async () => {
    const { client, socket, close } = await stalled({ pauseOnConnect: true }); // Node itself must not read the reset
    socket.removeAllListeners('error');
    let uncaught: unknown;
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => { uncaught = error; });
    const sending = failureOf(sendfile(socket, large));
    await untilSomeSent(socket);
    client.end();
    client.destroy();
    assert.match((await sending).code ?? '', /^(EPIPE|ECONNRESET)$/);
    await close();
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
    assert.equal(uncaught, undefined);
  });

  it("with the stream's error when the socket is destroyed", async () => {
    const { socket, close } = await stalled();
    const sending = failureOf(sendfile(socket, large));
    const behind = failureOf(sendfile(socket, large));
    await untilSomeSent(socket);
    const { bytesWritten } = socket;
    socket.destroy();
    const error = await sending;
    assert.equal(error.code, 'ERR_STREAM_PREMATURE_CLOSE');
    assert.equal(error.bytesSent, bytesWritten);
    const second = await behind;
    assert.match(second.code ?? '', /^ERR_STREAM_(DESTROYED|PREMATURE_CLOSE)$/);
    assert.equal(second.bytesSent, 0);
    const late = await failureOf(sendfile(socket, large));
    assert.equal(late.code, 'ERR_STREAM_DESTROYED');
    await close();
  });

  it("with the caller's own error when he destroys the socket with one", async () => {
    const { socket, close } = await stalled();
    const sending = failureOf(sendfile(socket, large));
    await untilSomeSent(socket);
    socket.destroy(new Error('enough'));
    assert.equal((await sending).message, 'enough');
    await close();
  });

  describe('by AbortSignal', () => {
    const aborted = (options: SendfileOptions, socket: net.Socket): Promise<Failure> =>
      failureOf(sendfile(socket, large, options));

    it('before: nothing is sent, the socket lives', async () => {
      const { socket, close } = await stalled();
      const error = await aborted({ signal: AbortSignal.abort('reason') }, socket);
      assert.deepEqual([error.name, error.code, error.cause, error.bytesSent], ['AbortError', 'ABORT_ERR', 'reason', 0]);
      assert.equal(socket.destroyed, false);
      await close();
    });

    it('while it waits for its turn: nothing is sent, the transfer before goes on', async () => {
      const { client, socket, close } = await stalled();
      const first = sendfile(socket, large, { length: 32 * MIB });
      const control = new AbortController();
      const second = aborted({ signal: control.signal }, socket);
      socket.end('end');
      control.abort();
      const error = await second;
      assert.deepEqual([error.code, error.bytesSent], ['ABORT_ERR', 0]);
      assert.equal((await received(client)).length, 32 * MIB + 3);
      assert.equal(await first, 32 * MIB);
      await close();
    });

    it('in the middle: the count is exact, the connection is cut', async () => {
      const { client, socket, close } = await stalled();
      const control = new AbortController();
      const sending = aborted({ signal: control.signal }, socket);
      await untilSomeSent(socket);
      control.abort();
      const error = await sending;
      assert.equal(error.code, 'ABORT_ERR');
      assert.equal(socket.destroyed, true);
      assert.equal((await received(client)).length, error.bytesSent);
      await close();
    });

    it('after: nothing happens', async () => {
      const { client, socket, close } = await stalled();
      const control = new AbortController();
      client.resume();
      assert.equal(await sendfile(socket, large, { length: 4 * MIB, signal: control.signal }), 4 * MIB);
      control.abort();
      await pause(10);
      assert.equal(socket.destroyed, false);
      await close();
    });
  });

  it('with the error that onProgress threw', async () => {
    const { socket, close } = await stalled();
    const error = await failureOf(sendfile(socket, large, { onProgress: () => { throw new Error('mine'); } }));
    assert.equal(error.message, 'mine');
    assert.ok(error.bytesSent > 0);
    await close();
  });

  it('with whatever onProgress threw, as it is', async () => {
    for (const thrown of [Object.freeze(new Error('frozen')), undefined, null, 'text']) {
      const { socket, close } = await stalled();
      const outcome = sendfile(socket, large, { onProgress: () => { throw thrown as Error; } });
      assert.deepEqual(await outcome.then(() => ['resolved'], (reason: unknown) => [reason]), [thrown]);
      await close();
    }
  });

  for (const kind of ['socket', 'response'] as const) {
    it(`with ERR_SHORT_FILE when the file is cut while it is sent to a ${kind}, and the connection is cut`, async () => {
      const shrinking = folder.file('shrinking');
      writeLargeFile(shrinking, LARGE);
      let sending: Promise<Failure> | undefined;
      const start = (out: net.Socket | http.ServerResponse): void => { sending = failureOf(sendfile(out, shrinking)); };
      const client = kind === 'socket'
        ? net.connect(await tcp(start))
        : net.connect((await serve((_request, response) => { start(response); })).port, '127.0.0.1');
      client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      const [head] = (await once(client, 'data')) as [Buffer];
      client.pause();
      await pause(50);
      truncateSync(shrinking, 100 * MIB + 1);
      const got = await received(client);
      const error = await sending;
      assert.equal(error?.code, 'ERR_SHORT_FILE');
      assert.equal(error.bytesSent, 100 * MIB + 1);
      const body = head.length + got.length - (kind === 'response' ? head.indexOf('\r\n\r\n') + 4 : 0);
      assert.equal(body, 100 * MIB + 1);
    });
  }

  it('with ERR_SHORT_FILE when more is asked for than there is: a response is told before anything is sent', async () => {
    const file = folder.file('short', patternBytes(1000));
    const { client, socket, close } = await stalled();
    const error = await failureOf(sendfile(socket, file, { offset: 1, length: 1000 }));
    assert.deepEqual([error.code, error.bytesSent], ['ERR_SHORT_FILE', 999]);
    assert.equal((await received(client)).length, 999);
    await close();
    const { port } = await serve((_request, response) => {
      void failureOf(sendfile(response, file, { length: 1001 })).then(({ code, bytesSent }) => {
        response.statusCode = 500;
        response.removeHeader('content-length');
        response.end(`${String(code)} ${String(bytesSent)}`);
      });
    });
    const answer = await fetch(`http://127.0.0.1:${String(port)}/`, { headers: { connection: 'close' } });
    assert.deepEqual([answer.status, await answer.text()], [500, 'ERR_SHORT_FILE 0']);
  });

  it('where it was announced to end when the file grows: not a byte more', async () => {
    const growing = folder.file('growing', patternBytes(64 * MIB));
    const { client, socket, close } = await stalled();
    const sending = sendfile(socket, growing);
    await untilSomeSent(socket);
    appendFileSync(growing, Buffer.alloc(MIB, 'x'));
    socket.end();
    const got = await received(client);
    assert.equal(await sending, 64 * MIB);
    assert.equal(got.length, 64 * MIB);
    await close();
  });

  it('sends what it began to send when the caller closes his mapping', async () => {
    const mapping = mmap(large, { length: 64 * MIB });
    const { client, socket, close } = await stalled();
    const sending = sendfile(socket, mapping);
    await untilSomeSent(socket);
    mapping.close();
    assert.equal(mapping.state, 'closing');
    socket.end();
    assert.equal((await received(client)).length, 64 * MIB);
    assert.equal(await sending, 64 * MIB);
    assert.equal(mapping.state, 'closed');
    assert.equal((await failureOf(sendfile(socket, mapping))).code, 'ERR_MAPPING_CLOSED');
    await close();
  });

  it('exactly, whenever it is aborted: 150 transfers at random moments', async function () {
    this.timeout(120_000);
    for (let i = 0; i < 150; i++) {
      const { client, socket, close } = await stalled();
      const control = new AbortController();
      const got = received(client).catch(() => Buffer.alloc(0));
      const sending = sendfile(socket, large, { signal: control.signal, offset: i, length: 20 * MIB }).then(
        (sent) => ({ sent, failed: false }),
        (error: unknown) => ({ sent: (error as Failure).bytesSent, failed: true }),
      );
      const delay = Math.random() * 12;
      if (delay > 1) await pause(delay);
      control.abort();
      const { sent, failed } = await sending;
      if (!failed || sent === 0) socket.end();
      assert.equal((await got).length, sent);
      await close();
    }
  });
});
