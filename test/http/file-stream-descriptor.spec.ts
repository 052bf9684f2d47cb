/** A stream that is piped into an accelerated response has its file opened and closed without libuv's thread pool. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

import { native } from '#lib/native';
import { accelerate } from 'zerocopy/http';

import { runInChild } from '../support/child';
import { openDescriptors } from '../support/descriptors';
import { servers } from '../support/network';
import { exchanged } from '../support/raw-client';
import { patternBytes, temporaryFolder } from '../support/temporary';

describe('a file that is piped', () => {
  const folder = temporaryFolder();
  const { http: serve } = servers();
  const content = patternBytes(5000);
  let file: string;
  before(() => { file = folder.file('content', content); });

  /** What a client gets of the stream that `make` makes, with the Content-Length of `content`. */
  async function piped(make: (response: http.ServerResponse) => fs.ReadStream): Promise<Buffer> {
    const { port } = await serve(accelerate(http.createServer((_, response) => {
      response.setHeader('Content-Length', content.length);
      make(response).pipe(response);
    })));
    return (await exchanged(port, [{ path: '/' }]))[0]!.body;
  }

  it('is at hand when it is regular and its name is cached', () => {
    const fifo = folder.file('fifo');
    execFileSync('mkfifo', [fifo]);
    const link = folder.file('link');
    fs.symlinkSync(file, link);
    // The first use of a link notes its time on the disk (relatime, mount(8)), for which the cache alone does not do.
    fs.lutimesSync(link, Date.now() / 1000 + 3600, 0);
    for (const [name, expected] of [
      [file, true], [link, true], [path.relative('.', file), true], [`${path.dirname(file)}/./content`, true],
      [fifo, false], [path.dirname(file), false], [`${file}.none`, false], [`${file}/`, false], [`${file}\0`, false],
      ['/dev/null', false], ['/proc/self/status', false], ['', false], [`/${'.//'.repeat(2000)}${file}`, false],
    ] as const) assert.equal(native.isFileAtHand(name), expected, name);
    for (const wrong of [undefined, 5, null, {}]) assert.throws(() => native.isFileAtHand(wrong as string), TypeError);
  });

  it('is sent while the whole pool waits', async () => {
    const { stdout, stderr, code } = await runInChild(`
      const fs = require('node:fs'); const http = require('node:http'); const net = require('node:net');
      const { accelerate } = require('zerocopy/http');
      const [file, fifo] = process.argv.slice(1);
      let isPoolFree = false;
      fs.open(fifo, 'r', () => { isPoolFree = true; }); // until a writer comes
      const seen = [];
      const server = accelerate(http.createServer((request, response) => {
        response.setHeader('Content-Length', ${String(content.length)});
        const stream = fs.createReadStream(file).on('close', () => {
          seen.push('close', stream.fd, isPoolFree);
          console.log(JSON.stringify(seen));
          fs.closeSync(fs.openSync(fifo, 'w'));
          server.close();
        });
        for (const event of ['open', 'ready', 'end']) stream.on(event, () => seen.push(event));
        stream.pipe(response);
      })).listen(0, '127.0.0.1', () => {
        net.connect(server.address().port, '127.0.0.1').on('data', (data) => seen.push(data.length > 100)).
          write('GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n');
      });`, { env: { UV_THREADPOOL_SIZE: '1' }, arguments: [file, folder.file('fifo')], timeoutMs: 20_000 });
    assert.deepEqual([stderr, code], ['', 0]);
    const seen = JSON.parse(stdout) as unknown[];
    assert.deepEqual(seen.filter((what) => what !== true), ['open', 'ready', 'end', 'close', null, false]);
  });

  it('shows its opening to who listens later in the same turn', async () => {
    const seen: string[] = [];
    await piped(() => {
      const stream = fs.createReadStream(file);
      process.nextTick(() => process.nextTick(() => stream.on('open', () => seen.push('after ticks'))));
      void Promise.resolve().then(() => Promise.resolve()).then(() => stream.on('open', () => seen.push('after promises')));
      return stream;
    });
    assert.deepEqual(seen.sort(), ['after promises', 'after ticks']);
  });

  it('is opened by whoever took the place of open()', async () => {
    const { open } = fs;
    const opened: unknown[] = [];
    try {
      fs.open = ((...args: Parameters<typeof open>) => {
        opened.push(args[0]);
        open(...args);
      }) as typeof open;
      assert.deepEqual(await piped(() => fs.createReadStream(file)), content);
    } finally {
      fs.open = open;
    }
    assert.deepEqual(opened, [file]);
    const own = { ...fs, open: ((...args: Parameters<typeof open>) => { opened.push('own'); open(...args); }) as typeof open };
    assert.deepEqual(await piped(() => fs.createReadStream(file, { fs: own })), content);
    assert.deepEqual(opened, [file, 'own']);
  });

  it('that is missing, or may not be read, fails as ever', async () => {
    const failures: unknown[] = [];
    const { port } = await serve(accelerate(http.createServer((_, response) => {
      fs.createReadStream(`${file}.none`).on('error', ({ code, syscall, path: name }: NodeJS.ErrnoException) => {
        failures.push(code, syscall, name);
        response.writeHead(404).end();
      }).pipe(response);
    })));
    assert.equal((await exchanged(port, [{ path: '/' }]))[0]!.status, 404);
    assert.deepEqual(failures, ['ENOENT', 'open', `${file}.none`]);
  });

  it('is closed when the stream is destroyed before it opens, and stays closed', async () => {
    const open = (): number => [...openDescriptors().values()].filter((target) => target === file).length;
    const streams: fs.ReadStream[] = [];
    const { port } = await serve(accelerate(http.createServer((_, response) => {
      const whens: ((end: () => void) => void)[] = [(end) => { end(); }, process.nextTick, setImmediate];
      for (const when of whens) {
        const stream = fs.createReadStream(file);
        streams.push(stream);
        stream.pipe(response, { end: false });
        when(() => stream.destroy());
      }
      void Promise.all(streams.map((stream) => once(stream, 'close'))).then(() => response.end());
    })));
    await exchanged(port, [{ path: '/' }]);
    const descriptors = streams.map((stream) => (stream as unknown as { fd: number | null }).fd);
    assert.deepEqual([descriptors, open()], [[null, null, null], 0]);
  });

  it('brings no warning in a worker thread, which watches descriptors', async () => {
    const { stdout, stderr, code } = await runInChild(`
      const { Worker } = require('node:worker_threads');
      new Worker(\`
        const fs = require('node:fs'); const http = require('node:http');
        const { accelerate, transfers } = require('zerocopy/http');
        const server = accelerate(http.createServer((request, response) => {
          response.setHeader('Content-Length', ${String(content.length)});
          fs.createReadStream(process.argv[2]).on('close', () => setImmediate(() => {
            console.log(transfers().inline);
            server.close();
          })).pipe(response);
        })).listen(0, '127.0.0.1', async () => {
          const url = 'http://127.0.0.1:' + server.address().port;
          await (await fetch(url, { headers: { connection: 'close' } })).arrayBuffer();
        });\`, { eval: true, argv: [process.argv[1]] });`, { arguments: [file] });
    assert.deepEqual([stdout, stderr, code], ['1\n', '', 0]);
  });
});
