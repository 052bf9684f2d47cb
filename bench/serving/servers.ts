/**
 * Who serves the files of a folder: node:http in this process with each of the ways to answer, and nginx beside it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { sendfile } from 'zerocopy';

import { Unavailable } from '../case';
import { bunFile, compiled } from '../others/programs';
import { pinned, pinThisProcess, SERVER_CORE } from './cpu';

export interface Running {
  readonly port: number;
  readonly pid: number;
  close(): Promise<void>;
}

/** Serves the files of `folder`, each by its name. */
export type Serve = (folder: string) => Promise<Running>;

export type Answer = (file: string, response: http.ServerResponse) => Promise<unknown>;

const NGINX = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx'].find((file) => existsSync(file));

const CLIENT_LEFT = /^(EPIPE|ECONNRESET|ERR_STREAM_PREMATURE_CLOSE)$/;

/** A server in this process, on the core of the server. */
export function inThisProcess(make: (folder: string) => net.Server | Promise<net.Server>): Serve {
  return async (folder) => {
    pinThisProcess();
    const server = await make(folder);
    server.listen(0, '127.0.0.1', 4096);
    await once(server, 'listening');
    return {
      port: (server.address() as net.AddressInfo).port,
      pid: process.pid,
      close: async () => {
        server.close();
        if (server instanceof http.Server || server instanceof https.Server) server.closeAllConnections();
        await once(server, 'close');
      },
    };
  };
}

/** Answers with what `answer` does; with a certificate by HTTPS. */
export function node(answer: Answer, certificate?: { readonly key: string; readonly cert: string }): Serve {
  return inThisProcess((folder) => {
    const listener = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      answer(folder + (request.url ?? ''), response).catch((error: unknown) => {
        // A client that leaves in the middle is one whose time was over.
        if (!CLIENT_LEFT.test(String((error as NodeJS.ErrnoException).code))) throw error;
      });
    };
    return certificate === undefined ? http.createServer(listener) : https.createServer(certificate, listener);
  });
}

export const streamed: Answer = async (file, response) => {
  response.setHeader('Content-Length', statSync(file).size);
  await pipeline(createReadStream(file), response);
};

const buffers = new Map<string, Buffer>();
export const fromMemory: Answer = (file, response) => {
  const buffer = buffers.get(file) ?? readFileSync(file);
  buffers.set(file, buffer);
  response.setHeader('Content-Length', buffer.length);
  response.end(buffer);
  return Promise.resolve();
};

export const byPath: Answer = async (file, response) => {
  await sendfile(response, file);
  response.end();
};

const handles = new Map<string, Promise<FileHandle>>();
export const byHandle: Answer = async (file, response) => {
  let handle = handles.get(file);
  if (handle === undefined) handles.set(file, handle = open(file));
  await sendfile(response, await handle);
  response.end();
};

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

const BUN_SERVE = `
  const root = process.argv[1];
  const fetch = ({ url }) => new Response(Bun.file(root + new URL(url).pathname));
  console.log(Bun.serve({ hostname: '127.0.0.1', port: 0, fetch }).port);
`;

/** As its documents serve files. */
export const bunServe: Serve = async (folder) => {
  const child = startPinned([bunFile(), '-e', BUN_SERVE, folder], 'pipe');
  const [port] = (await once(child.stdout!, 'data')) as [Buffer];
  return { port: Number(port), pid: child.pid!, close: () => ended(child) };
};

/** The least that the kernel asks: a program in C that does nothing else, for one client at a time. */
export const leastInC: Serve = async (folder) => {
  const child = startPinned([compiled('send-file'), folder], 'pipe');
  const [port] = (await once(child.stdout!, 'data')) as [Buffer];
  return { port: Number(port), pid: child.pid!, close: () => ended(child) };
};

/** taskset becomes the command, and keeps its pid. */
function startPinned(program: readonly string[], stdout: 'inherit' | 'pipe'): ChildProcess {
  const [command, ...args] = pinned(SERVER_CORE, program);
  return spawn(command!, args, { stdio: ['ignore', stdout, 'inherit'] });
}

async function ended(child: ChildProcess): Promise<void> {
  child.kill();
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
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
