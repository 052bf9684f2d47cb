/** One client on a core of its own that takes whole files, one after the other, and drops them. */
import { spawn } from 'node:child_process';

import { CLIENT_CORE, cpuSeconds, pinned } from './cpu';
import type { Running } from './servers';

/**
 * One connection, one request after the other, the bodies counted: argv PORT NAME SIZE COUNT TLS. It begins with as
 * many again, so that what is hot has been compiled, says when it starts to count, and when it has ended.
 */
const CLIENT = `
  const [, port, name, size, count, secure] = process.argv;
  const WARM = Number(count);
  const request = 'GET /' + name + ' HTTP/1.1\\r\\nHost: bench\\r\\n\\r\\n';
  const { connect } = require(secure === 'true' ? 'node:tls' : 'node:net');
  const socket = connect({
    port: Number(port), host: '127.0.0.1', rejectUnauthorized: false,
    onread: { buffer: Buffer.alloc(256 * 1024), callback: (length, buffer) => { take(length, buffer); return true; } },
  });
  if (secure === 'true') socket.on('data', (piece) => take(piece.length, piece));
  let done = -WARM, left = 0, inHead = true;
  function take(length, buffer) {
    let from = 0;
    if (inHead) {
      const end = buffer.subarray(0, length).indexOf('\\r\\n\\r\\n');
      if (end < 0) throw new Error('a head in two pieces');
      from = end + 4;
      inHead = false;
      left = Number(size);
    }
    left -= length - from;
    if (left < 0) throw new Error('more than was announced');
    if (left === 0) next();
  }
  function next() {
    inHead = true;
    if (++done === 0) process.send('start');
    if (done === Number(count)) { process.send('end'); socket.end(); process.disconnect(); } else socket.write(request);
  }
  socket.write(request);
`;

export interface Drained {
  /** What the server used meanwhile, seconds. */
  readonly cpu: number;
  readonly bytes: number;
}

/** Takes the file `name` of `size` bytes `count` times. */
export async function drain(
  server: Running, name: string, size: number, count: number, secure = false,
): Promise<Drained> {
  const what = [server.port, name, size, count, secure].map(String);
  const [command, ...args] = pinned(CLIENT_CORE, [process.execPath, '-e', CLIENT, ...what]);
  const client = spawn(command!, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  let before = 0;
  let cpu = 0;
  client.on('message', (word) => {
    if (word === 'start') before = cpuSeconds(server.pid);
    else cpu = cpuSeconds(server.pid) - before;
  });
  const code = await new Promise((resolve) => client.on('close', resolve));
  if (code !== 0) throw new Error(`the client ended with ${String(code)}`);
  return { cpu, bytes: size * count };
}
