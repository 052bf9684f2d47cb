/**
 * The same requests to nginx and to serveFiles(): every difference stands in the table, with its reason. And slow
 * clients by the hundred, and a browser.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import type net from 'node:net';
import path from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { serveFiles, transfers } from 'zerocopy/http';

import { ask, type Answer } from '../support/exchange';
import { servers } from '../support/network';
import { nginxServers } from '../support/nginx';
import { patternBytes, temporaryFolder } from '../support/temporary';
import { requireTool } from '../support/tool';

const SIZE = 300_000;
const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';

describe('serveFiles beside', () => {
  const folder = temporaryFolder();
  const { http: listen } = servers();
  const nginx = nginxServers();
  let root = '';
  let ours = 0;
  let server: net.Server;
  before(async () => {
    root = path.dirname(folder.file('www/.keep'));
    mkdirSync(path.join(root, 'dir'), { recursive: true });
    writeFileSync(path.join(root, 'file.bin'), patternBytes(SIZE));
    writeFileSync(path.join(root, 'dir/index.html'), '<title>index</title>');
    writeFileSync(path.join(root, 'empty.txt'), '');
    symlinkSync('/etc/passwd', path.join(root, 'out'));
    ({ port: ours, server } = await listen(serveFiles(root, { dotfiles: 'allow' })));
  });

  describe('nginx', () => {
    let theirs = 0;
    before(async () => {
      theirs = await nginx(`
        disable_symlinks on; default_type application/octet-stream; types { text/html html; text/plain txt; }
        absolute_redirect off; charset utf-8; charset_types text/html text/plain;
        server { listen 80; root ${root}; }`);
    });

    /** Of an answer, what both should say alike. */
    const compared = ({ status, headers, body }: Answer) => ({
      status,
      range: headers['content-range'],
      length: status < 300 ? headers['content-length'] : undefined,
      type: status < 300 && !headers['content-type']?.startsWith('multipart') ? headers['content-type'] : undefined,
      location: headers['location'],
      body: status < 300 && !headers['content-type']?.startsWith('multipart') ? body.toString('base64') : undefined,
    });

    type Headers = Readonly<Record<string, string>>;
    const same: readonly [target: string, headers?: Headers][] = [
      ['/file.bin'], ['HEAD /file.bin'], ['/empty.txt'], ['/dir/'], ['/dir'], ['/dir?a=b'], ['/missing'], ['/dir/missing'],
      ['/file.bin', { Range: 'bytes=0-9' }], ['/file.bin', { Range: 'bytes=-9' }], ['/file.bin', { Range: 'bytes=-9999999' }],
      ['/file.bin', { Range: 'bytes=299999-' }], ['/file.bin', { Range: 'bytes=300000-' }], ['/file.bin', { Range: 'lines=0-1' }],
      ['/file.bin', { 'Range': 'bytes=0-9', 'If-Range': '"x"' }], ['/file.bin', { 'Range': 'bytes=0-9', 'If-Range': DATE }],
      ['/file.bin', { 'If-None-Match': '*' }], ['/file.bin', { 'If-None-Match': '"x"' }], ['/file.bin', { 'If-Match': '"x"' }],
      ['/file.bin', { 'If-Match': '*' }], ['/file.bin', { 'If-Unmodified-Since': DATE }], ['/file.bin', { 'If-Modified-Since': DATE }],
      ['//file.bin'], ['/./file.bin'], ['/dir/../file.bin'], ['/%66ile.bin'], ['/file.bin/'], ['/file%2Ebin'], ['/dir/%2e%2e/file.bin'],
      ['/out'], ['POST /file.bin'], ['/file.bin', { Range: 'bytes=0-299999,0-299999' }], ['/dir//'], ['/%ff'], ['/file.bin%00'],
    ];
    type Difference = readonly [target: string, headers: Headers, nginx: number, ours: number, why: string];
    const different: readonly Difference[] = [
      ['/file.bin', { Range: 'bytes=5-2' }, 416, 200, 'RFC 9110, 14.1.1: it ends before it begins, is invalid, and ignored'],
      ['/file.bin', { Range: 'bytes=a-b' }, 416, 200, 'section 14.2: what is invalid is ignored'],
      ['HEAD /file.bin', { Range: 'bytes=0-9' }, 206, 200, 'section 14.2: Range means something for GET alone'],
      ['/../file.bin', {}, 400, 403, 'it cannot be served; which of both is told is a matter of taste (send: 403)'],
      ['OPTIONS /file.bin', {}, 405, 204, 'section 9.3.7: it says what is allowed'],
    ];
    for (const [target, headers] of same) {
      it(`answers alike: ${target} ${JSON.stringify(headers ?? {})}`, async () => {
        const [there, here] = [await ask(theirs, target, headers), await ask(ours, target, headers)];
        // '/%ff' is a name for nginx that is not there, and no UTF-8 for us.
        const expected = target === '/%ff' ? { ...compared(there), status: 400 } : compared(there);
        assert.deepEqual(compared(here), expected);
      });
    }
    for (const [target, headers, there, here, why] of different) {
      it(`differs: ${target} ${JSON.stringify(headers)}: ${why}`, async () => {
        assert.equal((await ask(theirs, target, headers)).status, there);
        assert.equal((await ask(ours, target, headers)).status, here);
      });
    }

    it('in front of it, as docs/serving.md says: the same answers, by connections that stay', async () => {
      const markdown = readFileSync(path.join(__dirname, '../../../docs/serving.md'), 'utf8');
      const configuration = /^```nginx\n([^]*?)^```$/m.exec(markdown)![1]!;
      assert.ok(configuration.includes('127.0.0.1:8080'));
      const { port, server: behind } = await listen(serveFiles(root));
      let connections = 0;
      behind.on('connection', () => connections++);
      const front = await nginx(configuration.replace('127.0.0.1:8080', `127.0.0.1:${String(port)}`));
      const { headers: { etag = '' } } = await ask(front, '/file.bin');
      const requests: readonly [target: string, headers: Headers, status: number][] = [
        ['/file.bin', {}, 200], ['HEAD /file.bin', {}, 200], ['/file.bin', { Range: 'bytes=5-9' }, 206],
        ['/file.bin', { 'If-None-Match': etag }, 304], ['/file.bin', { 'Range': 'bytes=-5', 'If-Range': etag }, 206],
        ['/file.bin', { Range: 'bytes=999999-' }, 416], ['/dir/', {}, 200], ['/dir', {}, 301], ['/missing', {}, 404],
      ];
      for (const [target, headers, status] of requests) {
        const [there, here] = [await ask(front, target, headers), await ask(port, target, headers)];
        const { location } = there.headers;
        assert.deepEqual([there.status, there.body, there.headers['etag'], there.headers['content-range'], location],
          [status, here.body, here.headers['etag'], here.headers['content-range'], location && '/dir/'], target);
      }
      assert.equal(connections, 1 + requests.length, 'nginx needs one, and those that asked directly one each');
    });
  });

  for (const [what, args] of [
    ['send their heads slowly', ['-H', '-i', '1']],
    ['read slowly', ['-X', '-w', '512', '-y', '1024', '-n', '1', '-z', '32']],
  ] as const) {
    it(`200 clients that ${what}: others are answered meanwhile`, async function () {
      this.timeout(60_000);
      const url = `http://127.0.0.1:${String(ours)}/file.bin`;
      const all = [...args, '-c', '200', '-r', '200', '-l', '6', '-p', '3', '-u', url];
      const slow = spawn(requireTool('slowhttptest'), all, { stdio: 'ignore' });
      try {
        await later(2500);
        const connections = await new Promise<number>((resolve) => {
          server.getConnections((_, count) => resolve(count));
        });
        assert.ok(connections > 100, `${String(connections)} are there`);
        const times: number[] = [];
        for (let i = 0; i < 30; i++) {
          const began = performance.now();
          assert.equal((await ask(ours, '/dir/')).status, 200);
          times.push(performance.now() - began);
        }
        // Where nobody is slow it takes about 1 ms; the median, because this machine does other things too.
        const median = times.sort((a, b) => a - b)[15]!;
        assert.ok(median < 50, `${median.toFixed(1)} ms`);
      } finally {
        slow.kill('SIGKILL');
      }
    });
  }

  describe('a browser', () => {
    /** 40 s of silence with a click each second: 8 kHz, 8 bits. */
    function wave(): Buffer {
      const samples = Buffer.alloc(40 * 8000, 128);
      for (let second = 0; second < 40; second++) samples[second * 8000] = 255;
      const head = Buffer.alloc(44);
      head.write('RIFF', 0);
      head.writeUInt32LE(36 + samples.length, 4);
      head.write('WAVEfmt ', 8);
      head.writeUInt32LE(16, 16);
      head.writeUInt16LE(1, 20);
      head.writeUInt16LE(1, 22);
      head.writeUInt32LE(8000, 24);
      head.writeUInt32LE(8000, 28);
      head.writeUInt16LE(1, 32);
      head.writeUInt16LE(8, 34);
      head.write('data', 36);
      head.writeUInt32LE(samples.length, 40);
      return Buffer.concat([head, samples]);
    }

    it('plays and seeks, downloads, and reloads by 304', async function () {
      this.timeout(90_000);
      writeFileSync(path.join(root, 'sound.wav'), wave());
      writeFileSync(path.join(root, 'app.css'), 'body { color: rgb(1, 2, 3) }');
      writeFileSync(path.join(root, 'player.html'),
        '<!DOCTYPE html><link rel="stylesheet" href="app.css"><audio src="sound.wav" preload="auto"></audio><a download href="file.bin">get</a>');
      const seen: [url: string, status: number, range: string | undefined][] = [];
      const files = serveFiles(root, { revalidate: 0 });
      const { port } = await listen((request, response) => {
        response.on('finish', () => seen.push([request.url!, response.statusCode, request.headers.range]));
        files(request, response);
      });
      const browser = await chromium.launch({ executablePath: requireTool('chromium'), args: ['--no-sandbox'] });
      try {
        const page = await browser.newPage();
        const before = transfers().sendfile;
        await page.goto(`http://127.0.0.1:${String(port)}/player.html`);
        const position = await page.evaluate(`(async () => {
          const audio = document.querySelector('audio');
          while (!(audio.duration > 0)) await new Promise((resolve) => setTimeout(resolve, 20));
          audio.currentTime = 35;
          await new Promise((resolve) => audio.addEventListener('seeked', resolve, { once: true }));
          return [audio.duration, audio.currentTime];
        })()`);
        assert.deepEqual(position, [40, 35]);
        assert.ok(seen.some(([url, status, range]) => url === '/sound.wav' && status === 206 && range !== undefined), JSON.stringify(seen));
        const [download] = await Promise.all([page.waitForEvent('download'), page.click('a')]);
        const saved = await download.path();
        assert.deepEqual(readFileSync(saved), patternBytes(SIZE));
        assert.ok(transfers().sendfile > before);
        seen.length = 0;
        await page.reload();
        assert.ok(seen.some(([url, status]) => url === '/player.html' && status === 304), JSON.stringify(seen));
        assert.ok(seen.some(([url, status]) => url === '/app.css' && status === 304), JSON.stringify(seen));
      } finally {
        await browser.close();
      }
    });
  });
});
