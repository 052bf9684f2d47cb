/** Whole requests over loopback, as a raw client sees the answers. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { inspect } from 'node:util';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { serveFiles, transfers, type ServeFilesOptions } from 'zerocopy/http';

import { localhost } from '../support/certificate';
import { ask, askAll } from '../support/exchange';
import { servers } from '../support/network';
import { patternBytes, temporaryFolder } from '../support/temporary';

const SMALL = patternBytes(1000);
const LARGE = patternBytes(300_000);

function makeFiles(folder: ReturnType<typeof temporaryFolder>): string {
  const root = path.dirname(folder.file('small.txt', SMALL));
  folder.file('large.bin', LARGE);
  folder.file('empty.txt', '');
  folder.file('page.html', '<p>page');
  folder.file('.hidden', 'hidden');
  folder.file('app.js', 'plain');
  folder.file('app.js.br', brotliCompressSync('plain'));
  folder.file('app.js.gz', gzipSync('plain'));
  for (const name of ['dir', 'bare', 'a b"<', 'line\r\nSet-Cookie: x=1']) mkdirSync(path.join(root, name));
  writeFileSync(path.join(root, 'dir/index.html'), 'index');
  writeFileSync(path.join(root, 'line\r\nSet-Cookie: x=1', 'x\r\nSet-Cookie: y=1.html'), 'injected');
  return root;
}

describe('serveFiles', () => {
  const folder = temporaryFolder();
  const { http: listen } = servers();
  let root = '';
  before(() => { root = makeFiles(folder); });

  async function serving(options?: ServeFilesOptions): Promise<number> {
    return (await listen(serveFiles(root, options))).port;
  }

  describe('answers', () => {
    for (const [name, content] of [['small.txt', SMALL], ['large.bin', LARGE], ['empty.txt', Buffer.alloc(0)]] as const) {
      it(`GET and HEAD of ${name}`, async () => {
        const port = await serving();
        const [get, head] = await askAll(port, [[`/${name}`], [`HEAD /${name}`]]);
        assert.equal(get!.status, 200);
        assert.deepEqual(get!.body, content);
        assert.equal(get!.headers['content-length'], String(content.length));
        assert.equal(get!.headers['accept-ranges'], 'bytes');
        assert.equal(get!.headers['cache-control'], 'public, max-age=0');
        assert.match(get!.headers['etag']!, /^"[\w.-]+"$/);
        const { date, connection, 'keep-alive': keepAlive, ...expected } = get!.headers;
        void [date, connection, keepAlive]; // the second answer is the last of its connection
        for (const [name, value] of Object.entries(expected)) assert.equal(head!.headers[name], value, name);
        assert.deepEqual([head!.status, head!.body.length], [200, 0]);
      });
    }

    for (const [name, content] of [['small.txt', SMALL], ['large.bin', LARGE]] as const) {
      it(`ranges of ${name}: one, several, a suffix, none that can be`, async () => {
        const port = await serving();
        const size = content.length;
        const range = (text: string) => [`/${name}`, { Range: `bytes=${text}` }] as const;
        const [one, suffix, long, none, invalid, several, after] = await askAll(port,
          [range('10-19'), range('-7'), range('-99999999'), range(`${String(size)}-`), range('5-2'), range('0-1,100-299,-3'), [`/${name}`]]);
        assert.deepEqual([one!.status, one!.body, one!.headers['content-range']], [206, content.subarray(10, 20), `bytes 10-19/${String(size)}`]);
        assert.deepEqual([suffix!.status, suffix!.body], [206, content.subarray(-7)]);
        assert.deepEqual([long!.status, long!.body], [206, content]);
        assert.deepEqual([none!.status, none!.headers['content-range']], [416, `bytes */${String(size)}`]);
        assert.deepEqual([invalid!.status, invalid!.body], [200, content]);
        assert.equal(several!.status, 206);
        assert.deepEqual(partsOf(several!.headers['content-type']!, several!.body), [
          [`bytes 0-1/${String(size)}`, content.subarray(0, 2)],
          [`bytes 100-299/${String(size)}`, content.subarray(100, 300)],
          [`bytes ${String(size - 3)}-${String(size - 1)}/${String(size)}`, content.subarray(-3)],
        ]);
        assert.deepEqual([after!.status, after!.body], [200, content]);
      });
    }

    it('conditions: 304, 412, If-Range', async () => {
      const port = await serving();
      const { etag, 'last-modified': date } = (await ask(port, '/large.bin')).headers as { etag: string; 'last-modified': string };
      const answers = await askAll(port, [
        ['/large.bin', { 'If-None-Match': etag }],
        ['/large.bin', { 'If-None-Match': `W/${etag}` }],
        ['/large.bin', { 'If-Modified-Since': date }],
        ['/large.bin', { 'If-Match': '"x"' }],
        ['/large.bin', { 'Range': 'bytes=0-9', 'If-Range': etag }],
        ['/large.bin', { 'Range': 'bytes=0-9', 'If-Range': `W/${etag}` }],
        ['HEAD /large.bin', { 'If-None-Match': etag }],
      ]);
      assert.deepEqual(answers.map(({ status }) => status), [304, 304, 304, 412, 206, 200, 304]);
      const lengths = answers.map(({ body }) => body.length);
      lengths.splice(3, 1); // the page of the 412
      assert.deepEqual(lengths, [0, 0, 0, 10, LARGE.length, 0]);
      assert.equal(answers[0]!.headers['etag'], etag);
    });

    it('what was pipelined in its order, whatever way each goes', async () => {
      const port = await serving();
      const wanted = ['/large.bin', '/small.txt', '/missing', '/large.bin', '/empty.txt', '/dir/', '/large.bin'];
      const answers = await askAll(port, wanted.map((target) => [target] as const));
      assert.deepEqual(answers.map(({ status }) => status), [200, 200, 404, 200, 200, 200, 200]);
      for (const i of [0, 3, 6]) assert.deepEqual(answers[i]!.body, LARGE);
    });

    it('by sendfile and inline, and says so', async () => {
      const port = await serving();
      const before = transfers();
      await askAll(port, [['/large.bin'], ['/small.txt'], ['HEAD /small.txt'], ['/missing']]);
      const now = transfers();
      assert.deepEqual([now.sendfile - before.sendfile, now.inline - before.inline], [1, 1]);
      assert.equal(now.bytes - before.bytes, LARGE.length + SMALL.length);
      assert.deepEqual(now.fallback, before.fallback);
    });
  });

  describe('finds', () => {
    const cases: readonly [what: string, options: ServeFilesOptions, target: string, expected: number | string][] = [
      ['the index of a directory', {}, '/dir/', 'index'],
      ['no index where there is none', {}, '/bare/', 404],
      ['no index when it is switched off', { index: false }, '/dir/', 404],
      ['the first index that is there', { index: ['none.html', 'index.html'] }, '/dir/', 'index'],
      ['no file with a slash behind it', {}, '/page.html/', 404],
      ['no page without its extension', {}, '/page', 404],
      ['a page by an extension', { extensions: ['txt', '.html'] }, '/page', '<p>page'],
      ['no extension for a name that has one', { extensions: ['html'] }, '/page.x', 404],
      ['no hidden file', {}, '/.hidden', 404],
      ['no hidden file, and says so', { dotfiles: 'deny' }, '/.hidden', 403],
      ['a hidden file', { dotfiles: 'allow' }, '/.hidden', 'hidden'],
      ['no directory without its slash, when told so', { redirect: false }, '/dir', 404],
      ['nothing for what cannot be decoded', {}, '/%ff', 400],
      ['nothing above the root', {}, '/../x', 403],
    ];
    for (const [what, options, target, expected] of cases) {
      it(what, async () => {
        const { status, body } = await ask(await serving(options), target);
        if (typeof expected === 'number') assert.equal(status, expected);
        else assert.deepEqual([status, body.toString()], [200, expected]);
        assert.ok(!body.toString().includes(root), 'no path of this machine');
      });
    }

    it('directories by a redirect that stays here', async () => {
      const port = await serving();
      const answers = await askAll(port, [
        ['/dir'], ['/dir?a=%20b'], ['//dir'], ['/%64ir'], ['/a%20b%22%3C'], ['/line%0D%0ASet-Cookie:%20x=1'],
      ]);
      assert.deepEqual(answers.map(({ status }) => status), answers.map(() => 301));
      assert.deepEqual(answers.map(({ headers }) => headers['location']),
        ['/dir/', '/dir/?a=%20b', '/dir/', '/%64ir/', '/a%20b%22%3C/', '/line%0D%0ASet-Cookie:%20x=1/']);
      for (const { headers, body } of answers) {
        assert.equal(headers['set-cookie'], undefined);
        assert.ok(!/[\r\n]Set-Cookie/.test(body.toString()));
      }
    });

    it('files whose names could be headers', async () => {
      const { status, headers, body } = await ask(await serving(), '/line%0D%0ASet-Cookie:%20x=1/x%0D%0ASet-Cookie:%20y=1.html');
      assert.deepEqual([status, body.toString(), headers['set-cookie']], [200, 'injected', undefined]);
    });

    it('precompressed files by what the client takes', async () => {
      const port = await serving({ precompressed: ['br', 'zstd', 'gzip'] });
      const get = (accept: string) => ['/app.js', accept === '' ? {} : { 'Accept-Encoding': accept }] as const;
      const answers = await askAll(port, ['', 'gzip', 'gzip, br', 'br;q=0.1, gzip', 'zstd', 'br;q=0, identity'].map(get));
      assert.deepEqual(answers.map(({ headers }) => headers['content-encoding']),
        [undefined, 'gzip', 'br', 'gzip', undefined, undefined]);
      assert.equal(new Set(answers.slice(0, 3).map(({ headers }) => headers['etag'])).size, 3, 'a tag for each');
      for (const { headers } of answers) {
        assert.equal(headers['vary'], 'Accept-Encoding');
        assert.equal(headers['content-type'], 'text/javascript; charset=utf-8');
      }
      assert.deepEqual(answers[2]!.body, brotliCompressSync('plain'));
      assert.equal((await ask(port, '/small.txt', { 'Accept-Encoding': 'br' })).headers['vary'], 'Accept-Encoding');
    });
  });

  describe('leaves alone what is no file', () => {
    it('FIFO, socket, device: at once, and the server goes on', async () => {
      const special = path.join(root, 'special');
      mkdirSync(special);
      const made = (await import('node:child_process')).spawnSync('mkfifo', [path.join(special, 'fifo')]);
      assert.equal(made.status, 0);
      symlinkSync('/dev/zero', path.join(special, 'zero'));
      symlinkSync('/dev/tty', path.join(special, 'tty'));
      const socket = net.createServer().listen(path.join(special, 'socket'));
      const port = await serving({ symlinks: 'follow' });
      const names = ['fifo', 'socket', 'zero', 'tty'];
      const targets = [...names, ...names].map((name) => [`/special/${name}`] as const);
      const answers = await askAll(port, [...targets, ['/small.txt']]);
      assert.deepEqual(answers.map(({ status }) => status), [...targets.map(() => 404), 200]);
      socket.close();
      rmSync(special, { recursive: true });
    });
  });

  describe('lets others answer', () => {
    async function withNext(options: ServeFilesOptions, target: string): Promise<{ calls: unknown[]; status: number }> {
      const calls: unknown[] = [];
      const files = serveFiles(root, options);
      const { port } = await listen((request, response) => {
        files(request, response, (error) => {
          calls.push(error);
          response.writeHead(299, { 'Content-Length': 0 }).end();
        });
      });
      return { status: (await ask(port, target)).status, calls };
    }

    it('who answered while it was looking', async () => {
      const files = serveFiles(root);
      const late: unknown[] = [];
      const { port } = await listen((request, response) => {
        let isAnswered = false;
        files(request, response, (error) => { if (isAnswered) late.push(error); });
        files(request, response);
        isAnswered = true;
        if (!response.headersSent) response.writeHead(299, { 'Content-Length': 0 }).end();
      });
      // A name that nobody has asked the system for is looked up on the thread pool, where there is one to do it.
      const targets = Array.from({ length: 20 }, (_, i) => [`/missing-${String(i)}-${String(Math.random())}`] as const);
      const answers = await askAll(port, targets);
      assert.deepEqual(late, []);
      for (const { status } of answers) assert.ok(status === 299 || status === 404);
    });

    for (const target of ['/missing', '/../x', '/%ff', '/.hidden', 'POST /small.txt', 'OPTIONS /small.txt', 'OPTIONS *', '/bare/']) {
      it(`next() for ${target}`, async () => assert.deepEqual(await withNext({}, target), { status: 299, calls: [undefined] }));
    }
    for (const [target, status] of [['/missing', 404], ['/../x', 403], ['/%ff', 400]] as const) {
      it(`next(error) for ${target} without fallthrough`, async () => {
        const { calls } = await withNext({ fallthrough: false }, target);
        const [error] = calls as [Error & { status: number; statusCode: number; expose: boolean }];
        assert.deepEqual([calls.length, error.status, error.statusCode, error.expose], [1, status, status, true]);
        assert.ok(!String(error.stack).includes(root));
      });
    }
    for (const [target, status] of [['POST /small.txt', 405], ['OPTIONS /small.txt', 204], ['DELETE /', 405],
      ['OPTIONS *', 204], ['POST /%ff', 405]] as const) {
      it(`without next or fallthrough it answers ${target} with ${String(status)}`, async () => {
        for (const port of [await serving(), await serving({ fallthrough: false })]) {
          const { status: got, headers } = await ask(port, target);
          assert.deepEqual([got, headers['allow']], [status, 'GET, HEAD, OPTIONS']);
        }
      });
    }
  });

  describe('sets headers', () => {
    it('of maxAge and immutable', async () => {
      const ages: readonly [maxAge: number | string, seconds: number][] = [
        [0, 0], [1500, 1], ['1d', 86_400], ['2 hours', 7200], ['1500', 1], ['1.5h', 5400], [Infinity, 31_536_000], ['10y', 31_536_000], ['1 week', 604_800],
      ];
      for (const [maxAge, seconds] of ages) {
        const { headers } = await ask(await serving({ maxAge, immutable: true }), '/small.txt');
        assert.equal(headers['cache-control'], `public, max-age=${String(seconds)}, immutable`);
      }
    });

    it('without ETag, Last-Modified and Accept-Ranges when told so', async () => {
      const port = await serving({ etag: false, lastModified: false, acceptRanges: false });
      const { status, headers } = await ask(port, '/small.txt', { Range: 'bytes=0-1' });
      assert.equal(status, 200);
      for (const name of ['etag', 'last-modified', 'accept-ranges']) assert.equal(headers[name], undefined, name);
    });

    it('that the application wants, and beside those that it has set', async () => {
      const seen: unknown[] = [];
      const files = serveFiles(root, {
        precompressed: ['br'],
        setHeaders(response, file, stats) {
          seen.push([file, stats.size, stats.isFile()]);
          response.setHeader('Cache-Control', 'no-store');
          response.setHeader('X-Own', 'yes');
        },
      });
      const { port } = await listen((request, response) => {
        response.setHeader('Vary', 'Origin');
        response.setHeader('ETag', '"own"');
        files(request, response);
      });
      const [whole, same, part] = await askAll(port, [['/small.txt'], ['/small.txt', { 'If-None-Match': '"own"' }], ['/small.txt', { Range: 'bytes=0-1' }]]);
      for (const answer of [whole, same, part]) {
        assert.equal(answer!.headers['cache-control'], 'no-store');
        assert.equal(answer!.headers['vary'], 'Origin, Accept-Encoding');
        assert.equal(answer!.headers['etag'], '"own"');
        assert.equal(answer!.headers['x-own'], 'yes');
      }
      assert.deepEqual([whole!.status, same!.status, part!.status], [200, 304, 206]);
      assert.deepEqual(seen[0], [path.join(root, 'small.txt'), SMALL.length, true]);
    });

    it('and survives a setHeaders() that throws: next(error), or 500', async () => {
      const files = serveFiles(root, { setHeaders() { throw new Error('planned'); } });
      const errors: unknown[] = [];
      const { port } = await listen((request, response) => {
        files(request, response, request.url === '/small.txt' ? (error) => { errors.push(error); response.writeHead(299, { 'Content-Length': 0 }).end(); } : undefined);
      });
      const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
      const [first, second] = await askAll(port, [['/small.txt'], ['/page.html']]);
      assert.deepEqual([first!.status, (errors[0] as Error).message, second!.status], [299, 'planned', 500]);
      assert.equal((await warned).message, 'planned');
    });

    it('with the status that the application gave', async () => {
      const files = serveFiles(root);
      const { port } = await listen((request, response) => {
        response.statusCode = 404;
        files(request, response);
      });
      const { status, body } = await ask(port, '/page.html', { Range: 'bytes=0-0' });
      assert.deepEqual([status, body.toString()], [404, '<p>page']);
    });
  });

  describe('refuses', () => {
    const wrong: readonly [what: string, root: unknown, options: unknown, error: object][] = [
      ['no root', undefined, undefined, { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' }],
      ['an empty root', '', undefined, { code: 'ERR_INVALID_ARG_VALUE', name: 'TypeError', message: /'root'|"root"/ }],
      ['a root with a null', 'a\0', undefined, { code: 'ERR_INVALID_ARG_VALUE', message: /'root'|"root"/ }],
      ['a root that is not there', '/missing/root', undefined, { code: 'ENOENT', syscall: 'open', path: '/missing/root' }],
      ['a root that is a file', '/etc/passwd', undefined, { code: 'ENOTDIR' }],
      ['an unknown option', '.', { maxage: 1 }, { code: 'ERR_INVALID_ARG_VALUE', message: /options\.maxage/ }],
      ['no object', '.', 'x', { code: 'ERR_INVALID_ARG_TYPE' }],
    ];
    const values: [name: keyof ServeFilesOptions, code: string, ...values: unknown[]][] = [
      ['index', 'ERR_INVALID_ARG_TYPE', true, 1, null, [1]],
      ['index', 'ERR_INVALID_ARG_VALUE', '', '../x', 'a/b', '..', 'a\0'],
      ['extensions', 'ERR_INVALID_ARG_TYPE', 5, {}],
      ['extensions', 'ERR_INVALID_ARG_VALUE', 'a/b'],
      ['dotfiles', 'ERR_INVALID_ARG_VALUE', 'yes', ''],
      ['dotfiles', 'ERR_INVALID_ARG_TYPE', true],
      ['symlinks', 'ERR_INVALID_ARG_VALUE', 'no'],
      ['maxAge', 'ERR_OUT_OF_RANGE', -1, NaN, -Infinity],
      ['maxAge', 'ERR_INVALID_ARG_VALUE', '', 'long', '1 fortnight', '-1d'],
      ['maxAge', 'ERR_INVALID_ARG_TYPE', true, 1n, {}],
      ['precompressed', 'ERR_INVALID_ARG_TYPE', true, 'br'],
      ['precompressed', 'ERR_INVALID_ARG_VALUE', ['deflate']],
      ['setHeaders', 'ERR_INVALID_ARG_TYPE', {}, 'x'],
      ['maxOpenFiles', 'ERR_OUT_OF_RANGE', -1, 1.5, NaN],
      ['maxOpenFiles', 'ERR_INVALID_ARG_TYPE', '5'],
      ['revalidate', 'ERR_OUT_OF_RANGE', -1, Infinity],
    ];
    for (const name of ['immutable', 'etag', 'lastModified', 'acceptRanges', 'fallthrough', 'redirect'] as const) {
      values.push([name, 'ERR_INVALID_ARG_TYPE', 0, 'true', null]);
    }
    for (const [what, where, options, error] of wrong) {
      it(what, () => assert.throws(() => serveFiles(where as string, options as object), error));
    }
    for (const [name, code, ...given] of values) {
      for (const value of given) {
        it(`${name}: ${inspect(value)}`, () =>
          assert.throws(() => serveFiles('.', { [name]: value }), { code, message: new RegExp(name) }));
      }
    }
  });

  describe('over other protocols', () => {
    it('HTTP/1.0', async () => {
      const port = await serving();
      const text = await new Promise<string>((resolve, reject) => {
        const socket = net.connect(port, '127.0.0.1', () => socket.write('GET /page.html HTTP/1.0\r\n\r\n'));
        let got = '';
        socket.setEncoding('latin1').on('data', (chunk: string) => (got += chunk)).on('end', () => resolve(got)).on('error', reject);
      });
      assert.match(text, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n<p>page$/);
    });

    it('TLS: by reading and writing, byte for byte', async () => {
      const server = https.createServer(localhost, serveFiles(root)).listen(0);
      const before = transfers().fallback.tls ?? 0;
      for (const [name, content] of [['large.bin', LARGE], ['small.txt', SMALL]] as const) {
        const { port } = server.address() as net.AddressInfo;
        const body = await new Promise<Buffer>((resolve, reject) => {
          https.get({ port, path: `/${name}`, ca: localhost.cert, host: 'localhost', agent: false }, (response) => {
            const chunks: Buffer[] = [];
            response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks)));
          }).on('error', reject);
        });
        assert.deepEqual(body, content);
      }
      assert.equal(transfers().fallback.tls, before + 1);
      server.close();
      server.closeAllConnections();
    });

    it('HTTP/2', async () => {
      const server = http2.createServer(serveFiles(root)).listen(0); // as it is, for the compiler too
      const client = http2.connect(`http://127.0.0.1:${String((server.address() as net.AddressInfo).port)}`);
      const get = (headers: http2.OutgoingHttpHeaders) => new Promise<[unknown, Buffer]>((resolve, reject) => {
        const stream = client.request(headers);
        const chunks: Buffer[] = [];
        let status: unknown;
        stream.on('response', (head) => (status = head[':status'])).on('data', (chunk: Buffer) => chunks.push(chunk))
          .on('end', () => resolve([status, Buffer.concat(chunks)])).on('error', reject);
      });
      assert.deepEqual(await get({ ':path': '/large.bin' }), [200, LARGE]);
      assert.deepEqual(await get({ ':path': '/small.txt', 'range': 'bytes=1-3' }), [206, SMALL.subarray(1, 4)]);
      assert.deepEqual((await get({ ':path': '/missing' }))[0], 404);
      assert.deepEqual((await get({ ':path': '/dir' }))[0], 301);
      client.close();
      server.close();
    });
  });

  it('tells versions apart by the nanosecond', async () => {
    const port = await serving({ revalidate: 0 });
    const file = folder.file('versions.txt', 'aaa');
    const tags = new Set<string>();
    for (const [content, time] of [['aaa', 1.1], ['bbb', 1.1001], ['ccc', 1.1002]] as const) {
      writeFileSync(file, content);
      utimesSync(file, time, time);
      const { headers, body } = await ask(port, '/versions.txt');
      assert.equal(body.toString(), content);
      tags.add(headers['etag']!);
    }
    assert.equal(tags.size, 3);
  });
});

/** Content-Range and bytes of each part. */
function partsOf(contentType: string, body: Buffer): [string, Buffer][] {
  const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(contentType)![1]!;
  const text = body.toString('latin1');
  assert.ok(text.endsWith(`\r\n--${boundary}--\r\n`));
  return text.split(`\r\n--${boundary}`).slice(1, -1).map((part) => {
    const [head = '', ...rest] = part.split('\r\n\r\n');
    return [/Content-Range: (.*)/.exec(head)![1]!, Buffer.from(rest.join('\r\n\r\n'), 'latin1')];
  });
}
