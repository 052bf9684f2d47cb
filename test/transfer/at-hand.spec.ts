import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHook } from 'node:async_hooks';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

import { closeAtHand, openAtHand } from '#lib/transfer/at-hand';
import { sendfile } from 'zerocopy';

import { servers } from '../support/network';
import { patternBytes, temporaryFolder } from '../support/temporary';

const content = patternBytes(20_000);

describe('a file that is at hand', () => {
  const folder = temporaryFolder();
  const { http: serve } = servers();
  let file: string;
  before(() => { file = folder.file('content', content); });

  /** What libuv's pool was asked for while `work` ran: the types of Node's requests. */
  async function requests(work: () => Promise<unknown>): Promise<string[]> {
    const types: string[] = [];
    const hook = createHook({ init: (_id, type) => { if (type.startsWith('FS')) types.push(type); } }).enable();
    try {
      await work();
    } finally {
      hook.disable();
    }
    return types;
  }

  it('is opened, sent and closed in one turn, without the thread pool', async () => {
    let left = false;
    const { port } = await serve((_request, response) => {
      const sending = sendfile(response, file);
      left = response.headersSent && (response.socket?.bytesWritten ?? 0) > content.length;
      void sending.then(() => response.end());
    });
    const seen = await requests(async () => {
      const answer = await fetch(`http://127.0.0.1:${String(port)}/`);
      assert.ok(Buffer.from(await answer.arrayBuffer()).equals(content));
    });
    assert.deepEqual([left, seen], [true, []]);
  });

  it('keeps its place among writes like one that is opened on the pool', async () => {
    for (const source of [file, Buffer.from(file), pathToFileURL(file)]) {
      const { port } = await serve((_request, response) => {
        response.setHeader('Content-Length', content.length * 2 + 8);
        response.write('head');
        void sendfile(response, source);
        response.write('tail');
        void sendfile(response, source).then(() => response.end());
      });
      const answer = await fetch(`http://127.0.0.1:${String(port)}/`);
      const expected = [Buffer.from('head'), content, Buffer.from('tail'), content];
      assert.ok(Buffer.from(await answer.arrayBuffer()).equals(Buffer.concat(expected)), String(source));
    }
  });

  it('is closed, also when the transfer fails', async () => {
    const open = (): string[] => fs.readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return fs.readlinkSync(`/proc/self/fd/${fd}`) === file ? [fd] : [];
      } catch {
        return [];
      }
    });
    const target = fs.openSync(folder.file('target'), 'w');
    await assert.rejects(sendfile(target, file, { offset: content.length + 1 }), { code: 'ERR_OUT_OF_RANGE' });
    await assert.rejects(sendfile(target, file, { length: content.length + 1 }), { code: 'ERR_SHORT_FILE' });
    await assert.rejects(sendfile(2 ** 30, file), { code: 'EBADF' });
    assert.equal(await sendfile(target, file), content.length);
    assert.deepEqual(open(), []);
    fs.closeSync(target);
  });

  it('closes one whose name is gone', () => {
    const gone = folder.file('gone', content);
    const fd = openAtHand(gone)!;
    fs.unlinkSync(gone);
    closeAtHand(fd);
    assert.equal(openAtHand(gone), undefined);
  });

  it('is no FIFO, directory, device, file of /proc, name with NUL, and nothing where somebody watches fs.open', () => {
    execFileSync('mkfifo', [folder.file('fifo')]);
    for (const path of [folder.file('fifo'), '/', '/dev/null', '/proc/self/stat', 'a\0b', '', folder.file('missing')]) {
      assert.equal(openAtHand(path), undefined, path);
    }
    const live = createRequire(__filename)('node:fs') as { open: unknown };
    const { open } = live;
    live.open = () => undefined;
    try {
      assert.equal(openAtHand(file), undefined);
    } finally {
      live.open = open;
    }
    const fd = openAtHand(file)!;
    assert.ok(fd > 2);
    closeAtHand(fd);
  });
});
