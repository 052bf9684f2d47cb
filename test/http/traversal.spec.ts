/** Nothing outside the root leaves it: generated paths, links that lead out, and links that are swapped meanwhile. */
import assert from 'node:assert/strict';
import { renameSync, rmSync, symlinkSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';

import { readOptions } from '#lib/http/options';
import { createFileHandler } from '#lib/http/serve-files';
import { CANARY, canaries } from '../support/canaries';
import { servers } from '../support/network';
import { randomNumbers } from '../support/random';

/** Ways to write two dots, a slash, and what else has fooled servers. */
const DOTS = ['..', '%2e%2e', '.%2e', '%2E.', '%252e%252e', '%c0%ae%c0%ae', '%uff0e%uff0e', '..%00', '...', '....', '..;', '.. ', '%2e%2e%20'];
const SLASHES = ['/', '%2f', '%2F', '\\', '%5c', '//', '/./', '%252f', '%c0%af', '%e2%88%95', '/%2e/', '/x/../'];
const TARGETS = ['secret.txt', 'outside/secret.txt', 'www-private/secret.txt', 'outside/', '../etc/passwd'];
const LINKS = ['out', 'out.txt', 'absolute', 'in', 'loop', 'out/secret.txt', 'in/../../secret.txt', 'dir', 'file.txt', '.hidden'];
const PREFIXES = ['/', '', '//', '/dir/', '/out/', '/in/', '/file.txt/', 'http://x/', '/%2f', '/\\', '/..\\'];

/** `count` different paths: every way to climb once, then mixtures. */
function corpus(parent: string, count: number): string[] {
  const paths = new Set<string>();
  for (const dots of DOTS) for (const slash of SLASHES) for (const target of TARGETS) paths.add(`/${dots}${slash}${target}`);
  for (const prefix of PREFIXES) for (const link of LINKS) paths.add(prefix + link);
  for (const name of ['secret.txt', 'outside/secret.txt']) {
    const absolute = path.join(parent, name);
    for (const slash of SLASHES) paths.add(slash + absolute).add(`/${absolute.replaceAll('/', slash)}`).add(absolute.replaceAll('/', slash));
  }
  const random = randomNumbers(7);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  while (paths.size < count) {
    let text = pick(PREFIXES);
    const depth = 1 + Math.floor(random() * 6);
    for (let i = 0; i < depth; i++) text += (random() < 0.6 ? pick(DOTS) : pick(['dir', 'out', 'in', 'deep', '.'])) + pick(SLASHES);
    paths.add(text + pick(random() < 0.5 ? TARGETS : LINKS));
  }
  return [...paths];
}

/** Sends the targets as they stand over a few connections, several at a time; answers everything that came back. */
async function fetchAll(port: number, targets: readonly string[]): Promise<string[]> {
  const answers: string[] = [];
  const ask = (target: string): Promise<string> => new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk)).on('end', () => resolve(text)).on('error', reject);
    socket.write(`GET ${target.replaceAll(' ', '%20')} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 'latin1');
  });
  const waiting = [...targets];
  await Promise.all(Array.from({ length: 16 }, async () => {
    for (let target = waiting.pop(); target !== undefined; target = waiting.pop()) answers.push(await ask(target));
  }));
  return answers;
}

describe('the root', () => {
  const { parent, root } = canaries();
  const { http: listen } = servers();
  const ways = ['kernel', 'portable'] as const;

  function serving(way: 'kernel' | 'portable', options: Parameters<typeof readOptions>[0] = {}) {
    return listen(createFileHandler(root, readOptions({ dotfiles: 'allow', ...options }), undefined, way));
  }

  for (const [way, count] of [['kernel', 5000], ['portable', 1500]] as const) {
    it(`holds against ${String(count)} generated paths (${way})`, async () => {
      const { port } = await serving(way);
      const answers = await fetchAll(port, corpus(parent, count));
      assert.equal(answers.length, count);
      assert.deepEqual(answers.filter((text) => text.includes(CANARY) || text.includes('root:x:')), []);
      const statuses = new Set(answers.map((text) => text.slice(9, 12)));
      assert.deepEqual([...statuses].filter((status) => !['200', '301', '400', '403', '404'].includes(status)), []);
      assert.ok(answers.some((text) => text.includes('content of ')), 'some lead to files that are there');
    });
  }

  it('is left only where links may lead anywhere: the canary is there to be found', async () => {
    const { port } = await serving('kernel', { symlinks: 'follow' });
    const answers = await fetchAll(port, ['/out/secret.txt', '/out.txt', '/absolute']);
    assert.deepEqual(answers.map((text) => text.includes(CANARY)), [true, true, true]);
  });

  const statuses: readonly [target: string, within: string, deny: string, follow: string][] = [
    ['/file.txt', '200', '200', '200'],
    ['/in/file.txt', '200', '403', '200'],
    ['/out/secret.txt', '403', '403', '200'],
    ['/out.txt', '403', '403', '200'],
    ['/absolute', '403', '403', '200'],
    ['/loop', '403', '403', '403'],
    ['/in/../../secret.txt', '403', '403', '403'],
    ['/dir', '301', '301', '301'],
    ['/dir/', '200', '200', '200'],
    ['/file.txt/', '404', '404', '404'],
    ['/missing/file', '404', '404', '404'],
  ];
  for (const way of ways) {
    (['within', 'deny', 'follow'] as const).forEach((symlinks, column) => {
      it(`answers alike (${way}, ${symlinks})`, async () => {
        const { port } = await serving(way, { symlinks });
        for (const row of statuses) {
          const [text] = await fetchAll(port, [row[0]]);
          assert.equal(text!.slice(9, 12), row[column + 1], row[0]);
        }
      });
    });
  }

  it('holds while a directory is swapped for a link that leads out', async () => {
    const { port } = await serving('kernel', { revalidate: 0 });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
    const deadline = performance.now() + 1500;
    const seen: Record<string, number> = {};
    let leaks = 0;
    const swap = async (): Promise<void> => {
      const [dir, link, aside] = ['swap', 'swap-link', 'swap-aside'].map((name) => path.join(root, name)) as [string, string, string];
      symlinkSync('../outside', link);
      symlinkSync('dir', aside);
      while (performance.now() < deadline) {
        for (const from of [link, aside]) {
          renameSync(from, dir);
          symlinkSync(from === link ? '../outside' : 'dir', from);
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      for (const name of [dir, link, aside]) rmSync(name);
    };
    const ask = async (): Promise<void> => {
      while (performance.now() < deadline) {
        const body = await new Promise<string>((resolve, reject) => {
          http.get({ port, agent, path: '/swap/index.html' }, (response) => {
            let text = '';
            seen[String(response.statusCode)] = (seen[String(response.statusCode)] ?? 0) + 1;
            response.setEncoding('latin1').on('data', (chunk: string) => (text += chunk)).on('end', () => resolve(text));
          }).on('error', reject);
        });
        if (body.includes(CANARY)) leaks += 1;
      }
    };
    await Promise.all([swap(), ...Array.from({ length: 8 }, ask)]);
    agent.destroy();
    assert.equal(leaks, 0);
    assert.ok((seen['200'] ?? 0) > 10 && (seen['403'] ?? 0) > 10, `both were met: ${JSON.stringify(seen)}`);
  });
});
