/** Headers of an application around serveFiles(): `send` is asked what it would answer. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import type http from 'node:http';
import path from 'node:path';
import send from 'send';
import { serveFiles, type ServeFilesOptions } from 'zerocopy/http';

import { ask, askAll, type Answer, type Question } from '../support/exchange';
import { servers } from '../support/network';
import { temporaryFolder } from '../support/temporary';

type Headers = Readonly<Record<string, string>>;

const CONTENT = '0123456789';
const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';
const EARLIER = 'Sun, 06 Nov 1994 08:49:36 GMT';
const LATER = 'Sun, 06 Nov 1994 08:49:38 GMT';

function setAll(response: http.ServerResponse, headers: Headers): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

describe("an application's headers", () => {
  const folder = temporaryFolder();
  const { http: listen } = servers();
  let root = '';
  before(() => { root = path.dirname(folder.file('a.txt', CONTENT)); });

  /** `before` are set by whoever came first, `own` by setHeaders(). */
  async function serving(before: Headers, own: Headers, options: ServeFilesOptions = {}): Promise<number> {
    const files = serveFiles(root, { ...options, setHeaders: (response) => { setAll(response, own); } });
    return (await listen((request, response) => {
      setAll(response, before);
      files(request, response);
    })).port;
  }

  describe('of a file are not those of a page in its place', () => {
    const OF_FILE: Headers = {
      'Content-Encoding': 'gzip', 'Content-Language': 'de', 'Content-Disposition': 'attachment', 'Content-Location': '/b',
      'Content-Digest': 'sha-256=:AA==:', 'ETag': '"own"', 'Last-Modified': DATE, 'Cache-Control': 'public, max-age=31536000, immutable',
      'Expires': 'Sun, 06 Nov 2044 08:49:37 GMT',
    };
    const OF_ALL: Headers = { 'Access-Control-Allow-Origin': '*', 'Vary': 'Origin', 'X-Request-Id': '1', 'Set-Cookie': 'a=1' };
    const refused: readonly [status: number, ...Question][] = [
      [412, '/a.txt', { 'If-Match': '"x"' }], [416, '/a.txt', { Range: 'bytes=10-' }], [404, '/missing'], [403, '/../x'],
      [400, '/%'], [405, 'POST /a.txt'],
    ];

    function assertPage({ headers, body }: Answer, gone: Headers, kept: Headers): void {
      assert.match(body.toString(), /^<!DOCTYPE html>/);
      assert.equal(headers['content-type'], 'text/html; charset=utf-8');
      assert.equal(headers['content-length'], String(body.length));
      for (const name of Object.keys(gone)) assert.equal(headers[name.toLowerCase()], undefined, name);
      for (const [name, value] of Object.entries(kept)) assert.equal(headers[name.toLowerCase()], value, name);
    }

    for (const [status, target, headers] of refused) {
      it(`${String(status)}: set before, or by setHeaders()`, async () => {
        for (const port of [await serving({ ...OF_ALL, ...OF_FILE }, {}), await serving(OF_ALL, OF_FILE)]) {
          const answer = await ask(port, target, headers);
          assert.equal(answer.status, status);
          assertPage(answer, OF_FILE, OF_ALL);
          if (status === 416) assert.equal(answer.headers['content-range'], 'bytes */10');
        }
      });
    }

    it('what setHeaders() changed is again as it was', async () => {
      const port = await serving({ 'Vary': 'Origin', 'X-A': '1' }, { 'Vary': 'Origin, Cookie', 'X-A': '2', 'X-B': '3' });
      const [whole, refused] = await askAll(port, [['/a.txt'], ['/a.txt', { Range: 'bytes=10-' }]]);
      const seen = ({ headers }: Answer) => [headers['vary'], headers['x-a'], headers['x-b']];
      assert.deepEqual([seen(whole!), seen(refused!)], [['Origin, Cookie', '2', '3'], ['Origin', '1', undefined]]);
    });

    it('also what it added to a list', async () => {
      const files = serveFiles(root, { setHeaders: (response) => { response.appendHeader('Set-Cookie', 'c=3'); } });
      const { port } = await listen((request, response) => {
        response.setHeader('Set-Cookie', ['a=1', 'b=2']);
        files(request, response);
      });
      const [whole, refused] = await askAll(port, [['/a.txt'], ['/a.txt', { Range: 'bytes=10-' }]]);
      assert.deepEqual([whole!.headers['set-cookie'], refused!.headers['set-cookie']], ['a=1, b=2, c=3', 'a=1, b=2']);
    });

    it('what forbids to keep an answer stays', async () => {
      const port = await serving({ 'Cache-Control': 'private, no-store' }, {});
      assert.equal((await ask(port, '/missing')).headers['cache-control'], 'private, no-store');
    });

    it('nor those of the 500, or the next handler, after setHeaders() threw', async () => {
      const files = serveFiles(root, {
        setHeaders(response) {
          setAll(response, OF_FILE);
          throw new Error('planned');
        },
      });
      const { port } = await listen((request, response) => {
        setAll(response, OF_ALL);
        if (request.url === '/a.txt') files(request, response);
        else files(Object.assign(request, { url: '/a.txt' }), response, () => response.end(JSON.stringify(response.getHeaders())));
      });
      const warned = new Promise((resolve) => process.once('warning', resolve));
      assertPage(await ask(port, '/a.txt'), OF_FILE, OF_ALL);
      await warned;
      const next = JSON.parse((await ask(port, '/next')).body.toString()) as object;
      assert.deepEqual(Object.keys(next).sort(), Object.keys(OF_ALL).map((name) => name.toLowerCase()).sort());
    });

    it('a redirect has a body of its own too', async () => {
      mkdirSync(folder.file('dir'));
      const answer = await ask(await serving({ ...OF_ALL, 'Content-Encoding': 'gzip', 'ETag': '"x"' }, {}), '/dir');
      assert.deepEqual([answer.status, answer.headers['location']], [301, '/dir/']);
      assertPage(answer, { 'Content-Encoding': '', 'ETag': '' }, OF_ALL);
    });
  });

  describe('decide about conditions as they are sent', () => {
    const conditions: readonly Headers[] = [
      ...[EARLIER, DATE, LATER, 'no date'].flatMap((date) => [
        { 'If-Modified-Since': date }, { 'If-Unmodified-Since': date }, { 'Range': 'bytes=0-1', 'If-Range': date },
      ]),
      ...['"own"', '"other"', '*'].flatMap((tag) => [{ 'If-None-Match': tag }, { 'If-Match': tag }]),
      { 'Range': 'bytes=0-1', 'If-Range': '"own"' }, { 'Range': 'bytes=0-1', 'If-Range': '"other"' },
    ];
    const OWN: Headers = { 'Last-Modified': DATE, 'ETag': '"own"' };

    /** Here the RFC is stricter than send: a date in If-Range has to be the very one (section 13.1.5). */
    const STRICTER = [{ 'Range': 'bytes=0-1', 'If-Range': LATER }];

    for (const where of ['setHeaders()', 'whoever came before'] as const) {
      it(`those of ${where}, as send has it`, async () => {
        const [before, own] = where === 'setHeaders()' ? [{}, OWN] : [OWN, {}];
        const ours = await serving(before, own);
        const { port: theirs } = await listen((request, response) => {
          setAll(response, OWN);
          send(request, request.url!, { root }).pipe(response);
        });
        for (const headers of conditions) {
          const [got, wanted] = [await ask(ours, '/a.txt', headers), await ask(theirs, '/a.txt', headers)];
          const isStricter = STRICTER.some((stricter) => JSON.stringify(stricter) === JSON.stringify(headers));
          assert.equal(got.status, isStricter ? 200 : wanted.status, JSON.stringify(headers));
          if (got.status === 200) assert.equal(got.headers['last-modified'], DATE);
        }
      });
    }

    it('also where the option switches ours off', async () => {
      const port = await serving({}, { 'Last-Modified': DATE }, { lastModified: false, etag: false });
      assert.equal((await ask(port, '/a.txt', { 'If-Modified-Since': DATE })).status, 304);
      assert.equal((await ask(port, '/a.txt', { 'If-Modified-Since': EARLIER })).status, 200);
    });

    it('what is no date is sent, and nothing compared with it', async () => {
      const port = await serving({}, { 'Last-Modified': 'yesterday' }, { etag: false });
      const answers = await askAll(port, [
        ['/a.txt', { 'If-Modified-Since': LATER }], ['/a.txt', { 'If-Unmodified-Since': EARLIER }],
        ['/a.txt', { 'Range': 'bytes=0-1', 'If-Range': 'yesterday' }],
      ]);
      assert.deepEqual(answers.map(({ status, headers }) => [status, headers['last-modified']]), answers.map(() => [200, 'yesterday']));
    });
  });

  it('say that there are no ranges, and there are none', async () => {
    for (const port of [await serving({ 'Accept-Ranges': 'none' }, {}), await serving({}, { 'Accept-Ranges': 'None' })]) {
      const { status, headers, body } = await ask(port, '/a.txt', { Range: 'bytes=0-1' });
      assert.deepEqual([status, headers['accept-ranges']!.toLowerCase(), body.toString()], [200, 'none', CONTENT]);
    }
    assert.equal((await ask(await serving({ 'Accept-Ranges': 'bytes' }, {}), '/a.txt', { Range: 'bytes=0-1' })).status, 206);
  });

  it('of content are not in a 304, the others are', async () => {
    const own = { 'Content-Encoding': 'gzip', 'Content-Language': 'de', 'Content-Type': 'text/x', 'Content-Location': '/b', 'X-A': '1', 'Vary': 'Origin' };
    const port = await serving({}, own, { precompressed: ['br'] });
    const { etag } = (await ask(port, '/a.txt')).headers;
    const { status, headers } = await ask(port, '/a.txt', { 'If-None-Match': etag! });
    assert.equal(status, 304);
    for (const name of ['content-encoding', 'content-language', 'content-type', 'content-length']) assert.equal(headers[name], undefined, name);
    assert.deepEqual([headers['content-location'], headers['x-a'], headers['vary'], headers['etag']], ['/b', '1', 'Origin, Accept-Encoding', etag]);
  });
});
