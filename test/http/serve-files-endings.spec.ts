/** Files that change while they are sent, clients that leave, caches that fill, descriptors that run out. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { ftruncateSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { serveFiles } from 'zerocopy/http';

import { DocumentRoot } from '#lib/http/document-root';
import { CachedFile, FileCache } from '#lib/http/file-cache';
import { native } from '#lib/native';
import { runInChild } from '../support/child';
import { openedSince, openDescriptors } from '../support/descriptors';
import { ask } from '../support/exchange';
import { gcUntil } from '../support/gc';
import { servers } from '../support/network';
import { patternBytes, temporaryFolder } from '../support/temporary';

const MIB = 2 ** 20;
const POLICY = { etag: true, lastModified: true, acceptRanges: true, cacheControl: 'no-cache', varies: false };

describe('serveFiles, when', () => {
  const folder = temporaryFolder();
  const { http: listen } = servers();
  let root = '';
  before(() => { root = path.dirname(folder.file('small.txt', 'small')); });

  const isOurs = (target: string): boolean => target.startsWith(root);
  const openFiles = (): string[] => [...openDescriptors().values()].filter(isOurs);

  /** Asks for a file by a client that has read its head and then stopped; `go` reads the rest. */
  async function stalled(
    port: number, target: string,
  ): Promise<{ head: string; go(): Promise<Buffer>; socket: net.Socket }> {
    const socket = net.connect({ port, host: '127.0.0.1' });
    socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const [first] = await once(socket, 'data') as [Buffer];
    socket.pause();
    const at = first.indexOf('\r\n\r\n') + 4;
    const chunks = [first.subarray(at)];
    return {
      head: first.toString('latin1', 0, at),
      socket,
      go: () => new Promise((resolve) => {
        socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined);
        socket.on('close', () => resolve(Buffer.concat(chunks))).resume();
      }),
    };
  }

  it('a file grows while it is sent: what was announced', async () => {
    const file = folder.file('grows', patternBytes(24 * MIB));
    const { port } = await listen(serveFiles(root));
    const client = await stalled(port, '/grows');
    writeFileSync(file, 'more', { flag: 'a' });
    assert.deepEqual(await client.go(), patternBytes(24 * MIB));
  });

  it('a file is cut while it is sent: the connection is, and the next request is right', async () => {
    const file = folder.file('shrinks', patternBytes(24 * MIB));
    const { port } = await listen(serveFiles(root));
    const client = await stalled(port, '/shrinks');
    truncateSync(file, 100_000);
    const body = await client.go();
    assert.ok(body.length < 24 * MIB);
    assert.match(client.head, new RegExp(`content-length: ${String(24 * MIB)}\r`, 'i'));
    const { status, body: next } = await ask(port, '/shrinks');
    assert.deepEqual([status, next], [200, patternBytes(100_000)]);
  });

  for (const [what, change] of [
    ['vanishes', (file: string) => rmSync(file)],
    ['is replaced', (file: string) => { writeFileSync(`${file}.new`, 'new'); renameSync(`${file}.new`, file); }],
  ] as const) {
    it(`a file ${what} while it is sent: all of what was there`, async () => {
      const file = folder.file('changes', patternBytes(24 * MIB));
      const { port } = await listen(serveFiles(root, { revalidate: 0 }));
      const client = await stalled(port, '/changes');
      change(file);
      const next = await ask(port, '/changes');
      assert.deepEqual([next.status, next.body.toString().slice(0, 3)], what === 'vanishes' ? [404, '<!D'] : [200, 'new']);
      assert.deepEqual(await client.go(), patternBytes(24 * MIB));
    });
  }

  it('a small file is written in place, over and over: head and body are one version', async () => {
    const file = folder.file('versions', 'a');
    const { port } = await listen(serveFiles(root, { revalidate: 0 }));
    for (let i = 1; i < 200; i++) {
      writeFileSync(file, String.fromCharCode(97 + (i % 26)).repeat(i % 7));
      const { headers, body } = await ask(port, '/versions');
      assert.equal(headers['content-length'], String(body.length));
      assert.equal(body.toString(), readFileSync(file, 'utf8'));
    }
  });

  it('revalidate has not passed, it believes what it knows; then it looks', async () => {
    const file = folder.file('believed', 'old');
    const { port } = await listen(serveFiles(root, { revalidate: 400 }));
    assert.equal((await ask(port, '/believed')).body.toString(), 'old');
    writeFileSync(file, 'new, and longer');
    assert.equal((await ask(port, '/believed')).body.toString(), 'old');
    await later(450);
    assert.equal((await ask(port, '/believed')).body.toString(), 'new, and longer');
  });

  it('the root is replaced, as by a release: the new one', async () => {
    const link = folder.file('current');
    const { symlinkSync, mkdirSync } = await import('node:fs');
    for (const name of ['one', 'two']) {
      mkdirSync(folder.file(name));
      writeFileSync(folder.file(`${name}/index.html`), name);
    }
    symlinkSync('one', link);
    const { port } = await listen(serveFiles(link, { revalidate: 0 }));
    assert.equal((await ask(port, '/')).body.toString(), 'one');
    symlinkSync('two', `${link}.new`);
    renameSync(`${link}.new`, link);
    assert.equal((await ask(port, '/')).body.toString(), 'two');
  });

  it('1,000 clients leave in the middle: no descriptor stays but one for the file, and memory is back', async () => {
    folder.file('large', patternBytes(8 * MIB));
    const { port } = await listen(serveFiles(root));
    await (await stalled(port, '/large')).go();
    // By what they lead to: the root, looked at anew each second, may have another number afterwards.
    const targets = (): string[] => [...openDescriptors().values()].map((name) => name.replace(/\d+\]$/, '')).sort();
    const before = targets();
    // What was open before may go: caches of earlier tests drop what nobody asks for.
    const more = (): string[] => {
      const known = [...before];
      return targets().filter((name) => {
        const place = known.indexOf(name);
        if (place >= 0) known.splice(place, 1);
        return place < 0;
      });
    };
    const isOver = (): boolean => more().length === 0 && native.counters().transfersInFlight === 0;
    assert.equal(openFiles().filter((name) => name.endsWith('/large')).length, 1);
    const abortMany = async (): Promise<{ used: number; rss: number }> => {
      for (let round = 0; round < 25; round++) {
        const clients = await Promise.all(Array.from({ length: 20 }, () => stalled(port, '/large')));
        for (const { socket } of clients) socket.resetAndDestroy();
      }
      for (let i = 0; i < 500 && !isOver(); i++) await later(20);
      await gcUntil(() => false, 2);
      const { heapUsed, external, rss } = process.memoryUsage();
      return { used: heapUsed + external, rss };
    };
    // The first half lets allocators reach their size.
    const half = await abortMany();
    const all = await abortMany();
    assert.deepEqual([more(), native.counters().transfersInFlight], [[], 0]);
    // One body that is kept would be 8 MiB, a buffer of each client 32.
    assert.ok(all.used - half.used < 4 * MIB, `${String(all.used - half.used)} bytes more in use`);
    assert.ok(all.rss - half.rss < 64 * MIB, `${String(all.rss - half.rss)} bytes more resident`);
  });

  it('there are 2,000 connections that stay: each is answered, twice', async function () {
    this.timeout(30_000);
    const { port } = await listen(serveFiles(root));
    const sockets = await Promise.all(Array.from({ length: 2000 }, async (_, i) => {
      await later(i / 4);
      const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
      await once(socket, 'connect');
      return socket;
    }));
    for (let round = 0; round < 2; round++) {
      const answers = await Promise.all(sockets.map(async (socket) => {
        socket.write('GET /small.txt HTTP/1.1\r\nHost: x\r\n\r\n');
        return (await once(socket, 'data') as [Buffer])[0].toString();
      }));
      assert.ok(answers.every((text) => text.startsWith('HTTP/1.1 200') && text.endsWith('\r\n\r\nsmall')));
    }
    for (const socket of sockets) socket.destroy();
  });

  it('descriptors run out: those kept for later are given up; without any it answers 503, and recovers', () => {
    for (let i = 0; i < 40; i++) folder.file(`many-${String(i)}`, patternBytes(100_000));
    const script = `
      const http = require('node:http'); const fs = require('node:fs');
      const { serveFiles } = require('zerocopy/http');
      const server = http.createServer(serveFiles(${JSON.stringify(root)}, { maxOpenFiles: 1000 })).listen(0, '127.0.0.1', async () => {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        const get = (path) => new Promise((resolve, reject) => http.get({ port: server.address().port, agent, path }, (response) => {
          let length = 0; response.on('data', (chunk) => (length += chunk.length)).on('end', () => resolve([response.statusCode, length]));
        }).on('error', reject));
        const seen = new Set();
        for (let i = 0; i < 40; i++) seen.add((await get('/many-' + i)).join());
        const held = []; // all that are left, and what the cache keeps is in use by nobody
        try { for (;;) held.push(fs.openSync('/dev/null')); } catch {}
        const short = await get('/many-0');
        for (let i = 0; i < 40; i++) { try { held.push(fs.openSync('/dev/null')); } catch {} await get('/many-' + i); }
        const out = (await get('/small.txt'))[0];
        for (const fd of held) fs.closeSync(fd);
        console.log(JSON.stringify([[...seen], short, out, await get('/many-1'), await get('/small.txt')]));
        process.exit();
      });`;
    const { stdout, stderr } = spawnSync('sh', ['-c', 'ulimit -n 64; exec "$0" -e "$1"', process.execPath, script], { encoding: 'utf8', cwd: path.join(__dirname, '../../..') });
    assert.equal(stderr, '');
    const [seen, short, out, again, small] = JSON.parse(stdout) as [string[], number[], number, number[], number[]];
    assert.deepEqual(seen, ['200,100000'], 'with the descriptors there are');
    assert.ok([200, 503].includes(short[0]!) && [200, 503].includes(out));
    assert.deepEqual([again, small], [[200, 100_000], [200, 5]]);
  });
});

describe('the cache of files', () => {
  const folder = temporaryFolder();
  let root = '';
  before(() => {
    root = path.dirname(folder.file('small', 'x'));
    for (let i = 0; i < 10; i++) folder.file(`large-${String(i)}`, patternBytes(70_000));
  });
  const openFiles = (): number => [...openDescriptors().values()].filter((target) => target.startsWith(`${root}/`)).length;

  async function find(cache: FileCache, name: string): Promise<CachedFile> {
    const found = await cache.find(name, name);
    assert.ok(found instanceof CachedFile, name);
    return found;
  }

  function cacheOf(limits: ConstructorParameters<typeof FileCache>[2]): FileCache {
    return new FileCache(new DocumentRoot(root, 'within', 1000), POLICY, limits, false);
  }

  it('keeps at most maxOpenFiles open, and of them those that are used', async () => {
    const cache = cacheOf({ maxOpenFiles: 3, revalidate: 60_000 });
    const before = openFiles();
    const popular = await find(cache, 'large-0');
    popular.release();
    for (let i = 1; i < 10; i++) {
      (await find(cache, `large-${String(i)}`)).release();
      assert.equal((await find(cache, 'large-0')), popular);
      popular.release();
      assert.ok(openFiles() - before <= 3, String(openFiles() - before));
    }
  });

  it('closes a held file when the hold ends, not before', async () => {
    const cache = cacheOf({ maxOpenFiles: 1, revalidate: 60_000 });
    const first = await find(cache, 'large-1');
    const second = await find(cache, 'large-2');
    const third = await find(cache, 'large-3');
    for (const file of [first, second, third]) ftruncateCheck(file.fd);
    const fds = [first, second].map(({ fd }) => fd);
    for (const file of [first, second, third]) file.release();
    assert.ok([first, second].some(({ hasDescriptor }) => !hasDescriptor), String(fds));
  });

  it('keeps nothing open with maxOpenFiles 0, and no descriptor of small files', async () => {
    const before = openFiles();
    const cache = cacheOf({ maxOpenFiles: 0, revalidate: 60_000 });
    const file = await find(cache, 'large-4');
    assert.equal(openFiles(), before + 1);
    file.release();
    assert.equal(openFiles(), before);
    const small = await find(cache, 'small');
    assert.deepEqual([small.hasDescriptor, small.body?.toString()], [false, 'x']);
    assert.equal(openFiles(), before);
  });

  it('takes more large files than small ones have room for', async () => {
    const { code, signal, stdout, stderr } = await runInChild(MANY_LARGE_FILES, { timeoutMs: 30_000 });
    assert.deepEqual({ code, signal, stdout }, { code: 0, signal: null, stdout: '0 closed, then 10\n' }, stderr);
  });

  it('drops what nobody asked for in a while, the root too', async () => {
    const before = openDescriptors();
    const cache = cacheOf({ maxOpenFiles: 10, revalidate: 60_000, idle: 30 });
    for (let i = 0; i < 5; i++) (await find(cache, `large-${String(i)}`)).release();
    assert.ok(openedSince(before).length >= 6);
    for (let i = 0; i < 100 && openedSince(before).length > 0; i++) await later(20);
    assert.deepEqual(openedSince(before), []);
    (await find(cache, 'large-0')).release();
  });

  it('answers EISDIR, ENXIO, ENOENT as data', async () => {
    const cache = cacheOf({ maxOpenFiles: 10, revalidate: 0 });
    const { errno } = (await import('node:os')).constants;
    for (const [name, expected] of [['', errno.EISDIR], ['none', errno.ENOENT], ['small/x', errno.ENOTDIR], ['x'.repeat(5000), errno.ENAMETOOLONG]] as const) {
      const found = await cache.find(name, name);
      assert.equal((found as { errno?: number }).errno, expected, name.slice(0, 10));
    }
  });
});

/** In a process of its own, for a cache that cannot make room looks for it for ever. Nothing is really opened. */
const MANY_LARGE_FILES = `
const { FileCache } = require('#lib/http/file-cache');
const { OpenedFile } = require('#lib/http/opened-file');
const { FACTS, FACT_COUNT } = require('#lib/native');
const facts = new Float64Array(FACT_COUNT);
facts[FACTS.size] = 100_000;
facts[FACTS.mode] = require('node:fs').constants.S_IFREG;
let closed = 0;
const root = { open: (path) => new OpenedFile(Number(path), facts, () => { closed++; }), close() {} };
const limits = { maxOpenFiles: 40_000, revalidate: 60_000 };
const cache = new FileCache(root, ${JSON.stringify(POLICY)}, limits, false);
const find = (from, to) => { for (let i = from; i < to; i++) cache.find(String(i), 'a.bin').release(); };
find(0, 40_000);
process.stdout.write(closed + ' closed, ');
find(40_000, 40_010);
process.stdout.write('then ' + closed + '\\n');
`;

/** Open for reading: EINVAL, and not EBADF, says that the descriptor is there. */
function ftruncateCheck(fd: number): void {
  assert.throws(() => ftruncateSync(fd), { code: 'EINVAL' });

}
