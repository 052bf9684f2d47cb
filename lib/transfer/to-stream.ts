/**
 * The fall-back: reads and writes piece by piece, the event loop free in between, each read after the write before it
 * was taken. For TLS, HTTP/2, responses that are chunked or transformed, any other Writable, and systems without a
 * pump.
 */
import type http from 'node:http';
import type stream from 'node:stream';

import { prematureClose } from '../errors';
import type { ByteRange } from '../validate';
import { announce, hasBody } from './head';
import { LaterWrites } from './later-writes';
import { isDoneWhenWritten } from './output';
import { freshPieces, PIECE, reusedPieces, type Pieces } from './pieces';
import { shortFile, type Payload, type Source } from './source';
import { refuseEnded } from './to-socket';
import type { Transfer } from './transfer';

export async function sendToStream(output: stream.Writable, payload: Payload, transfer: Transfer): Promise<void> {
  const { source, wanted } = payload;
  refuseEnded(output);
  const pieces = isDoneWhenWritten(output) ? reusedPieces : freshPieces;
  const later = new LaterWrites(output);
  try {
    const opened = source instanceof Promise ? await source : source;
    transfer.throwIfStopped();
    const range = opened.range(wanted);
    if (isMessage(output)) announce(output, opened, range);
    if (isMessage(output) && !hasBody(output)) return;
    await writeAll(output, opened, range, transfer, later, pieces);
  } finally {
    later.release();
  }
}

/** Responses of node:http and node:http2. */
function isMessage(output: stream.Writable): output is http.ServerResponse {
  return 'setHeader' in output && 'statusCode' in output;
}

/** Writes `range` of `source` through `later`, then lets the later writes go. */
export async function writeAll(
  output: stream.Writable, source: Source, range: ByteRange, transfer: Transfer, later: LaterWrites,
  pieces: Pieces = freshPieces,
): Promise<void> {
  await later.turn;
  const ignore = (): void => undefined; // the rejection says it
  output.on('error', ignore);
  try {
    transfer.throwIfStopped();
    while (transfer.sent < range.length) await writePiece(output, source, range, transfer, later, pieces);
  } catch (error) {
    if (transfer.sent > 0) output.destroy();
    throw error;
  } finally {
    later.release();
    output.off('error', ignore);
  }
}

async function writePiece(
  output: stream.Writable, source: Source, range: ByteRange, transfer: Transfer, later: LaterWrites, pieces: Pieces,
): Promise<void> {
  const buffer = pieces.take(Math.min(PIECE, range.length - transfer.sent));
  const length = await source.read(buffer, range.offset + transfer.sent);
  transfer.throwIfStopped();
  if (length === 0) throw shortFile(source.path, range.length, transfer.sent);
  await written(output, later, buffer.subarray(0, length));
  pieces.giveBack(buffer);
  transfer.add(length);
  transfer.throwIfStopped();
}

function written(output: stream.Writable, later: LaterWrites, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const onClose = (): void => { reject(output.errored ?? prematureClose()); };
    output.once('close', onClose);
    later.write(piece, (error?: Error | null) => {
      output.off('close', onClose);
      if (error) reject(error);
      else resolve();
    });
  });
}
