import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';

import { localhost } from '../support/certificate';
import { runCli } from '../support/cli';
import { ask } from '../support/exchange';
import { serveCommands, type RunningServe } from '../support/serve-command';
import { patternBytes, temporaryFolder } from '../support/temporary';

describe('zerocopy serve', () => {
  const folder = temporaryFolder();
  const startIn = serveCommands();
  let root = '';
  before(() => {
    root = path.dirname(folder.file('small.txt', 'small'));
    folder.file('large.bin', patternBytes(300_000));
    folder.file('cert.pem', localhost.cert);
    folder.file('key.pem', localhost.key);
    mkdirSync(path.join(root, 'site'));
    writeFileSync(path.join(root, 'site/index.html'), 'index');
    mkdirSync(path.join(root, 'odd'));
    for (const name of ['<b>&"\'.txt', 'a b%20#?.txt', 'javascript:alert(1)', '.hidden', 'ünï.txt']) writeFileSync(path.join(root, 'odd', name), name);
    mkdirSync(path.join(root, 'odd/zdir'));
  });

  const start = (...args: string[]): Promise<RunningServe> => startIn(root, ...args);

  /** The log is written when a response is over, which its client may know before. */
  async function logged({ printed }: RunningServe, pattern: RegExp): Promise<void> {
    for (let i = 0; i < 500 && !pattern.test(printed()); i++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.match(printed(), pattern);
  }

  it('prints where, and a line for each request with the way its body went', async () => {
    const server = await start('--port', '0');
    assert.equal(server.first, `${root} at http://127.0.0.1:${String(server.port)}/`);
    const stamp = '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z 127\\.0\\.0\\.1';
    assert.equal((await ask(server.port, '/small.txt')).body.toString(), 'small');
    await logged(server, new RegExp(`^${stamp} GET /small\\.txt 200 \\d+ B [\\d.]+ ms inline$`, 'm'));
    assert.equal((await ask(server.port, '/large.bin')).body.length, 300_000);
    await logged(server, new RegExp(`^${stamp} GET /large\\.bin 200 300\\d{3} B [\\d.]+ ms sendfile$`, 'm'));
    assert.equal((await ask(server.port, '/none')).status, 404);
    await logged(server, new RegExp(`^${stamp} GET /none 404 \\d+ B [\\d.]+ ms -$`, 'm'));
    const { status, headers } = await ask(server.port, 'POST /small.txt');
    assert.deepEqual([status, headers['allow']], [405, 'GET, HEAD, OPTIONS']);
  });

  it('counts the bytes of each of several responses that were asked for at once', async () => {
    const server = await start('--port', '0');
    const socket = net.connect(server.port, '127.0.0.1').resume();
    const request = (name: string): string => `GET /${name} HTTP/1.1\r\nHost: x\r\n\r\n`;
    socket.write(['large.bin', 'small.txt', 'large.bin', 'large.bin', 'small.txt'].map(request).join(''));
    await logged(server, /(?:small\.txt[^]*){2}/);
    const bytes = [...server.printed().matchAll(/ (\d+) B /g)].map(([, count]) => Number(count) - (Number(count) > 300_000 ? 300_000 : 5));
    assert.equal(bytes.length, 5);
    // What is left are heads.
    assert.ok(bytes.every((head) => head > 100 && head < 500), server.printed());
    socket.destroy();
  });

  it('says nothing of requests with --quiet, and ends with 0 on SIGINT and SIGTERM', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const { child, port, first, ended } = await start('site', '--port', '0', '--quiet');
      assert.equal((await ask(port, '/')).body.toString(), 'index');
      child.kill(signal);
      assert.deepEqual(await ended, { code: 0, text: `${first}\n` });
    }
  });

  it('finishes transfers after the first signal', async () => {
    const large = folder.file('huge.bin', patternBytes(24_000_000));
    void large;
    const { child, port, ended } = await start('--port', '0', '--quiet');
    const [response] = await once(http.get({ port, path: '/huge.bin', agent: false }), 'response') as [http.IncomingMessage];
    child.kill('SIGTERM');
    let length = 0;
    await new Promise((resolve) => setTimeout(resolve, 100));
    for await (const chunk of response) length += (chunk as Buffer).length;
    assert.equal(length, 24_000_000);
    assert.equal((await ended).code, 0);
  });

  it('ends at once after the second', async () => {
    const { child, port, ended } = await start('--port', '0', '--quiet');
    const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
    socket.write('GET /huge.bin HTTP/1.1\r\nHost: x\r\n\r\n'); // and never reads
    socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(child.exitCode, null, 'it waits');
    child.kill('SIGTERM');
    assert.equal((await ended).code, 0);
    socket.destroy();
  });

  it('takes the next port when one is taken, and says so', async () => {
    const first = await start('--port', '0');
    const second = await start('--port', String(first.port));
    assert.ok(second.port > first.port);
    assert.match(second.printed(), new RegExp(`^zerocopy serve: port ${String(first.port)} is taken$`, 'm'));
    assert.equal((await ask(second.port, '/small.txt')).status, 200);
  });

  it('lists directories when asked to: names escaped, links that lead back', async () => {
    const { port } = await start('--port', '0', '--listing');
    const { status, headers, body } = await ask(port, '/odd/');
    const html = body.toString();
    assert.deepEqual([status, headers['content-type']], [200, 'text/html; charset=utf-8']);
    assert.ok(!html.includes('<b>') && !html.includes('.hidden'));
    const links = [...html.matchAll(/<a href="([^"]*)">/g)].map(([, href]) => href!.replaceAll('&#39;', "'"));
    assert.deepEqual(links.slice(0, 2), ['./../', './zdir/']);
    assert.equal(links.length, 6);
    for (const link of links.slice(2)) {
      const url = new URL(link, `http://127.0.0.1:${String(port)}/odd/`);
      assert.equal((await ask(port, url.pathname)).body.toString(), decodeURIComponent(url.pathname.slice('/odd/'.length)));
    }
    assert.equal((await ask(port, '/site/')).body.toString(), 'index');
    assert.equal((await ask(port, '/odd')).status, 301);
    for (const target of ['/none/', '/../', '/.git/', '/small.txt/']) assert.ok((await ask(port, target)).status >= 400, target);
    assert.equal((await ask((await start('--port', '0')).port, '/odd/')).status, 404, 'only when asked to');
  });

  it('--cors, --cache and --spa', async () => {
    const { port } = await start('site', '--port', '0', '--cors', '--cache', '1d', '--spa');
    const page = await ask(port, '/');
    assert.deepEqual([page.headers['access-control-allow-origin'], page.headers['cache-control']], ['*', 'public, max-age=86400']);
    const route = await ask(port, '/a/route?x');
    assert.deepEqual([route.status, route.body.toString()], [200, 'index']);
    assert.equal((await ask(port, '/a/missing.js')).status, 404);
  });

  it('--tls', async () => {
    const { port, first } = await start('site', '--port', '0', '--tls', '../cert.pem'.slice(3), 'key.pem');
    assert.match(first, / at https:\/\/127\.0\.0\.1:\d+\/$/);
    const body = await new Promise<string>((resolve, reject) => {
      https.get({ port, ca: localhost.cert, host: 'localhost', agent: false, family: 4 }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk)).on('end', () => resolve(text));
      }).on('error', reject);
    });
    assert.equal(body, 'index');
  });

  const wrong: readonly [what: string, args: readonly string[], code: number, says: RegExp][] = [
    ['two directories', ['.', '.'], 2, /one directory/],
    ['a file', ['small.txt'], 2, /'small\.txt' is no directory/],
    ['a directory that is not there', ['none'], 1, /ENOENT/],
    ['a port that is none', ['--port', 'http'], 2, /--port takes/],
    ['a port too high', ['--port', '65536'], 2, /--port takes/],
    ['half of TLS', ['--tls', 'cert.pem'], 2, /--tls takes a certificate and a key/],
    ['an age that is none', ['--cache', 'long'], 2, /--cache/],
    ['an unknown option', ['--prot', '1'], 2, /Unknown option '--prot'/],
    ['a host that is not ours', ['--host', '192.0.2.1', '--port', '0'], 1, /EADDRNOTAVAIL/],
  ];
  for (const [what, args, code, says] of wrong) {
    it(`refuses ${what}`, async () => {
      const outcome = await runCli(['serve', ...args], { cwd: root });
      assert.deepEqual([outcome.code, outcome.stdout], [code, '']);
      assert.match(outcome.stderr, says);
    });
  }
});
