import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

import { native } from '#lib/native';
import { explainTransfer, mmap, readInto, readIntoSync, sendfile, sendfileSync } from 'zerocopy';

import { openDescriptors, openedSince } from '../support/descriptors';
import { temporaryFolder } from '../support/temporary';

/** What the types forbid. */
const forbidden = (value: unknown): never => value as never;

describe('transfers refuse', () => {
  const folder = temporaryFolder();
  let file: string;
  let server: net.Server;
  let client: net.Socket;
  let socket: net.Socket;
  let descriptorsBefore: ReadonlyMap<number, string>;

  before(async () => {
    file = folder.file('content', 'ten bytes.');
    server = net.createServer().listen(0);
    client = net.connect((server.address() as net.AddressInfo).port);
    [socket] = (await once(server, 'connection')) as [net.Socket];
    descriptorsBefore = openDescriptors();
  });
  after(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  afterEach(async () => {
    assert.equal(socket.destroyed, false);
    assert.equal(socket.bytesWritten, 0);
    for (let i = 0; i < 50 && leaked().length > 0; i++) await pause(10); // paths are closed on the thread pool
    assert.deepEqual(leaked(), []);
    assert.equal(native.counters().transfersInFlight, 0);
  });

  /** What these tests could leave open: files and pipes of theirs, and the folder they are in. */
  const leaked = (): string[] => openedSince(descriptorsBefore).filter((target) => target.startsWith(os.tmpdir()));

  const TYPE = { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' };
  const VALUE = { code: 'ERR_INVALID_ARG_VALUE', name: 'TypeError' };
  const RANGE = { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' };

  const notNumbers = ['5', null, {}, [], true, Symbol('5')];
  const notSizes = [-1, -1n, 0.5, NaN, Infinity, -Infinity, 2 ** 53, 2n ** 64n];

  for (const option of ['offset', 'length'] as const) {
    it(`a wrong ${option}, naming it and the value`, async () => {
      for (const value of notNumbers) {
        await assert.rejects(sendfile(socket, file, forbidden({ [option]: value })), { ...TYPE, message: new RegExp(`"${option}"`) });
      }
      for (const value of notSizes) {
        await assert.rejects(sendfile(socket, file, forbidden({ [option]: value })), {
          ...RANGE, message: new RegExp(`"${option}".*Received ${String(value)}`),
        });
      }
    });
  }

  it('an offset past the end of the file, and a range outside a mapping', async () => {
    await assert.rejects(sendfile(socket, file, { offset: 11 }), { ...RANGE, message: /"offset".*<= 10.*Received 11/ });
    using mapping = mmap(file);
    await assert.rejects(sendfile(socket, mapping, { offset: 11 }), RANGE);
    await assert.rejects(sendfile(socket, mapping, { offset: 5, length: 6 }), RANGE);
  });

  it('options that are none, misspelt or of a wrong type', async () => {
    for (const options of [null, 5, 'x', [], () => undefined]) await assert.rejects(sendfile(socket, file, forbidden(options)), TYPE);
    await assert.rejects(sendfile(socket, file, forbidden({ offest: 1 })), { ...VALUE, message: /offest.*Known: offset, length, signal, onProgress/ });
    await assert.rejects(sendfile(socket, file, forbidden({ signal: {} })), TYPE);
    await assert.rejects(sendfile(socket, file, forbidden({ onProgress: 'x' })), TYPE);
  });

  it('outputs and files that are none', async () => {
    for (const out of [undefined, null, 'x', {}, [], { fd: '1' }, Symbol('x'), true]) {
      await assert.rejects(sendfile(forbidden(out), file), { ...TYPE, message: /"out"/ });
      assert.throws(() => explainTransfer(forbidden(out)), TYPE);
    }
    for (const out of [-1, 1.5, NaN, 2 ** 31]) await assert.rejects(sendfile(out, file), RANGE);
    for (const source of [undefined, null, {}, [], new Uint8Array(3), { fd: '1' }]) {
      await assert.rejects(sendfile(socket, forbidden(source)), { ...TYPE, message: /"file"/ });
    }
    for (const source of [-1, 1.5, NaN, 2 ** 31]) await assert.rejects(sendfile(socket, source), RANGE);
    await assert.rejects(sendfile(socket, 'a\0b'), VALUE);
    await assert.rejects(sendfile(socket, new URL('http://example.org/')), { code: 'ERR_INVALID_URL_SCHEME' });
  });

  it("files that cannot be sent, with Node's own system errors, and without waiting for a pipe's writer", async () => {
    const fifo = folder.file('fifo');
    execFileSync('mkfifo', [fifo]);
    const missing = folder.file('missing');
    const cases: [string, string][] = [[missing, 'ENOENT'], [os.tmpdir(), 'EISDIR'], [fifo, 'ESPIPE'], ['/dev/null', 'EINVAL']];
    for (const [path, code] of cases) {
      const errno = -(os.constants.errno as Record<string, number>)[code]!;
      await assert.rejects(sendfile(socket, path), { code, errno, path, bytesSent: 0 });
    }
    await assert.rejects(sendfile(socket, 2 ** 31 - 1), { code: 'EBADF', syscall: 'fstat' });
    const handle = await open(file);
    await handle.close();
    await assert.rejects(sendfile(socket, handle), { code: 'EBADF' });
    const directory = openSync(os.tmpdir(), 'r');
    await assert.rejects(sendfile(socket, directory), { code: 'EISDIR' });
    closeSync(directory);
  });

  it('arguments of sendfileSync that are none', () => {
    for (const fd of notNumbers) {
      assert.throws(() => sendfileSync(forbidden(fd), 0, 0, 1), { ...TYPE, message: /"outFd"/ });
      assert.throws(() => sendfileSync(0, forbidden(fd), 0, 1), { ...TYPE, message: /"inFd"/ });
      assert.throws(() => sendfileSync(0, 0, 0, forbidden(fd)), { ...TYPE, message: /"count"/ });
      if (fd !== null) assert.throws(() => sendfileSync(0, 0, forbidden(fd), 1), { ...TYPE, message: /"offset"/ });
    }
    assert.throws(() => sendfileSync(0, 0, forbidden(undefined), 1), TYPE);
    for (const value of notSizes) {
      assert.throws(() => sendfileSync(0, 0, forbidden(value), 1), RANGE);
      assert.throws(() => sendfileSync(0, 0, 0, forbidden(value)), RANGE);
    }
    for (const fd of [-1, 1.5, NaN, 2 ** 31]) assert.throws(() => sendfileSync(fd, 0, 0, 1), RANGE);
  });

  it('arguments of readInto that are none', async () => {
    const target = new Uint8Array(4);
    for (const value of notNumbers) {
      await assert.rejects(readInto(forbidden(value), target), { ...TYPE, message: /"file"/ });
      assert.throws(() => readIntoSync(0, target, forbidden(value)), { ...TYPE, message: /"position"/ });
    }
    for (const value of notSizes) await assert.rejects(readInto(0, target, forbidden(value)), RANGE);
    for (const value of [undefined, null, 'x', [], new ArrayBuffer(3)]) {
      assert.throws(() => readIntoSync(0, forbidden(value)), { ...TYPE, message: /"target"/ });
    }
    await assert.rejects(readInto(2 ** 31 - 1, target), { code: 'EBADF', syscall: 'read' });
  });
});
