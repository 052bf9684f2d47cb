/**
 * An HTTP/1.1 client that trusts nobody: requests go out one after the other on one connection, each response is taken
 * exactly by its frame, and a byte that belongs to none is an error.
 */
import { once } from 'node:events';
import net from 'node:net';

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface FramedResponse {
  readonly status: number;
  /** As sent, in order, but for Date. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** What has come and was not taken yet. */
class Incoming {
  #bytes: Buffer = Buffer.alloc(0);
  #ended = false;
  readonly #socket: net.Socket;
  #wake: () => void = () => undefined;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    socket.on('end', end).on('close', end).on('error', end);
  }

  get rest(): Buffer {
    return this.#bytes;
  }

  async take(length: number): Promise<Buffer> {
    const pieces = [this.#bytes];
    let present = this.#bytes.length;
    while (present < length) {
      const piece = await this.#more(length - present);
      pieces.push(piece);
      present += piece.length;
    }
    const all = Buffer.concat(pieces);
    this.#bytes = all.subarray(length);
    return all.subarray(0, length);
  }

  async until(mark: string): Promise<string> {
    for (;;) {
      const at = this.#bytes.indexOf(mark);
      if (at >= 0) return (await this.take(at + mark.length)).toString('latin1', 0, at);
      this.#bytes = Buffer.concat([this.#bytes, await this.#more(1)]);
    }
  }

  async toEnd(): Promise<Buffer> {
    const pieces = [this.#bytes];
    this.#bytes = Buffer.alloc(0);
    try {
      for (;;) pieces.push(await this.#more(1));
    } catch {
      return Buffer.concat(pieces);
    }
  }

  async #more(wanted: number): Promise<Buffer> {
    for (;;) {
      const piece = this.#socket.read() as Buffer | null;
      if (piece !== null) return piece;
      if (this.#ended) throw new Error(`the connection ended, ${String(wanted)} bytes missing`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#socket.once('readable', resolve);
      });
    }
  }
}

async function takeChunks(incoming: Incoming): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const length = Number.parseInt(await incoming.until('\r\n'), 16);
    chunks.push(await incoming.take(length));
    if (await incoming.until('\r\n') !== '') throw new Error('a chunk longer than it said');
    if (length === 0) return Buffer.concat(chunks);
  }
}

async function takeResponse(incoming: Incoming, method: string): Promise<FramedResponse> {
  const [first = '', ...lines] = (await incoming.until('\r\n\r\n')).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
  if (Number.isNaN(status)) throw new Error(`no response: ${JSON.stringify(first)}`);
  const value = (name: string) => lines.find((line) => line.toLowerCase().startsWith(`${name}:`))?.slice(name.length + 1).trim();
  const headers = lines.filter((line) => !/^date:/i.test(line));
  const hasBody = method !== 'HEAD' && status !== 204 && status !== 304;
  if (!hasBody) return { status, headers, body: Buffer.alloc(0) };
  const length = value('content-length');
  if (length !== undefined) return { status, headers, body: await incoming.take(Number(length)) };
  if (value('transfer-encoding') === 'chunked') return { status, headers, body: await takeChunks(incoming) };
  return { status, headers, body: await incoming.toEnd() };
}

export function requestText({ method = 'GET', path, headers = {} }: RawRequest): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${lines.join('')}\r\n`;
}

/**
 * The responses to `requests`, all on one connection, which is closed with the last; with `pipelined` all are sent at
 * once. Throws when a response is cut, or when bytes come that belong to none.
 */
export async function exchanged(
  port: number, requests: readonly RawRequest[], pipelined = false,
): Promise<FramedResponse[]> {
  const socket = net.connect(port, '127.0.0.1');
  const incoming = new Incoming(socket);
  const texts = requests.map((request, i) => requestText(
    i < requests.length - 1 ? request : { ...request, headers: { ...request.headers, Connection: 'close' } }));
  const responses: FramedResponse[] = [];
  try {
    await once(socket, 'connect');
    if (pipelined) socket.write(texts.join(''));
    for (const [i, { method = 'GET' }] of requests.entries()) {
      if (!pipelined) socket.write(texts[i]!);
      responses.push(await takeResponse(incoming, method));
      if (!pipelined && incoming.rest.length > 0) throw new Error(`${String(incoming.rest.length)} bytes of no response`);
    }
    const excess = await incoming.toEnd();
    if (excess.length > 0) throw new Error(`${String(excess.length)} bytes after the last response`);
    return responses;
  } finally {
    socket.destroy();
  }
}
