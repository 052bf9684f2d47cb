import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

import { native } from '#lib/native';
import { explainTransfer, mmap, sendfile } from 'zerocopy';

import { received } from '../support/network';
import { patternBytes, temporaryFolder } from '../support/temporary';

/**
 * Sockets and responses as other runtimes make them: Deno's have no descriptor to hand to the system, Bun's responses
 * have methods of their own. Here their outsides are put on Node's.
 */
describe('sendfile to the sockets of other runtimes', () => {
  const folder = temporaryFolder();
  const content = patternBytes(1_200_003);
  let file: string;
  before(() => { file = folder.file('content', content); });

  /** Its handle shows another `fd`, as that of another runtime would. */
  function disguise(socket: net.Socket, fd: unknown): void {
    const { _handle: handle } = socket as unknown as { _handle: object };
    Object.defineProperty(handle, 'fd', { value: fd });
  }

  for (const [what, fd] of [
    ['no descriptor', undefined], ['the descriptor -1', -1], ['a descriptor that is no number', '7'],
  ] as const) {
    it(`falls back for a socket with ${what}, in order`, async () => {
      const server = net.createServer((socket) => {
        disguise(socket, fd);
        assert.deepEqual(explainTransfer(socket), { way: 'fallback', reason: 'no-descriptor' });
        socket.write('before');
        const sending = [sendfile(socket, file), sendfile(socket, mmap(file), { offset: 1000 })];
        socket.write('between');
        sending.push(sendfile(socket, Buffer.from(file), { length: 10 }));
        socket.end('after');
        void Promise.all(sending).then((sent) => {
          assert.deepEqual(sent, [content.length, content.length - 1000, 10]);
        });
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const started = native.counters().transfersStarted;
      const got = await received(net.connect((server.address() as net.AddressInfo).port, '127.0.0.1'));
      const parts = ['before', content, content.subarray(1000), 'between', content.subarray(0, 10), 'after'];
      assert.ok(got.equals(Buffer.concat(parts.map((part) => Buffer.from(part as string)))));
      assert.equal(native.counters().transfersStarted, started);
      server.close();
    });
  }

  it('falls back for a response whose class has its own methods', async () => {
    class ForeignResponse extends http.ServerResponse {
      override write(...args: unknown[]): boolean {
        return Reflect.apply(http.ServerResponse.prototype.write, this, args) as boolean;
      }

      override end(...args: unknown[]): this {
        return Reflect.apply(http.ServerResponse.prototype.end, this, args) as this;
      }
    }
    const server = http.createServer({ ServerResponse: ForeignResponse }, (_request, response) => {
      assert.deepEqual(explainTransfer(response), { way: 'fallback', reason: 'patched' });
      void sendfile(response, file).then((sent) => {
        assert.equal(sent, content.length);
        response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const started = native.counters().transfersStarted;
    const answer = await fetch(`http://127.0.0.1:${String((server.address() as net.AddressInfo).port)}/`);
    assert.equal(answer.headers.get('content-length'), String(content.length));
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(content));
    assert.equal(native.counters().transfersStarted, started);
    server.close();
    server.closeAllConnections();
  });

  it('falls back for a wrapper that shows the descriptor of the socket in it', async () => {
    const server = net.createServer((socket) => {
      const foreign = new Proxy(socket, {});
      assert.deepEqual(explainTransfer(foreign), { way: 'fallback', reason: 'proxy' });
      void sendfile(foreign, file).then(() => socket.end());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const started = native.counters().transfersStarted;
    const got = await received(net.connect((server.address() as net.AddressInfo).port, '127.0.0.1'));
    assert.ok(got.equals(content));
    assert.equal(native.counters().transfersStarted, started);
    server.close();
  });
});
