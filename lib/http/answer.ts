/**
 * Writes a planned answer into a response: small bodies in one write with the head, others by sendfile, piece by piece
 * where there are several ranges.
 */
import type http from 'node:http';

import { explainTransfer } from '../transfer/explain';
import { sendfile } from '../transfer/sendfile';
import { dropContentHeaders, dropFileHeaders } from './application-headers';
import type { CachedFile } from './file-cache';
import type { Page } from './pages';
import type { Piece, Plan } from './plan';
import { countAtOnce, countFallback, countSendfile } from './transfers';

/** Which way a body went; 'none' where there was none to send. */
export type BodyWay = 'sendfile' | 'inline' | 'fallback' | 'none';

export function sendPage(response: http.ServerResponse, page: Page, method: string | undefined): void {
  const { status, headers, body } = page;
  dropFileHeaders(response, status >= 400);
  response.writeHead(status, headers as string[]);
  response.end(method === 'HEAD' ? undefined : body);
}

/** Sends, and ends the hold on `file` when that is over. `onGone`: the file turned out to be another meanwhile. */
export function sendPlanned(
  response: http.ServerResponse, { status, headers, pieces }: Plan, file: CachedFile, onGone: () => void,
): BodyWay {
  if (status === 304) dropContentHeaders(response);
  response.writeHead(status, headers as string[]);
  if (pieces.length === 0) {
    response.end();
    file.release();
    return 'none';
  }
  if (file.body !== undefined) {
    const body = inOne(pieces, file.body);
    response.end(body);
    file.release();
    countAtOnce('inline', body.length);
    return 'inline';
  }
  return sendPieces(response, pieces, file, onGone);
}

function inOne(pieces: readonly Piece[], body: Buffer): Buffer {
  const parts = pieces.map((piece) =>
    typeof piece === 'string' ? Buffer.from(piece, 'latin1') : body.subarray(piece.offset, piece.offset + piece.length));
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}

function sendPieces(
  response: http.ServerResponse, pieces: readonly Piece[], file: CachedFile, onGone: () => void,
): BodyWay {
  const { way, reason } = explainTransfer(response);
  const sending = { sent: 0 };
  const ended = sendInTurn(response, pieces, file.fd, sending).then(() => { response.end(); }, (error: unknown) => {
    response.destroy(); // its head has left, and the rest cannot follow
    if ((error as NodeJS.ErrnoException).code === 'ERR_SHORT_FILE') onGone();
  }).finally(() => { file.release(); });
  if (reason === undefined) void countSendfile(sending, ended);
  else countFallback(response, reason);
  return way;
}

async function sendInTurn(
  response: http.ServerResponse, pieces: readonly Piece[], fd: number, sending: { sent: number },
): Promise<void> {
  for (const piece of pieces) {
    if (typeof piece === 'string') response.write(piece, 'latin1');
    else sending.sent += await sendfile(response, fd, piece);
  }
}
