import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import net from 'node:net';
import { pathToFileURL } from 'node:url';
import { explainTransfer, mmap, sendfile } from 'zerocopy';
import { sha256OfFile, writeLargeFile } from '../support/large-file';
import { digest, received, servers } from '../support/network';
import { patternBytes, temporaryFolder } from '../support/temporary';

const GIB = 2 ** 30;

describe('sendfile to a socket', () => {
  const folder = temporaryFolder();
  const { tcp } = servers();
  const content = patternBytes(3_000_001);
  let file: string;
  before(() => { file = folder.file('content', content); });

  /** What a client receives from a server that does `serve` with its connection. */
  async function exchange(serve: (socket: net.Socket) => Promise<void>, listenOn?: string): Promise<Buffer> {
    let failed: unknown;
    const where = await tcp((socket) => {
      serve(socket).catch((error: unknown) => { failed = error; }).finally(() => socket.end());
    }, listenOn);
    const bytes = await received(net.connect(where));
    if (failed !== undefined) throw failed as Error;
    return bytes;
  }

  it('sends 1 GiB byte for byte, with what was written before and after around it', async () => {
    const large = folder.file('large');
    writeLargeFile(large, GIB);
    const expected = await sha256OfFile(large);
    const where = await tcp((socket) => {
      socket.write('before');
      void sendfile(socket, large);
      socket.end('after');
    });
    const client = net.connect(where);
    const pieces = client[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const first = (await pieces.next()).value as Buffer;
    assert.equal(first.toString('latin1', 0, 6), 'before');
    let tail = Buffer.alloc(0);
    const inside = async function* (): AsyncGenerator<Buffer> {
      // Holds the last five bytes back: they are not the file's.
      for (let piece = first.subarray(6); ;) {
        const all = Buffer.concat([tail, piece]);
        tail = all.subarray(-5);
        yield all.subarray(0, -5);
        const next = await pieces.next();
        if (next.done) return;
        piece = next.value;
      }
    };
    assert.deepEqual(await digest(inside()), expected);
    assert.equal(tail.toString(), 'after');
  });

  it('takes a path, a Buffer path, a URL, a descriptor, a FileHandle and a Mapping', async () => {
    const fd = openSync(file, 'r');
    const handle = await open(file);
    const mapping = mmap(file);
    const sources = [file, Buffer.from(file), pathToFileURL(file), fd, handle, mapping];
    for (const source of sources) {
      const bytes = await exchange(async (socket) => {
        assert.equal(await sendfile(socket, source), content.length);
      });
      assert.deepEqual(bytes, content);
    }
    // The caller's descriptors are open still, and stand where they stood.
    const start = Buffer.alloc(4);
    assert.equal(readSync(fd, start), 4);
    assert.deepEqual(start, content.subarray(0, 4));
    assert.deepEqual((await handle.read(start, 0, 4, null)).buffer, content.subarray(0, 4));
    assert.equal(mapping.state, 'open');
    mapping.close();
    await handle.close();
    closeSync(fd);
  });

  it('sends exactly the range asked for', async () => {
    const { length: end } = content;
    const ranges = [[0, 0], [0, 1], [end, 0], [end - 1, 1], [1_048_575, 2], [4097, 2_000_000]] as const;
    for (const [offset, length] of ranges) {
      const bytes = await exchange(async (socket) => {
        assert.equal(await sendfile(socket, file, { offset: BigInt(offset), length }), length);
      });
      assert.deepEqual(bytes, content.subarray(offset, offset + length));
    }
    const rest = await exchange(async (socket) => { await sendfile(socket, file, { offset: 2_999_000 }); });
    assert.deepEqual(rest, content.subarray(2_999_000));
  });

  it('sends from beyond 4 GiB', async () => {
    const large = folder.file('beyond');
    writeLargeFile(large, 5 * GIB + 3);
    const bytes = await exchange(async (socket) => { await sendfile(socket, large, { offset: 5 * GIB - 4 }); });
    assert.equal(bytes.toString('latin1'), 'the end');
  });

  it('keeps the order of writes and transfers that nobody waits for', async () => {
    const bytes = await exchange(async (socket) => {
      const sent: Promise<number>[] = [];
      socket.cork();
      for (let i = 0; i < 20; i++) {
        socket.write(`<${String(i)}>`);
        sent.push(sendfile(socket, i % 2 === 0 ? file : mmap(file), { offset: i * 1000, length: i * 10_007 }));
        if (i === 10) socket.uncork();
      }
      socket.write('<last>');
      await Promise.all(sent);
    });
    const expected: Buffer[] = [];
    for (let i = 0; i < 20; i++) {
      expected.push(Buffer.from(`<${String(i)}>`), content.subarray(i * 1000, i * 1000 + i * 10_007));
    }
    assert.deepEqual(bytes, Buffer.concat([...expected, Buffer.from('<last>')]));
  });

  it('rejects for a file that is missing when its turn comes, and nobody sees an unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): void => { unhandled.push(reason); };
    process.on('unhandledRejection', listener);
    const bytes = await exchange(async (socket) => {
      const first = sendfile(socket, file);
      const missing = assert.rejects(sendfile(socket, folder.file('missing')), { code: 'ENOENT', bytesSent: 0 });
      const last = sendfile(socket, file, { length: 3 });
      await Promise.all([first, missing, last]);
    });
    process.off('unhandledRejection', listener);
    assert.deepEqual(bytes, Buffer.concat([content, content.subarray(0, 3)]));
    assert.deepEqual(unhandled, []);
  });

  it('leaves the socket as it was, and able to write many chunks at once', async () => {
    await exchange(async (socket) => {
      await sendfile(socket, file);
      await new Promise((resolve) => socket.write('', resolve));
      for (const name of ['_write', '_writev', 'write', 'end']) assert.equal(Object.hasOwn(socket, name), false, name);
      assert.equal(socket.listenerCount('close'), 1);
    });
  });

  it('goes over a Unix socket, and a socket that still connects', async () => {
    const bytes = await exchange(async (socket) => { await sendfile(socket, file); }, folder.file('unix.sock'));
    assert.deepEqual(bytes, content);
    let upload: Promise<Buffer> | undefined;
    const where = await tcp((socket) => { upload = received(socket); });
    const client = net.connect(where);
    assert.equal(client.connecting, true);
    assert.deepEqual(explainTransfer(client), { way: 'sendfile' });
    assert.equal(await sendfile(client, file), content.length);
    client.end();
    await once(client, 'finish');
    assert.deepEqual(await upload, content);
    client.destroy();
  });

  it('counts in bytesWritten, while it runs and after the socket is gone', async () => {
    let server: net.Socket | undefined;
    await exchange(async (socket) => {
      server = socket;
      socket.write('12345');
      const sending = sendfile(socket, file);
      await sending;
      assert.equal(socket.bytesWritten, 5 + content.length);
      await sendfile(socket, file, { length: 10 });
      assert.equal(socket.bytesWritten, 15 + content.length);
    });
    if (server?.closed === false) await once(server, 'close');
    assert.equal(server?.bytesWritten, 15 + content.length);
  });

  it('tells the progress at most every 50 ms, and the whole at the end', async () => {
    const large = folder.file('progress');
    writeLargeFile(large, 64 * 2 ** 20);
    const told: { at: number; sent: number }[] = [];
    const where = await tcp((socket) => {
      const onProgress = (sent: number): void => { told.push({ at: performance.now(), sent }); };
      void sendfile(socket, large, { onProgress }).then(() => socket.end());
    });
    const client = net.connect(where);
    for await (const piece of client) { // about 100 MB/s
      await new Promise((resolve) => setTimeout(resolve, (piece as Buffer).length / 1e5));
    }
    assert.ok(told.length > 2, `${String(told.length)} calls`);
    assert.equal(told.at(-1)?.sent, 64 * 2 ** 20);
    assert.ok(told.every(({ sent }, i) => i === 0 || sent > (told[i - 1]?.sent ?? 0)), 'backwards');
    // Of all, because a late one may be followed by one in time.
    const lasted = (told.at(-1)?.at ?? 0) - (told[0]?.at ?? 0);
    assert.ok(told.length <= lasted / 50 + 3, `${String(told.length)} calls in ${String(lasted)} ms`);
  });

  it('is progress to setTimeout while the peer takes bytes, and none when it stalls', async () => {
    const large = folder.file('timeout');
    writeLargeFile(large, 32 * 2 ** 20);
    let timeouts = 0;
    const failed: Promise<unknown>[] = [];
    const where = await tcp((socket) => {
      socket.setTimeout(300, () => { timeouts += 1; socket.destroy(); });
      // What is on its way when the transfer is done Node does not see: the timeout ends with the transfer.
      failed.push(sendfile(socket, large).then(() => socket.setTimeout(0).end(), (error: unknown) => error));
    });
    const slow = net.connect(where);
    let got = 0;
    for await (const piece of slow) {
      got += (piece as Buffer).length;
      await new Promise((resolve) => setTimeout(resolve, (piece as Buffer).length / 2e4)); // 20 MB/s: 1.6 s
    }
    assert.equal(got, 32 * 2 ** 20);
    assert.equal(timeouts, 0);
    const stalled = net.connect(where); // reads nothing
    stalled.pause();
    stalled.on('error', () => undefined);
    await once(stalled, 'connect');
    while (failed.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    const error = (await failed[1]) as NodeJS.ErrnoException & { bytesSent: number };
    assert.equal(timeouts, 1);
    assert.equal(error.code, 'ERR_STREAM_PREMATURE_CLOSE');
    assert.ok(error.bytesSent > 0 && error.bytesSent < 32 * 2 ** 20);
    stalled.destroy();
  });

  it('sends a file of /proc, which has no length', async () => {
    const bytes = await exchange(async (socket) => { await sendfile(socket, '/proc/version'); });
    assert.deepEqual(bytes, readFileSync('/proc/version'));
  });
});
