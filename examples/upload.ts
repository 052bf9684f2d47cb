/**
 * Receives an upload into a file that is mapped for writing: its blocks are allocated before the first byte comes, so a
 * full disk is an answer (507), not a fault, and each piece is copied once, to where it belongs.
 *
 *   node out/examples/upload.js [MiB]     uploads so much (default 1,024) to itself, and compares
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mmap } from 'zerocopy';

const MIB = 2 ** 20;

/** The body of `request`, in a file of its Content-Length. */
async function receive(request: http.IncomingMessage, file: string): Promise<void> {
  const size = Number(request.headers['content-length']);
  using mapping = mmap(file, { access: 'write', size });
  const target = mapping.view();
  let at = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    target.slice(at, at + piece.length).assign(piece);
    at += piece.length;
  }
  if (at !== size) throw new Error(`${String(at)} of ${String(size)} bytes came`);
  await mapping.flush(); // on the disk, or an error
}

async function main(): Promise<void> {
  const size = Number(process.argv[2] ?? 1024) * MIB;
  const folder = mkdtempSync(path.join(tmpdir(), 'zerocopy-upload-'));
  const file = path.join(folder, 'upload.bin');
  const server = http.createServer((request, response) => {
    receive(request, file).then(
      () => response.writeHead(201).end(),
      (error: unknown) => response.writeHead((error as { code?: string }).code === 'ENOSPC' ? 507 : 500).end(String(error)),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as { port: number };
    const started = performance.now();
    const { status, sha256 } = await upload(port, size);
    const seconds = (performance.now() - started) / 1000;
    using received = mmap(file);
    const same = createHash('sha256').update(received.asUint8Array()).digest('hex') === sha256;
    console.log(`${String(status)}: ${String(size / MIB)} MiB in ${seconds.toFixed(1)} s, SHA-256 ${same ? 'right' : 'WRONG'}`);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

/** Sends `size` bytes that differ from place to place. */
async function upload(port: number, size: number): Promise<{ status: number | undefined; sha256: string }> {
  const hash = createHash('sha256');
  const headers = { 'Content-Length': size };
  const request = http.request({ port, host: '127.0.0.1', method: 'PUT', headers });
  const responding = once(request, 'response') as Promise<[http.IncomingMessage]>;
  for (let at = 0; at < size; at += MIB) {
    const piece = Buffer.alloc(MIB, `${String(at)} `);
    hash.update(piece);
    if (!request.write(piece)) await once(request, 'drain');
  }
  request.end();
  const [response] = await responding;
  response.resume();
  return { status: response.statusCode, sha256: hash.digest('hex') };
}

void main();
