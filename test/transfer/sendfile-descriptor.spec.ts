import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import net from 'node:net';
import { once } from 'node:events';

import { explainTransfer, mmap, sendfile, sendfileSync } from 'zerocopy';

import { received } from '../support/network';
import { patternBytes, temporaryFolder } from '../support/temporary';

describe('sendfile to a descriptor', () => {
  const folder = temporaryFolder();
  const content = patternBytes(5_000_003);
  let file: string;
  before(() => { file = folder.file('content', content); });

  it('writes to a regular file at its position, by number and by FileHandle', async () => {
    const copy = folder.file('copy');
    const fd = openSync(copy, 'w');
    assert.deepEqual(explainTransfer(fd), { way: 'sendfile' });
    writeSync(fd, 'before');
    assert.equal(await sendfile(fd, file), content.length);
    writeSync(fd, 'after');
    closeSync(fd);
    assert.deepEqual(readFileSync(copy), Buffer.concat([Buffer.from('before'), content, Buffer.from('after')]));
    const handle = await open(copy, 'w');
    assert.equal(await sendfile(handle, mmap(file), { offset: 3 }), content.length - 3);
    await handle.close();
    execFileSync('cmp', ['-i', '3:0', file, copy]);
  });

  it('keeps the order of transfers that nobody waits for, also when the number is closed and used again', async () => {
    const [first, second] = [folder.file('first'), folder.file('second')];
    const fd = openSync(first, 'w');
    const sources = Array.from({ length: 8 }, (_, i) => (i % 3 === 0 ? mmap(file) : file));
    const sending = sources.map((source, i) => sendfile(fd, source, { offset: i * 1000 }));
    const missing = assert.rejects(sendfile(fd, folder.file('missing')), { code: 'ENOENT', bytesSent: 0 });
    const control = new AbortController();
    const aborted = assert.rejects(sendfile(fd, file, { signal: control.signal }), { code: 'ABORT_ERR', bytesSent: 0 });
    control.abort();
    const last = sendfile(fd, file, { length: 3 });
    closeSync(fd);
    const reused = openSync(second, 'w');
    await Promise.all([...sending, missing, aborted, last]);
    closeSync(reused);
    const expected = sending.map((_, i) => content.subarray(i * 1000));
    assert.deepEqual(readFileSync(first), Buffer.concat([...expected, content.subarray(0, 3)]));
    assert.equal(readFileSync(second).length, 0);
  });

  it('appends to a file opened so, which sendfile(2) refuses', async () => {
    const log = folder.file('log', 'there already: ');
    const handle = await open(log, 'a');
    assert.equal(await sendfile(handle, file), content.length);
    await handle.close();
    assert.deepEqual(readFileSync(log), Buffer.concat([Buffer.from('there already: '), content]));
  });

  it('fills a pipe in blocking mode, whose reader is slow, and leaves its mode alone', async () => {
    const fifo = folder.file('fifo');
    execFileSync('mkfifo', [fifo]);
    const reader = spawn('sh', ['-c', 'sleep 0.3; exec sha256sum'], { stdio: [openSync(fifo, 'r+'), 'pipe', 'inherit'] });
    const fd = openSync(fifo, 'w');
    assert.equal(await sendfile(fd, file), content.length);
    const flags = (): string => /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${String(fd)}`, 'utf8'))?.[1] ?? '';
    assert.equal(Number.parseInt(flags(), 8) & 0o4000, 0, 'O_NONBLOCK was set');
    closeSync(fd);
    reader.kill(); // it holds the pipe open for writing too, so it would wait for ever
    await once(reader, 'close');
  });

  it('goes to the stdin of a child', async () => {
    const child = spawn('sha256sum', { stdio: ['pipe', 'pipe', 'inherit'] });
    assert.deepEqual(explainTransfer(child.stdin), { way: 'sendfile' });
    const [sent, sum] = await Promise.all([
      sendfile(child.stdin, file).finally(() => child.stdin.end()),
      received(child.stdout as unknown as net.Socket),
    ]);
    assert.equal(sent, content.length);
    assert.equal(sum.toString().split(' ')[0], execFileSync('sha256sum', [file]).toString().split(' ')[0]);
  });

  it('fails with EPIPE and no signal when the reader is gone, EBADF for a closed descriptor', async () => {
    const fifo = folder.file('unread');
    execFileSync('mkfifo', [fifo]);
    const reader = openSync(fifo, 'r+');
    const writer = openSync(fifo, 'w');
    closeSync(reader);
    // Our half is opened anew, and a pipe without a reader cannot be.
    await assert.rejects(sendfile(writer, file), { code: 'EPIPE', syscall: 'sendfile', bytesSent: 0 });
    closeSync(writer);
    const handle = await open(folder.file('x'), 'w');
    await handle.close();
    await assert.rejects(sendfile(handle, file), { code: 'EBADF' });
    const readOnly = openSync(file, 'r');
    await assert.rejects(sendfile(readOnly, file), { code: 'EBADF' });
    closeSync(readOnly);
  });

  it('fails with EPIPE for a socket that listens', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    assert.throws(() => sendfileSync(fd, openSync(file, 'r'), 0, 1), { code: 'EPIPE', syscall: 'sendfile' });
    for (const source of [file, mmap(file)]) {
      await assert.rejects(sendfile(fd, source), { code: 'EPIPE', syscall: 'sendfile', bytesSent: 0 });
    }
    server.close();
  });
});

describe('sendfileSync', () => {
  const folder = temporaryFolder();
  const content = patternBytes(300_000);

  it('is os.sendfile: one call, perhaps short, 0 at the end', () => {
    const source = openSync(folder.file('content', content), 'r');
    const target = openSync(folder.file('target'), 'w+');
    assert.equal(sendfileSync(target, source, 100, 200), 200);
    assert.equal(sendfileSync(target, source, 299_990n, 200), 10);
    assert.equal(sendfileSync(target, source, 300_000, 200), 0);
    assert.equal(sendfileSync(target, source, 0, 0), 0);
    // With an offset the position of the source stays; without, it moves.
    assert.equal(sendfileSync(target, source, null, 50), 50);
    const next = Buffer.alloc(3);
    readSync(source, next);
    assert.deepEqual(next, content.subarray(50, 53));
    assert.deepEqual(readFileSync(folder.file('target')), Buffer.concat([
      content.subarray(100, 300), content.subarray(-10), content.subarray(0, 50),
    ]));
    closeSync(source);
    closeSync(target);
  });

  it('throws EAGAIN when a non-blocking peer is full, and other system errors', async () => {
    const source = openSync(folder.file('zeros', Buffer.alloc(32 * 2 ** 20)), 'r');
    const server = net.createServer().listen(0);
    const client = net.connect((server.address() as net.AddressInfo).port).pause();
    const [socket] = (await once(server, 'connection')) as [net.Socket];
    const { fd } = (client as unknown as { _handle: { fd: number } })._handle;
    socket.pause();
    assert.throws(() => { for (;;) sendfileSync(fd, source, 0, 2 ** 30); }, { code: 'EAGAIN', syscall: 'sendfile' });
    assert.throws(() => sendfileSync(2 ** 31 - 1, source, 0, 1), { code: 'EBADF' });
    assert.throws(() => sendfileSync(source, source, 0, 1), { code: 'EBADF' });
    for (const end of [client, socket]) end.destroy();
    server.close();
    closeSync(source);
  });
});
