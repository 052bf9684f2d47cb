import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { explainTransfer, sendfile } from 'zerocopy';

import type { Arrival, ClientMessage } from './client';
import { memoryBudget, peakMemory, settledMemory } from './memory';

/** Sends the whole file to the response; answers how many of its bytes were copied into this process's memory. */
export type Way = (response: http.ServerResponse) => Promise<number>;

export interface Delivery extends Arrival {
  /** Of this process, all its threads. */
  readonly cpuMilliseconds: number;
  readonly memoryBefore: number;
  readonly memoryPeak: number;
  readonly memoryAfter: number;
  readonly bytesCopied: number;
}

/** By sendfile: the kernel moves the file's pages to the socket. Where it cannot, the same call reads and writes. */
export function bySendfile(file: string): Way {
  return async (response) => {
    const { way } = explainTransfer(response);
    const sent = await sendfile(response, file);
    response.end();
    return way === 'sendfile' ? 0 : sent;
  };
}

/** fs.readFile refuses more than this. */
const READ_FILE_LIMIT = 2 ** 31 - 1;
const PIECE = 1024 * 1024;

export function fitsInBuffer(size: number): boolean {
  return size <= Math.min(READ_FILE_LIMIT, memoryBudget());
}

/** The traditional way: read into a buffer, write the buffer; in pieces where the file is too large for one. */
export function byReadAndWrite(file: string, size: number): Way {
  return fitsInBuffer(size) ? readWhole(file) : readPieces(file, size);
}

function readWhole(file: string): Way {
  return async (response) => {
    const body = await readFile(file);
    response.setHeader('Content-Length', body.length);
    response.end(body);
    return body.length;
  };
}

function readPieces(file: string, size: number): Way {
  return async (response) => {
    const handle = await open(file);
    response.setHeader('Content-Length', size);
    try {
      for (let at = 0; at < size;) {
        const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(PIECE), 0, PIECE, at);
        if (bytesRead === 0) throw new Error(`${file} became shorter while it was read`);
        at += bytesRead;
        if (!response.write(buffer.subarray(0, bytesRead))) await once(response, 'drain');
      }
      response.end();
      return size;
    } finally {
      await handle.close();
    }
  };
}

/** Serves one request on the loopback interface, from a client process that checks what it gets. */
export async function deliver(way: Way, received: Received): Promise<Delivery> {
  const memoryBefore = await settledMemory();
  const server = http.createServer();
  const copied = answerWith(server, way);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const cpu = process.cpuUsage();
    const [[arrival, bytesCopied], memoryPeak] = await peakMemory(Promise.all([fetchFrom(server, received), copied]));
    const { user, system } = process.cpuUsage(cpu);
    const cpuMilliseconds = (user + system) / 1000;
    return { ...arrival, cpuMilliseconds, memoryBefore, memoryPeak, memoryAfter: await settledMemory(), bytesCopied };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function answerWith(server: http.Server, way: Way): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('request', (_request, response) => {
      way(response).then(resolve, (error: unknown) => {
        response.destroy();
        reject(error instanceof Error ? error : new Error(String(error)));
      });
    });
  });
}

type Received = (bytes: number) => void;

async function fetchFrom(server: http.Server, received: Received): Promise<Arrival> {
  const { port } = server.address() as AddressInfo;
  const client = fork(path.join(__dirname, 'client.js'), [`http://127.0.0.1:${String(port)}/`], { execArgv: [] });
  try {
    return await arrivalOf(client, received);
  } finally {
    client.kill();
  }
}

function arrivalOf(client: ChildProcess, received: Received): Promise<Arrival> {
  return new Promise((resolve, reject) => {
    client.on('message', (message) => {
      const news = message as ClientMessage;
      if (news.kind === 'received') received(news.bytes);
      else if (news.kind === 'arrival') resolve(news.arrival);
      else reject(new Error(`the client says: ${news.message}`));
    });
    client.once('error', reject);
    client.once('exit', (code, signal) => {
      reject(new Error(`the client ended early, with ${signal ?? `exit code ${String(code)}`}`));
    });
  });
}
