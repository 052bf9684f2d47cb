import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

/** Servers of one suite, closed with all their connections when it ends: call inside describe(). */
export function servers(): {
  /** A TCP server (or Unix, by path) that is listening; answers where to connect. */
  tcp(onConnection: (socket: net.Socket) => void, listenOn?: string): Promise<net.NetConnectOpts>;
  http(listener: http.RequestListener | net.Server): Promise<{ port: number; server: net.Server }>;
  /** Closes them now. */
  close(): void;
} {
  const open: { server: net.Server; sockets: Set<net.Socket> }[] = [];
  const close = (): void => {
    for (const { server, sockets } of open.splice(0)) {
      server.close();
      for (const socket of sockets) socket.destroy();
    }
  };
  after(close);
  const listen = async (server: net.Server, where: string | number): Promise<net.AddressInfo | string | null> => {
    const sockets = new Set<net.Socket>();
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      // A test that cuts its connection has said so; an error here has nobody else to tell.
      socket.on('error', () => undefined);
    });
    open.push({ server, sockets });
    server.listen(where as number);
    await once(server, 'listening');
    return server.address();
  };
  return {
    close,
    async tcp(onConnection, listenOn) {
      const server = net.createServer({ allowHalfOpen: true }, onConnection);
      const address = await listen(server, listenOn ?? 0);
      return typeof address === 'string' ? { path: address } : { port: address?.port ?? 0, host: '127.0.0.1' };
    },
    async http(listener) {
      const server = typeof listener === 'function' ? http.createServer(listener) : listener;
      const address = await listen(server, 0);
      return { port: (address as net.AddressInfo).port, server };
    },
  };
}

/** Everything a connection receives until the other side ends it. */
export async function received(socket: net.Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of socket as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Count and SHA-256 of what a stream gives, without keeping it. */
export async function digest(stream: AsyncIterable<Buffer>): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of stream) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** One response of a connection, by the frame that Content-Length gives it: nothing more and nothing less is taken. */
export interface RawResponse {
  readonly head: string;
  readonly body: Buffer;
}

function contentLength(head: string): number {
  return Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? '0');
}

/** The responses that a raw client got: strict, so that a byte too many or too few is seen. */
export function parseResponses(bytes: Buffer, methods: readonly string[]): { responses: RawResponse[]; rest: Buffer } {
  const responses: RawResponse[] = [];
  let rest = bytes;
  for (const method of methods) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) break;
    const head = rest.toString('latin1', 0, end);
    const length = method === 'HEAD' ? 0 : contentLength(head);
    responses.push({ head, body: rest.subarray(end + 4, end + 4 + length) });
    rest = rest.subarray(end + 4 + length);
  }
  return { responses, rest };
}

/** Sends `request` as it stands and answers everything that comes back. */
export async function rawExchange(port: number, request: string): Promise<Buffer> {
  const socket = net.connect(port, '127.0.0.1');
  socket.write(request);
  return received(socket);
}

/** The first response to `request`, its body hashed as it comes, and everything behind its frame. */
export async function hashedExchange(
  port: number, request: string,
): Promise<{ head: string; body: { bytes: number; sha256: string }; rest: Buffer }> {
  const socket = net.connect(port, '127.0.0.1');
  socket.write(request);
  let head: string | undefined;
  let rest: Buffer = Buffer.alloc(0);
  async function* framed(): AsyncGenerator<Buffer> {
    let left = 0;
    for await (const piece of socket as AsyncIterable<Buffer>) {
      rest = Buffer.concat([rest, piece]);
      const end = head === undefined ? rest.indexOf('\r\n\r\n') : -1;
      if (end >= 0) {
        head = rest.toString('latin1', 0, end);
        left = contentLength(head);
        rest = rest.subarray(end + 4);
      }
      if (head === undefined) continue;
      yield rest.subarray(0, left);
      [left, rest] = [Math.max(left - rest.length, 0), rest.subarray(left)];
    }
  }
  const body = await digest(framed());
  return { head: head ?? '', body, rest };
}

/** A port of this machine alone that nobody has at the moment. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
