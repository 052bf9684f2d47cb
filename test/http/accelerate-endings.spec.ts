/** What accelerate() puts right: clients that leave, files that change while they are sent, responses that are dead. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { pipeline } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

import { native } from '#lib/native';
import { accelerate } from 'zerocopy/http';

import { localhost } from '../support/certificate';
import { counted } from '../support/counted';
import { openDescriptors } from '../support/descriptors';
import { gcUntil } from '../support/gc';
import { servers } from '../support/network';
import { exchanged, requestText } from '../support/raw-client';
import { patternBytes, temporaryFolder } from '../support/temporary';
import { FRAMEWORKS } from './frameworks';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
/** Downloads aborted: of one that leaks a descriptor each without us, and of the others. */
const MOST = 1000;
const SOME = 80;
const AT_ONCE = 20;

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 10_000; !condition(); await pause(5)) assert.ok(Date.now() < end, `in vain: ${what}`);
}

function memory(): { used: number; resident: number } {
  const { heapUsed, external, rss } = process.memoryUsage();
  return { used: heapUsed + external, resident: rss };
}

describe('accelerate(), when things end early,', () => {
  const folder = temporaryFolder();
  const { http: serve } = servers();
  const large = 64 * MIB;
  let file: string;
  before(() => {
    file = folder.file('large');
    fs.writeFileSync(file, '');
    fs.truncateSync(file, large);
  });
  const open = (name = file): number => [...openDescriptors().values()].filter((target) => target === name).length;

  /** Asks for `path`, and leaves after the first bytes. */
  async function abort(port: number, path: string): Promise<void> {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(requestText({ path }));
    await once(socket, 'readable');
    socket.destroy();
  }

  async function abortMany(port: number, path: string, count: number): Promise<void> {
    for (let i = 0; i < count; i += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, () => abort(port, path)));
    }
  }

  for (const framework of FRAMEWORKS) {
    const count = framework.name === 'pipe()' ? MOST : SOME;
    it(`${framework.name}: ${String(count)} downloads aborted, all descriptors and memory back`, async () => {
      const { port } = await serve(accelerate(http.createServer(await framework.make(folder.file('')))));
      // The first half lets allocators reach their size.
      await abortMany(port, '/large', count / 2);
      await until(() => open() === 0 && native.counters().transfersInFlight === 0, 'descriptors closed');
      await gcUntil(() => false, 2);
      const before = memory();
      const { by } = await counted(() => abortMany(port, '/large', count / 2));
      assert.deepEqual([by.sendfile, by.inline, by.fallback], [count / 2, 0, {}]);
      await until(() => open() === 0 && native.counters().transfersInFlight === 0, 'descriptors closed');
      // A stream that is kept would keep its buffers; resident memory has the allocators' noise too.
      assert.ok(await gcUntil(() => memory().used - before.used < 8 * MIB), 'memory is back');
      assert.ok(memory().resident - before.resident < 64 * MIB, 'resident memory is back');
    });
  }

  it('closes the files of those who leave over TLS, too', async () => {
    const { port } = await serve(accelerate(https.createServer(localhost, (_, response) => {
      response.setHeader('Content-Length', large);
      fs.createReadStream(file).pipe(response);
    })));
    for (let i = 0; i < 20; i++) {
      const request = https.get({ port, rejectUnauthorized: false, agent: false });
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      await once(response, 'readable');
      response.destroy();
    }
    await until(() => open() === 0, 'descriptors closed');
  });

  it('leaves a descriptor to who does not want it closed', async () => {
    const fd = fs.openSync(file, 'r');
    const { port } = await serve(accelerate(http.createServer((_, response) => {
      response.setHeader('Content-Length', large);
      fs.createReadStream('', { fd, start: 0, autoClose: false }).pipe(response);
    })));
    await abortMany(port, '/', AT_ONCE);
    await until(() => native.counters().transfersInFlight === 0, 'transfers ended');
    assert.equal(fs.fstatSync(fd).size, large);
    fs.closeSync(fd);
  });

  it('destroys what is piped into a response that is gone, or waits behind one that is', async () => {
    const streams: fs.ReadStream[] = [];
    const { port } = await serve(accelerate(http.createServer((request, response) => {
      const pipe = (): void => {
        response.setHeader('Content-Length', large);
        streams.push(fs.createReadStream(file));
        streams.at(-1)!.pipe(response);
      };
      if (request.url === '/late') response.once('close', pipe);
      else if (request.url !== '/never') pipe();
    })));
    const late = net.connect(port, '127.0.0.1');
    late.write(requestText({ path: '/late' }));
    await pause(20);
    late.destroy();
    const pipelined = net.connect(port, '127.0.0.1');
    pipelined.write(requestText({ path: '/never' }) + Array.from({ length: 15 }, () => requestText({ path: '/' })).join(''));
    await until(() => streams.length === 16, 'all are piped');
    await until(() => open() > 0, 'they are open');
    pipelined.destroy();
    await until(() => streams.every(({ closed }) => closed) && open() === 0, 'all are closed');
  });

  it('stops when the stream is destroyed or unpiped, and cuts the connection', async () => {
    const ends: readonly ((stream: fs.ReadStream, response: http.ServerResponse) => void)[] = [
      (stream) => stream.destroy(),
      (stream) => { stream.on('error', () => undefined).destroy(new Error('by the program')); },
      (stream, response) => stream.unpipe(response),
      (_, response) => response.destroy(),
      (_, response) => response.socket!.destroy(),
    ];
    for (const end of ends) {
      let stream: fs.ReadStream | undefined;
      const { port } = await serve(accelerate(http.createServer((_, response) => {
        response.setHeader('Content-Length', large);
        stream = fs.createReadStream(file);
        stream.pipe(response);
        setTimeout(() => end(stream!, response), 20);
      })));
      const client = net.connect(port, '127.0.0.1', () => client.write(requestText({ path: '/' }))).on('error', () => undefined);
      const closed = once(client, 'close');
      await pause(60); // nobody reads: the transfer waits for the peer
      client.resume();
      await closed;
      assert.ok(client.bytesRead < large);
      await until(() => stream!.closed && open() === 0 && native.counters().transfersInFlight === 0, 'all is closed');
    }
  });

  it('gives pipeline() its callback: once, without an error, or with one when the client leaves', async () => {
    const errors: unknown[] = [];
    const { port } = await serve(accelerate(http.createServer((_, response) => {
      response.setHeader('Content-Length', large);
      pipeline(fs.createReadStream(file), response, (error: NodeJS.ErrnoException | null | undefined) => {
        errors.push(error?.code);
      });
    })));
    await exchanged(port, [{ path: '/' }]);
    await until(() => errors.length === 1, 'the first callback');
    await abort(port, '/');
    await until(() => errors.length === 2, 'the second callback');
    await pause(20);
    assert.deepEqual(errors, [undefined, 'ERR_STREAM_PREMATURE_CLOSE']);
  });

  /** What a client gets of a file that is `before` bytes when the head is made and `after` when it is read. */
  async function changed(before: number, after: number, secure = false): Promise<string> {
    const name = folder.file(`changing-${String(before)}-${String(after)}`, patternBytes(before));
    const listener: http.RequestListener = (request, response) => {
      if (request.url === '/next') {
        response.end('next');
        return;
      }
      response.setHeader('Content-Length', before);
      fs.truncateSync(name, after);
      fs.createReadStream(name).pipe(response);
    };
    const server = secure ? https.createServer(localhost, listener) : http.createServer(listener);
    const { port } = await serve(accelerate(server));
    if (!secure) {
      const got = await exchanged(port, [{ path: '/' }, { path: '/next' }]);
      assert.deepEqual(got[0]!.body, patternBytes(before));
      return got[1]!.body.toString();
    }
    const agent = new https.Agent({ rejectUnauthorized: false, keepAlive: true, maxSockets: 1 });
    const bodies: Buffer[] = [];
    for (const path of ['/', '/next']) {
      const request = https.get({ port, agent, path });
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      bodies.push(Buffer.concat(await response.toArray() as Buffer[]));
    }
    agent.destroy();
    assert.deepEqual(bodies[0], patternBytes(before));
    return bodies[1]!.toString();
  }

  for (const [name, secure] of [['a plain socket', false], ['TLS', true]] as const) {
    it(`sends not a byte more when the file has grown: ${name}`, async () => {
      for (const [before, after] of [[0, 10], [1, 100_000], [65_536, 65_537], [100_000, 300_000]] as const) {
        assert.equal(await changed(before, after, secure), 'next');
      }
    });

    it(`cuts the connection when the file has shrunk, where its client would wait for ever: ${name}`, async () => {
      for (const [before, after] of [[1, 0], [1000, 10], [100_000, 99_999], [300_000, 70_000]] as const) {
        await assert.rejects(changed(before, after, secure), secure ? { code: 'ECONNRESET' } : /the connection ended/);
      }
    });
  }

  it('cuts the connection when the file shrinks while it is sent', async () => {
    const name = folder.file('shrinking', '');
    fs.truncateSync(name, large);
    const { port } = await serve(accelerate(http.createServer((_, response) => {
      response.setHeader('Content-Length', large);
      fs.createReadStream(name).pipe(response);
    })));
    const client = net.connect(port, '127.0.0.1', () => client.write(requestText({ path: '/' }))).on('error', () => undefined);
    const closed = once(client, 'close');
    await once(client, 'readable');
    fs.truncateSync(name, MIB);
    client.resume();
    await closed;
    assert.ok(client.bytesRead < large);
    await until(() => open(name) === 0, 'the file is closed');
  });

  it('sends a file that was deleted meanwhile, and the old one when it was replaced', async () => {
    const content = patternBytes(300_000);
    const name = folder.file('replaced', content);
    const { port } = await serve(accelerate(http.createServer((_, response) => {
      response.setHeader('Content-Length', content.length);
      const stream = fs.createReadStream(name);
      stream.once('open', () => {
        fs.writeFileSync(`${name}.new`, Buffer.alloc(content.length, 7));
        fs.renameSync(`${name}.new`, name);
        stream.pipe(response);
      });
    })));
    const [response] = await exchanged(port, [{ path: '/' }]);
    assert.deepEqual(response!.body, content);
  });

  it('sends what lies beyond 4 GiB', async () => {
    const size = 5 * GIB + 3;
    const name = folder.file('huge', '');
    fs.truncateSync(name, size);
    const content = patternBytes(3 * MIB);
    const fd = fs.openSync(name, 'r+');
    fs.writeSync(fd, content, 0, content.length, 4 * GIB - MIB);
    fs.closeSync(fd);
    const { port } = await serve(accelerate(http.createServer(await FRAMEWORKS.find((one) => one.name === 'send')!.make(path.dirname(name)))));
    const range = `bytes=${String(4 * GIB - MIB)}-${String(4 * GIB + 2 * MIB - 1)}`;
    const { result, by } = await counted(() => exchanged(port, [{ path: '/huge', headers: { Range: range } }]));
    assert.deepEqual([result[0]!.body, by], [content, { sendfile: 1, inline: 0, fallback: {}, bytes: 3 * MIB }]);
    const [head] = await exchanged(port, [{ path: '/huge', method: 'HEAD' }]);
    assert.ok(head!.headers.includes(`Content-Length: ${String(size)}`));
  });

  describe('the controls: without it', () => {
    it('an aborted download leaves its file open', async () => {
      const streams: fs.ReadStream[] = [];
      const { port } = await serve((_, response) => {
        response.setHeader('Content-Length', large);
        streams.push(fs.createReadStream(file));
        streams[0]!.pipe(response);
      });
      await abort(port, '/');
      await pause(50);
      assert.equal(open(), 1);
      streams[0]!.destroy();
    });

    it('a file that grows corrupts the connection', async () => {
      const name = folder.file('control', patternBytes(10));
      const { port } = await serve((_, response) => {
        response.setHeader('Content-Length', 10);
        fs.truncateSync(name, 20);
        fs.createReadStream(name).pipe(response);
      });
      await assert.rejects(exchanged(port, [{ path: '/' }]), /^Error: 10 bytes (of no|after the last) response/);
    });
  });
});
