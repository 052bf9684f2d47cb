import { spawn, spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import http from 'node:http';
import type net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { sendfile } from 'zerocopy';

import { QUICK, type Contender, type Measured } from '../case';

export const name = 'send-file';
export const title = 'Serve a file by node:http to a client on another core';
export const baseline = 'fs.createReadStream().pipe(response)';
export const headline = { metric: 'server CPU s per GB, 100 MiB', contender: 'zerocopy sendfile, path' };

const MIB = 2 ** 20;
const SIZES = [[100 * MIB, '100 MiB'], [MIB, '1 MiB']] as const;
const SMALL = [[16 * 1024, '16 KiB'], [1024, '1 KiB']] as const;
const BYTES_PER_SIZE = (QUICK ? 0.2 : 2) * 1e9;
const SMALL_REQUESTS = QUICK ? 200 : 5000;
const CAN_PIN = spawnSync('taskset', ['-V']).status === 0 && os.availableParallelism() > 1;

/** Answers one request with the file. */
type Serve = (file: string, response: http.ServerResponse) => Promise<unknown>;

/**
 * One connection, one request after the other, the bodies counted and dropped: argv PORT SIZE COUNT. It begins with a
 * few that warm up, and says when.
 */
const CLIENT = `
  const [, port, size, count] = process.argv.map(Number);
  const WARM = Math.min(count, 20);
  const request = 'GET / HTTP/1.1\\r\\nHost: bench\\r\\n\\r\\n';
  const socket = require('node:net').connect({
    port, host: '127.0.0.1',
    onread: { buffer: Buffer.alloc(256 * 1024), callback: (length, buffer) => { take(length, buffer); return true; } },
  });
  let done = -WARM, left = 0, inHead = true;
  function take(length, buffer) {
    let from = 0;
    if (inHead) {
      const end = buffer.subarray(0, length).indexOf('\\r\\n\\r\\n');
      if (end < 0) throw new Error('a head in two pieces');
      from = end + 4;
      inHead = false;
      left = size;
    }
    left -= length - from;
    if (left < 0) throw new Error('more than was announced');
    if (left === 0) next();
  }
  function next() {
    inHead = true;
    if (++done === 0) process.send('start');
    if (done === count) { process.send('end'); socket.end(); process.disconnect(); } else socket.write(request);
  }
  socket.write(request);
`;

/** Every thread of this process on the first core, the client on the second. */
function pinThisProcess(): void {
  if (CAN_PIN) spawnSync('taskset', ['-a', '-c', '-p', '0', String(process.pid)]);
}

async function drain(port: number, size: number, count: number): Promise<number> {
  const node = [process.execPath, '-e', CLIENT, String(port), String(size), String(count)];
  const [command, ...args] = CAN_PIN ? ['taskset', '-c', '1', ...node] : node;
  const client = spawn(command!, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  let before = process.cpuUsage();
  let used = 0;
  client.on('message', (word) => {
    if (word === 'start') before = process.cpuUsage();
    const { user, system } = process.cpuUsage(before);
    used = user + system;
  });
  const code = await new Promise((resolve) => client.on('close', resolve));
  if (code !== 0) throw new Error(`the client ended with ${String(code)}`);
  return used;
}

function serving(serve: Serve): Contender {
  return async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'zerocopy-bench-'));
    pinThisProcess();
    try {
      return await measureSizes(folder, serve);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

async function measureSizes(folder: string, serve: Serve): Promise<Measured> {
  const measured: Record<string, number> = {};
  for (const [size, label] of SIZES) {
    const count = Math.ceil(BYTES_PER_SIZE / size);
    const us = await measureSize(folder, size, count, serve);
    measured[`server CPU s per GB, ${label}`] = us / 1e6 / (count * size / 1e9);
    if (size === SIZES[0][0]) measured['resident MB, 100 MiB'] = process.memoryUsage.rss() / 1e6;
  }
  for (const [size, label] of SMALL) {
    measured[`server CPU us per request, ${label}`] = await measureSize(folder, size, SMALL_REQUESTS, serve) / SMALL_REQUESTS;
  }
  return measured;
}

async function measureSize(folder: string, size: number, count: number, serve: Serve): Promise<number> {
  const file = path.join(folder, String(size));
  const made = spawnSync('dd', ['if=/dev/urandom', `of=${file}`, `bs=${String(Math.min(size, MIB))}`,
    `count=${String(Math.max(1, size / MIB))}`]);
  if (made.status !== 0) throw new Error(`dd: ${made.stderr.toString()}`);
  const server = http.createServer((_request, response) => {
    serve(file, response).catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const used = await drain((server.address() as net.AddressInfo).port, size, count);
  server.close();
  return used;
}

async function streamed(file: string, response: http.ServerResponse): Promise<void> {
  response.setHeader('Content-Length', statSync(file).size);
  await pipeline(createReadStream(file), response);
}

const buffers = new Map<string, Buffer>();
function fromMemory(file: string, response: http.ServerResponse): Promise<void> {
  const buffer = buffers.get(file) ?? readFileSync(file);
  buffers.set(file, buffer);
  response.setHeader('Content-Length', buffer.length);
  response.end(buffer);
  return Promise.resolve();
}

async function byPath(file: string, response: http.ServerResponse): Promise<void> {
  await sendfile(response, file);
  response.end();
}

const handles = new Map<string, FileHandle>();
async function byHandle(file: string, response: http.ServerResponse): Promise<void> {
  const handle = handles.get(file) ?? await open(file);
  handles.set(file, handle);
  await sendfile(response, handle);
  response.end();
}

export const contenders: Record<string, Contender> = {
  'fs.createReadStream().pipe(response)': serving(streamed),
  'response.end(buffer), read before': serving(fromMemory),
  'zerocopy sendfile, path': serving(byPath),
  'zerocopy sendfile, FileHandle kept open': serving(byHandle),
};
