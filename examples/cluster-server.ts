/**
 * node out/examples/cluster-server.js DIR [PORT]
 *
 * Serves a directory by one process per core. SIGHUP replaces them one by one, without refusing a connection; SIGTERM
 * and SIGINT end them when what they send has been sent. A process that ends by itself is replaced. A connection that
 * came to a process at the moment it stops may be reset before its first request is read: clients ask again then.
 */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import http from 'node:http';
import os from 'node:os';
import { serveFiles } from 'zerocopy/http';

const [, , root = '.', port = '8080'] = process.argv;
let isEnding = false;

async function start(): Promise<Worker> {
  const worker = cluster.fork();
  await once(worker, 'listening');
  return worker;
}

/** It takes no new connections, and ends with its last one. */
async function stop(worker: Worker): Promise<void> {
  const ended = once(worker, 'exit');
  worker.send('stop');
  await ended;
}

function workersNow(): Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
}

async function replaceAll(): Promise<void> {
  for (const worker of workersNow()) {
    await start();
    await stop(worker);
  }
  console.log('replaced');
}

async function endAll(): Promise<void> {
  isEnding = true;
  await Promise.all(workersNow().map(stop));
  process.exit();
}

async function runPrimary(): Promise<void> {
  cluster.on('exit', (worker) => { if (!isEnding && !worker.exitedAfterDisconnect) cluster.fork(); });
  await Promise.all(Array.from({ length: os.availableParallelism() }, start));
  process.on('SIGHUP', () => void replaceAll());
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void endAll());
  console.log(`ready, ${String(workersNow().length)} processes`);
}

function runWorker(): void {
  const server = http.createServer(serveFiles(root)).listen(Number(port), '127.0.0.1');
  // Signals of a terminal reach the whole group: the primary says what to do.
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
  process.on('message', () => {
    cluster.worker?.disconnect(); // closes the server, and the channel when its connections have ended
    server.closeIdleConnections();
  });
}

if (cluster.isPrimary) void runPrimary();
else runWorker();
