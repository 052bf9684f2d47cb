/** To a response of node:http: its head, then the bytes on its socket. */
import { prematureClose } from '../errors';
import type { ByteRange } from '../validate';
import { sendHeadAtOnce } from './at-once';
import { announce, announcedLength, countBody, hasBody } from './head';
import { LaterWrites } from './later-writes';
import type { Route } from './output';
import { destroySocket } from './socket-state';
import type { Payload, Source, WantedRange } from './source';
import { refuseEnded, sendNow } from './to-socket';
import { writeAll } from './to-stream';
import type { Transfer } from './transfer';
import { inTurn } from './turn';

type ResponseRoute = Extract<Route, { kind: 'response' }>;

/** Undefined when all has left by then. */
export function sendToResponse(
  route: ResponseRoute, { source, wanted }: Payload, transfer: Transfer,
): Promise<void> | undefined {
  refuseEnded(route.response);
  if (source instanceof Promise) return sendWhenOpen(route, source, wanted, transfer);
  return sendOpened(route, source, wanted, transfer, undefined);
}

async function sendWhenOpen(
  route: ResponseRoute, source: Promise<Source>, wanted: WantedRange, transfer: Transfer,
): Promise<void> {
  const later = new LaterWrites(route.response);
  try {
    await sendOpened(route, await source, wanted, transfer, later);
  } finally {
    later.release();
  }
}

function sendOpened(
  route: ResponseRoute, source: Source, wanted: WantedRange, transfer: Transfer, later: LaterWrites | undefined,
): Promise<void> | undefined {
  transfer.throwIfStopped();
  const { response, socket } = route;
  const range = source.range(wanted);
  announce(response, source, range);
  if (!hasBody(response) || range.length === 0) return undefined;
  // Code that looks at the head when it is made (on-headers) may change what follows: make it, then look again.
  if (!response.headersSent) response.writeHead(response.statusCode);
  transfer.throwIfStopped();
  if (announcedLength(response) === undefined) {
    return writeAll(response, source, range, transfer, later ?? new LaterWrites(response));
  }
  // Between this and its 'close' Node drops what is written to the response, and its callback.
  if (socket.destroyed) throw socket.errored ?? prematureClose();
  countBody(response, range.length);
  sendHeadAtOnce(response, socket, source, range, transfer);
  return transfer.sent === range.length ? undefined : sendRest(route, source, range, transfer, later);
}

async function sendRest(
  { response, socket }: ResponseRoute, source: Source, range: ByteRange, transfer: Transfer,
  later: LaterWrites | undefined,
): Promise<void> {
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
