/** Clients in a process of their own, on the core that the server does not have. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

import { CLIENT_CORE, pinned } from './cpu';
import type { Running } from './servers';

const REQUEST = `
  const net = require('node:net');
  const [, port, name, ...numbers] = process.argv;
  const request = 'GET /' + name + ' HTTP/1.1\\r\\nHost: bench\\r\\n\\r\\n';
  const connect = () => net.connect(Number(port), '127.0.0.1').on('error', () => process.exit());
`;

/** argv PORT NAME COUNT RATE: so many readers, each of which takes RATE bytes per second. Says when all have come. */
const SLOW_READERS = `${REQUEST}
  const [count, rate] = numbers.map(Number);
  const TICKS = 4;
  const sockets = Array.from({ length: count }, connect);
  let connected = 0;
  for (const socket of sockets) {
    socket.on('readable', () => {}).once('connect', () => {
      socket.write(request);
      if (++connected === count) process.send('connected');
    });
  }
  setInterval(() => {
    for (const socket of sockets) socket.read(Math.min(socket.readableLength, rate / TICKS));
  }, 1000 / TICKS);
`;

/** argv PORT NAME COUNT: so many connections, each of which takes the file again and again as fast as it comes. */
const FAST_READERS = `${REQUEST}
  const buffer = Buffer.alloc(256 * 1024);
  for (let i = 0; i < Number(numbers[0]); i++) {
    let left = 0;
    const callback = (length) => {
      // A head is in front; its length says what follows.
      for (let at = 0; at < length;) {
        if (left > 0) {
          const taken = Math.min(left, length - at);
          left -= taken;
          at += taken;
        } else {
          const end = buffer.indexOf('\\r\\n\\r\\n', at);
          left = Number(/content-length: (\\d+)/i.exec(buffer.toString('latin1', at, end))[1]);
          at = end + 4;
        }
      }
      if (left === 0) socket.write(request);
      return true;
    };
    const socket = net.connect({ port: Number(port), host: '127.0.0.1', onread: { buffer, callback } });
    socket.on('error', () => process.exit());
    socket.write(request);
  }
  process.send('connected');
`;

/** argv PORT NAME MILLISECONDS: one request after the other; answers how long each took, milliseconds. */
const PROBE = `${REQUEST}
  const socket = connect();
  const times = [];
  const end = performance.now() + Number(numbers[0]);
  let start;
  const next = () => { start = performance.now(); socket.write(request); };
  socket.on('data', () => {
    times.push(performance.now() - start);
    if (start < end) setTimeout(next, 2);
    else process.send(times, () => process.exit());
  });
  next();
`;

/**
 * argv PORT NAME COUNT: so many connections. Says when all have come; then, for each number that it is told, takes the
 * file so often, 32 times at once at most and one connection after the other, and says so.
 */
const CROWD = `${REQUEST}
  const AT_ONCE = 32;
  const waiting = Array.from({ length: Number(numbers[0]) }, connect);
  const readers = waiting.length;
  let connected = 0, left = 0, asked = 0;
  for (const socket of [...waiting]) {
    let missing = 0;
    socket.once('connect', () => { if (++connected === readers) process.send('connected'); });
    socket.on('data', (piece) => {
      if (missing === 0) {
        const end = piece.indexOf('\\r\\n\\r\\n') + 4;
        missing = Number(/content-length: (\\d+)/i.exec(piece.toString('latin1', 0, end))[1]) + end;
      }
      missing -= piece.length;
      if (missing > 0) return;
      waiting.push(socket);
      if (--left === 0) process.send('answered');
      else next();
    });
  }
  function next() {
    if (asked === 0) return;
    asked--;
    waiting.shift().write(request);
  }
  process.on('message', (count) => {
    left = asked = count;
    for (let i = Math.min(AT_ONCE, readers); i > 0; i--) next();
  });
`;

function start(source: string, server: Running, ...args: readonly (string | number)[]): ChildProcess {
  const node = [process.execPath, '-e', source, String(server.port), ...args.map(String)];
  const [command, ...rest] = pinned(CLIENT_CORE, node);
  return spawn(command!, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

async function connected(clients: ChildProcess): Promise<() => Promise<void>> {
  await once(clients, 'message');
  return async () => {
    clients.kill();
    if (clients.exitCode === null && clients.signalCode === null) await once(clients, 'exit');
  };
}

/** Both answer how to end them. */
export function slowReaders(server: Running, name: string, count: number, bytesPerSecond: number) {
  return connected(start(SLOW_READERS, server, name, count, bytesPerSecond));
}

export function fastReaders(server: Running, name: string, count: number) {
  return connected(start(FAST_READERS, server, name, count));
}

/** So many as this process, a client in its own and a few files beside may have open. Linux. */
export function mostConnections(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Infinity) - 100;
}

export interface Crowd {
  /** Resolves when so many requests, dealt out in turn, have been answered. */
  ask(requests: number): Promise<void>;
  end(): Promise<void>;
}

/** So many connections that stay open. */
export async function crowd(server: Running, name: string, count: number): Promise<Crowd> {
  const clients = start(CROWD, server, name, count);
  const end = await connected(clients);
  const ask = async (requests: number): Promise<void> => {
    clients.send(requests);
    await once(clients, 'message', { signal: AbortSignal.timeout(60_000) }); // a client that loses one would wait for ever
  };
  return { ask, end };
}

/** How long small requests took, milliseconds. */
export async function probe(server: Running, name: string, milliseconds: number): Promise<number[]> {
  const [times] = (await once(start(PROBE, server, name, milliseconds), 'message')) as [number[]];
  return times;
}
