/** Send a large buffer by slices over a socket: each write gets a part of the same memory. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { MemoryView } from 'zerocopy';

const CHUNK = 64 * 1024;
const data = Buffer.alloc(5_000_000);
for (let i = 0; i < data.length; i++) data[i] = (i * 31) & 255;

const server = net.createServer((socket) => {
  void (async () => {
    const view = new MemoryView(data);
    for (let at = 0; at < view.length; at += CHUNK) {
      if (!socket.write(view.slice(at, at + CHUNK).asUint8Array())) await once(socket, 'drain');
    }
    socket.end();
  })();
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');

const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
const hash = createHash('sha256');
let received = 0;
for await (const chunk of client as AsyncIterable<Buffer>) {
  hash.update(chunk);
  received += chunk.length;
}
server.close();
assert.equal(received, data.length);
assert.equal(hash.digest('hex'), createHash('sha256').update(data).digest('hex'));
console.log(`${String(received)} bytes sent in slices of ${String(CHUNK)}`);
