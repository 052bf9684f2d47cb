/**
 * Sends a large file to itself by sendfile, and shows how far it is.
 *
 *   node out/examples/send-large.js [FILE]     default: a file of 1 GiB, mostly hole
 */
import { once } from 'node:events';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sendfile } from 'zerocopy';

const BAR = 30;

/** One line that is written again and again; in a pipe one line for each tenth. */
function progressBar(total: number): (done: number) => void {
  let shown = -1;
  return (done) => {
    const part = total === 0 ? 1 : done / total;
    const tenth = Math.floor(part * 10);
    const full = Math.round(part * BAR);
    const line = `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}] ${String(Math.floor(part * 100)).padStart(3)} %`;
    if (process.stdout.isTTY) process.stdout.write(`\r${line}`);
    else if (tenth > shown) console.log(line);
    shown = tenth;
  };
}

function largeFile(folder: string): string {
  const file = path.join(folder, 'large.bin');
  const fd = openSync(file, 'w');
  ftruncateSync(fd, 2 ** 30);
  closeSync(fd);
  return file;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'zerocopy-send-'));
  const file = process.argv[2] ?? largeFile(folder);
  const server = http.createServer((_request, response) => {
    sendfile(response, file, { onProgress: progressBar(statSync(file).size) }).then(
      (sent) => {
        response.end();
        console.log(`\n${String(sent)} bytes sent`);
      },
      (error: unknown) => { console.error(error); },
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as { port: number };
    const [response] = await once(http.get({ port, host: '127.0.0.1' }), 'response') as [http.IncomingMessage];
    let received = 0;
    for await (const piece of response as AsyncIterable<Buffer>) received += piece.length;
    console.log(`${String(received)} bytes received`);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

void main();
