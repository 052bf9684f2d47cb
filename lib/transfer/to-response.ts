/** To a response of node:http: its head, then the bytes on its socket. */
import { prematureClose } from '../errors';
import type { ByteRange } from '../validate';
import { sendHeadAtOnce } from './at-once';
import { announce, announcedLength, countBody, hasBody } from './head';
import { LaterWrites } from './later-writes';
import type { Route } from './output';
import type { Payload } from './sendfile';
import { destroySocket } from './socket-state';
import type { Source } from './source';
import { refuseEnded, sendNow } from './to-socket';
import { writeAll } from './to-stream';
import type { Transfer } from './transfer';
import { inTurn } from './turn';

type ResponseRoute = Extract<Route, { kind: 'response' }>;

export async function sendToResponse(route: ResponseRoute, payload: Payload, transfer: Transfer): Promise<void> {
  const { source, wanted } = payload;
  const { response } = route;
  refuseEnded(response);
  const later = source instanceof Promise ? new LaterWrites(response) : undefined;
  try {
    const opened = source instanceof Promise ? await source : source;
    transfer.throwIfStopped();
    const range = opened.range(wanted);
    announce(response, opened, range);
    if (!hasBody(response) || range.length === 0) return;
    await sendBody(route, opened, range, transfer, later);
  } finally {
    later?.release();
  }
}

async function sendBody(
  { response, socket }: ResponseRoute, source: Source, range: ByteRange, transfer: Transfer,
  later: LaterWrites | undefined,
): Promise<void> {
  // Whoever looks at the head when it is made (on-headers) may change what follows: make it, then look again.
  if (!response.headersSent) response.writeHead(response.statusCode);
  if (announcedLength(response) === undefined) {
    await writeAll(response, source, range, transfer, later ?? new LaterWrites(response));
    return;
  }
  // Between this and its 'close' Node drops what is written to the response, and its callback.
  if (socket.destroyed) throw socket.errored ?? prematureClose();
  countBody(response, range.length);
  sendHeadAtOnce(response, socket, source, range, transfer);
  if (transfer.sent === range.length) return;
  const write = later?.write ?? response.write.bind(response);
  const queue = (marker: Buffer, done: (error?: Error | null) => void): void => { write(marker, done); };
  const sending = inTurn(socket, queue, () => sendNow(socket, source, range, transfer));
  later?.release();
  try {
    await sending;
  } catch (error) {
    destroySocket(socket); // its head has left
    throw error;
  }
}
