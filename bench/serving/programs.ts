/** Servers that are programs of their own, on the core of the server: what others make of the same job. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { freePort } from '../../test/support/network';
import { Unavailable } from '../case';
import { bunFile, compiled, output } from '../others/programs';
import { pinned, SERVER_CORE } from './cpu';
import type { Running, Serve } from './servers';

const NGINX = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx'].find((file) => existsSync(file));

/** One worker with sendfile on and no log. */
export const nginx: Serve = async (folder) => {
  if (NGINX === undefined) throw new Unavailable('nginx is not installed');
  const own = mkdtempSync(path.join(os.tmpdir(), 'zerocopy-nginx-'));
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${own}/${name};`);
  writeFileSync(path.join(own, 'nginx.conf'), `
    daemon off; master_process off; pid ${own}/nginx.pid; worker_rlimit_nofile 16384;
    events { worker_connections 8192; }
    http {
      access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; ${temporary.join(' ')}
      server { listen 127.0.0.1:${String(port)} backlog=4096; root ${folder}; }
    }`);
  const child = startPinned([NGINX, '-e', 'stderr', '-c', path.join(own, 'nginx.conf')], 'inherit');
  await answers(port);
  const close = async (): Promise<void> => {
    await ended(child);
    rmSync(own, { recursive: true });
  };
  return { port, pid: child.pid!, close };
};

/** The least that the kernel asks: a program in C that does nothing else, for one client at a time. */
export const leastInC: Serve = (folder) => sayingItsPort([compiled('send-file'), folder]);

/** argv FOLDER, as the program in C. */
const PYTHON = `
import os, socket, sys
server = socket.create_server(('127.0.0.1', 0))
print(server.getsockname()[1], flush=True)
while True:
    client, _ = server.accept()
    while request := client.recv(4096):
        file = os.open(sys.argv[1] + request.split(b' ')[1].decode(), os.O_RDONLY)
        size, sent = os.fstat(file).st_size, 0
        client.send(b'HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n' % size, socket.MSG_MORE)
        while sent < size: sent += os.sendfile(client.fileno(), file, sent, size - sent)
        os.close(file)
    client.close()
`;

/** Unavailable without python3. */
export const leastInPython: Serve = (folder) => {
  output('python3', ['--version']);
  return sayingItsPort(['python3', '-c', PYTHON, folder]);
};

const BUN = `
  const server = Bun.serve({
    port: 0, hostname: '127.0.0.1',
    fetch: (request) => new Response(Bun.file(process.argv[1] + new URL(request.url).pathname)),
  });
  console.log(server.port);
`;

export const bunServe: Serve = (folder) => sayingItsPort([bunFile(), '-e', BUN, folder]);

/** A program whose first line is the port that it listens at. */
async function sayingItsPort(program: readonly string[]): Promise<Running> {
  const child = startPinned(program, 'pipe');
  const [port] = (await once(child.stdout!, 'data')) as [Buffer];
  return { port: Number(port), pid: child.pid!, close: () => ended(child) };
}

/** taskset becomes the command, and keeps its pid. */
function startPinned(program: readonly string[], stdout: 'inherit' | 'pipe'): ChildProcess {
  const [command, ...args] = pinned(SERVER_CORE, program);
  return spawn(command!, args, { stdio: ['ignore', stdout, 'inherit'] });
}

async function ended(child: ChildProcess): Promise<void> {
  child.kill();
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function answers(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = net.connect(port, '127.0.0.1');
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => { resolve(true); }).once('error', () => { resolve(false); });
    });
    socket.destroy();
    if (connected) return;
    await pause(20);
  }
  throw new Error('nginx does not answer');
}
