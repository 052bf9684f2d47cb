import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { open } from 'node:fs/promises';
import net from 'node:net';
import { Writable } from 'node:stream';
import { arrayBuffer, buffer } from 'node:stream/consumers';

import { copyFile, createReadableStream, createReadStream, sendfile } from 'zerocopy';

import { runInChild } from '../support/child';
import { openDescriptors, openedSince } from '../support/descriptors';
import { gcUntil } from '../support/gc';
import { received, servers } from '../support/network';
import { patternBytes, temporaryFolder } from '../support/temporary';

const MIB = 2 ** 20;
const BACKLOG = 16 * MIB; // more than the sockets take while nobody reads

describe("a transfer of the caller's descriptor", () => {
  const folder = temporaryFolder();
  const { tcp } = servers();
  const content = patternBytes(3 * MIB + 17);
  const other = Buffer.alloc(content.length, 'x');
  let file: string;
  let otherFile: string;
  let descriptors: Map<number, string>;
  before(() => {
    file = folder.file('file', content);
    otherFile = folder.file('other', other);
  });
  beforeEach(() => { descriptors = openDescriptors(); });
  afterEach('closes every descriptor', async () => {
    const left = (): string[] => openedSince(descriptors).filter((target) => target.startsWith('/tmp'));
    assert.ok(await gcUntil(() => left().length === 0), left().join('\n'));
  });

  function collector(): { writable: Writable; bytes: () => Buffer } {
    const pieces: Buffer[] = [];
    const writable = new Writable({
      write(piece: Buffer, _encoding, done) {
        pieces.push(Buffer.from(piece));
        setImmediate(done);
      },
    });
    return { writable, bytes: () => Buffer.concat(pieces) };
  }

  /** Behind what nobody has read yet. */
  async function toSocket(begin: (socket: net.Socket) => Promise<unknown>): Promise<Buffer> {
    let sending: Promise<unknown> | undefined;
    const where = await tcp((socket) => {
      socket.write(Buffer.alloc(BACKLOG));
      sending = begin(socket).finally(() => socket.end());
    });
    const client = net.connect(where);
    const bytes = await received(client);
    await sending;
    return bytes.subarray(BACKLOG);
  }

  async function toDescriptor(source: () => number): Promise<Buffer> {
    const target = folder.file('out');
    const out = fs.openSync(target, 'w');
    const sending = [sendfile(out, file), sendfile(out, source())];
    await Promise.all(sending);
    fs.closeSync(out);
    return fs.readFileSync(target).subarray(content.length);
  }

  /** Closes `fd` when the call has returned, and has another file get its number. */
  async function whileReused<T>(fd: number, flags: string, begin: (fd: number) => Promise<T>): Promise<T> {
    const under = begin(fd);
    fs.closeSync(fd);
    const reused = fs.openSync(otherFile, flags);
    assert.equal(reused, fd);
    try {
      return await under;
    } finally {
      fs.closeSync(reused);
    }
  }

  const ways: [string, (fd: number) => Promise<Buffer>][] = [
    ['sendfile to another Writable', async (fd) => {
      const { writable, bytes } = collector();
      await sendfile(writable, fd);
      return bytes();
    }],
    ['copyFile', async (fd) => {
      const target = folder.file('copy');
      await copyFile(fd, target);
      return fs.readFileSync(target);
    }],
    ['createReadStream', (fd) => buffer(createReadStream(fd))],
    ['createReadableStream', async (fd) => Buffer.from(await arrayBuffer(createReadableStream(fd)))],
  ];
  for (const [name, way] of ways) {
    it(`gives the file it was made for when the number is closed and used again: ${name}`, async () => {
      const got = await whileReused(fs.openSync(file, 'r'), 'r', way);
      assert.ok(got.equals(content));
    });
  }

  it('so it does to a socket behind other writes, and to a descriptor behind another transfer', async () => {
    const sent = await toSocket((socket) => whileReused(fs.openSync(file, 'r'), 'r', (fd) => sendfile(socket, fd)));
    assert.ok(sent.equals(content));
    let reused = -1;
    const written = await toDescriptor(() => {
      const fd = fs.openSync(file, 'r');
      setImmediate(() => {
        fs.closeSync(fd);
        reused = fs.openSync(otherFile, 'r');
      });
      return fd;
    });
    fs.closeSync(reused);
    assert.ok(written.equals(content));
  });

  it('is copied to the target it was made for', async () => {
    const target = folder.file('target', 'as it was');
    await whileReused(fs.openSync(target, 'r+'), 'r+', (fd) => copyFile(file, fd));
    assert.ok(fs.readFileSync(target).equals(content));
    assert.ok(fs.readFileSync(otherFile).equals(other));
  });

  it('closes its duplicate when it fails, is aborted, or never begins', async () => {
    const { writable } = collector();
    const [from, to] = [fs.openSync(file, 'r'), fs.openSync(folder.file('to'), 'w')];
    const short = { length: content.length + 1 };
    const signal = AbortSignal.timeout(1);
    await assert.rejects(sendfile(writable, from, short), { code: 'ERR_SHORT_FILE' });
    await assert.rejects(sendfile(to, from, { offset: content.length + 1 }), { code: 'ERR_OUT_OF_RANGE' });
    await assert.rejects(sendfile(to, folder.file('missing')), { code: 'ENOENT' });
    await assert.rejects(copyFile(from, to, short), { code: 'ERR_SHORT_FILE' });
    await assert.rejects(copyFile(folder.file('missing'), to), { code: 'ENOENT' });
    await assert.rejects(copyFile(null as never, to), { code: 'ERR_INVALID_ARG_TYPE' });
    await assert.rejects(copyFile(from, to, { signal: AbortSignal.abort() }), { code: 'ABORT_ERR' });
    await assert.rejects(sendfile(new Writable({ write() { /* never done */ } }), from, { signal }), { code: 'ABORT_ERR' });
    const destroyed = createReadStream(from).destroy();
    await once(destroyed, 'close');
    await createReadableStream(from).cancel();
    fs.closeSync(from);
    fs.closeSync(to);
  });

  it('leaves its position, and what is left of it, to the caller', async () => {
    const fd = fs.openSync(file, 'r');
    const bytes = Buffer.alloc(10);
    fs.readSync(fd, bytes);
    await buffer(createReadStream(fd));
    await sendfile(collector().writable, fd);
    await copyFile(fd, folder.file('positions'));
    fs.readSync(fd, bytes);
    assert.deepEqual(bytes, content.subarray(10, 20));
    fs.closeSync(fd);
  });

  it('does not wait for what had its number before', async () => {
    const fifo = folder.file('fifo');
    execFileSync('mkfifo', [fifo]);
    const pipe = fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
    const control = new AbortController();
    const stalled = assert.rejects(sendfile(pipe, file, { signal: control.signal }), { code: 'ABORT_ERR' });
    fs.closeSync(pipe);
    const target = folder.file('not-the-pipe');
    const reused = fs.openSync(target, 'w');
    assert.equal(reused, pipe);
    assert.equal(await sendfile(reused, file, { signal: AbortSignal.timeout(20_000) }), content.length);
    control.abort();
    await stalled;
    fs.closeSync(reused);
    assert.ok(fs.readFileSync(target).equals(content));
  });

  it('takes a FileHandle that is closed meanwhile', async () => {
    const handle = await open(file);
    const reading = buffer(createReadStream(handle));
    const target = folder.file('by-handle');
    const copying = copyFile(handle, target);
    await handle.close();
    assert.ok((await reading).equals(content));
    await copying;
    assert.ok(fs.readFileSync(target).equals(content));
  });

  it('keeps a FileHandle that nobody else has', async () => {
    const child = await runInChild(`
      const { createReadStream, createReadableStream, copyFile, sendfile } = zerocopy;
      const { open } = require('node:fs/promises'), { Writable } = require('node:stream');
      const [file, target] = process.argv.slice(1), { size } = require('node:fs').statSync(file);
      const collecting = setInterval(gc, 1);
      const slow = () => new Writable({ highWaterMark: 1, write(piece, encoding, done) { setTimeout(done, 5); } });
      const read = async (stream) => {
        let length = 0;
        for await (const piece of stream) {
          length += piece.length;
          if (length === size) running = undefined; // a stream that has given all needs nothing more
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        return length;
      };
      // What becomes of a handle afterwards, which nobody has and nobody closed, is Node's to say.
      process.on('uncaughtException', () => {});
      let running;
      const registry = new FinalizationRegistry((way) => { if (way === running) console.log(way, 'lost its handle'); });
      const dropped = async (way, ...how) => {
        const handle = await open(...how);
        registry.register(handle, way);
        return handle;
      };
      (async () => {
        const ways = [
          async (way) => read(createReadStream(await dropped(way, file))),
          async (way) => read(createReadableStream(await dropped(way, file))),
          async (way) => sendfile(slow(), await dropped(way, file)),
          async (way) => copyFile(await dropped(way, file), target),
          async (way) => copyFile(file, await dropped(way, target, 'w')),
          async (way) => sendfile(await dropped(way, target, 'w'), file),
        ];
        for (const way of ways) {
          running = String(way);
          console.log(await way(running));
          running = undefined;
        }
        process.exit();
      })();`, { arguments: [file, folder.file('dropped')], nodeArguments: ['--no-warnings'] });
    const stdout = `${String(content.length)}\n`.repeat(6);
    assert.deepEqual(child, { code: 0, signal: null, stdout, stderr: '' });
  });
});
