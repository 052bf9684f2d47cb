/** `zerocopy serve` under a load tester, and its listing in a browser. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { chromium, type Page } from 'playwright-core';

import { outcomeOf } from '../support/child';
import { serveCommands, type RunningServe } from '../support/serve-command';
import { patternBytes, temporaryFolder } from '../support/temporary';
import { requireTool } from '../support/tool';
import { webm } from '../support/webm';

describe('zerocopy serve, beside', () => {
  const folder = temporaryFolder();
  const startIn = serveCommands();
  let root = '';
  before(() => {
    root = path.dirname(folder.file('small.txt', 'small'));
    folder.file('large.bin', patternBytes(300_000));
    folder.file('video.webm', webm(60, 256 * 1024));
  });
  const start = (...args: string[]): Promise<RunningServe> => startIn(root, '--port', '0', ...args);

  describe('wrk', () => {
    async function load({ port }: RunningServe, file: string, seconds: number): Promise<string> {
      const args = ['-t', '1', '-c', '32', '-d', `${String(seconds)}s`, `http://127.0.0.1:${String(port)}/${file}`];
      const { code, stdout, stderr } = await outcomeOf(spawn(requireTool('wrk'), args));
      assert.deepEqual([code, stderr], [0, '']);
      return stdout;
    }

    /** The requests that the log says were answered; each must have been, with 200 and all bytes. */
    function answered({ printed }: RunningServe, file: string, length: number): number {
      const [, ...lines] = printed().trimEnd().split('\n');
      const pattern = new RegExp(` GET /${file} 200 (\\d+) B [\\d.]+ ms (inline|sendfile)$`);
      for (const line of lines) {
        const bytes = Number(pattern.exec(line)?.[1]);
        assert.ok(bytes > length && bytes < length + 500, line);
      }
      return lines.length;
    }

    for (const [file, length] of [['small.txt', 5], ['large.bin', 300_000]] as const) {
      it(`32 connections for 5 s, ${String(length)} bytes: no error, all answered by 200`, async () => {
        const server = await start();
        const report = await load(server, file, 5);
        const count = Number(/(\d+) requests in/.exec(report)?.[1]);
        assert.ok(count > 1000, report);
        assert.doesNotMatch(report, /Socket errors|Non-2xx/);
        server.child.kill('SIGTERM');
        assert.equal((await server.ended).code, 0);
        // wrk leaves in the middle of its last ones.
        const last = server.printed().trimEnd().split('\n').slice(1).filter((line) => line.includes(' 200 aborted '));
        assert.ok(last.length <= 32, `${String(last.length)} aborted`);
        const complete = { ...server, printed: () => server.printed().replace(/^.* 200 aborted .*\n/gm, '') };
        assert.ok(answered(complete, file, length) >= count);
      });
    }

    it('is told to stop meanwhile: it finishes what is under way, all of it, and ends', async () => {
      const server = await start();
      const loading = load(server, 'large.bin', 6);
      await pause(2000);
      server.child.kill('SIGTERM');
      const ended = await Promise.race([server.ended, loading]);
      assert.ok(typeof ended === 'object', 'it ends before the load does');
      assert.equal(ended.code, 0);
      assert.ok(answered(server, 'large.bin', 300_000) > 100);
      assert.doesNotMatch(await loading, /Non-2xx/);
    });
  });

  it('a browser: a listing, a video to seek in, a download, and a reload by 304', async () => {
    const server = await start('--listing');
    const browser = await chromium.launch({ executablePath: requireTool('chromium'), args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      const problems: string[] = [];
      page.on('pageerror', ({ message }) => problems.push(message));
      await page.goto(`http://127.0.0.1:${String(server.port)}/`);
      assert.deepEqual(await page.locator('a').allTextContents(), ['large.bin', 'small.txt', 'video.webm']);
      assert.equal(await page.title(), '/');
      const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=large.bin')]);
      assert.deepEqual(readFileSync(await download.path()), patternBytes(300_000));
      await page.click('text=video.webm');
      assert.deepEqual(await seek(page, 50), [60, 50]);
      await page.goBack();
      await page.click('text=small.txt');
      await page.reload();
      assert.equal(await page.locator('body').textContent(), 'small');
      assert.deepEqual(problems, []);
    } finally {
      await browser.close();
    }
    server.child.kill('SIGTERM');
    await server.ended;
    assert.match(server.printed(), / GET \/video\.webm 206 /);
    assert.match(server.printed(), / GET \/small\.txt 304 /);
  });

  /** In the video that the page is: its length and where it stands then, seconds. */
  function seek(page: Page, to: number): Promise<unknown> {
    return page.evaluate(`(async () => {
      const video = document.querySelector('video');
      video.pause();
      while (!(video.readyState > 0)) await new Promise((resolve) => setTimeout(resolve, 20));
      const seeked = new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }));
      video.currentTime = ${String(to)};
      await seeked;
      return [video.duration, video.currentTime];
    })()`);
  }
});
