/**
 * sendfile(): bytes of a file to an output without passing through JavaScript.
 */
import { optionalFunction, optionalSignal, optionalWholeNumber, optionsObject, wholeNumber } from '../validate';
import { openSource } from './open-source';
import { routeTo, type Route, type SendfileOutput } from './output';
import type { Payload, SendableFile, Source, WantedRange } from './source';
import { sendToDescriptor } from './to-descriptor';
import { sendToResponse } from './to-response';
import { sendToSocket } from './to-socket';
import { sendToStream } from './to-stream';
import { Transfer, type TransferOptions } from './transfer';

export interface SendfileOptions {
  /** Where in the file to begin, bytes. Default 0. */
  readonly offset?: number | bigint;
  /** How many bytes. Default: to the end of the file. */
  readonly length?: number | bigint;
  /** Ends the transfer; a connection on which a part was sent is destroyed. */
  readonly signal?: AbortSignal;
  /** Told the bytes sent so far, at most every 50 ms, and at the end. */
  readonly onProgress?: (sent: number) => void;
}

/**
 * Sends a file, or a part of it, to `out`: by sendfile(2) where that can be, else by reading and writing.
 *
 * The order with other writes to `out` is that of the calls, awaited or not; to a descriptor or FileHandle that of the
 * transfers among themselves. To a ServerResponse: the head goes with the first bytes, Content-Length is set when it is
 * not; the caller ends the response.
 * @returns the bytes sent
 * @throws (rejects, with `bytesSent`) system errors: ENOENT and others of opening (`path`), EPIPE, ECONNRESET;
 * ERR_SHORT_FILE when the file ends early: the connection is destroyed; ABORT_ERR; ERR_INVALID_ARG_TYPE,
 * ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE
 * @example
 * http.createServer(async (request, response) => {
 *   await sendfile(response, 'movie.mp4');
 *   response.end();
 * });
 */
export async function sendfile(out: SendfileOutput, file: SendableFile, options?: SendfileOptions): Promise<number> {
  const { wanted, control } = readOptions(options);
  const route = routeTo(out);
  const transfer = new Transfer(control);
  let source: Source | Promise<Source> | undefined;
  try {
    return await transfer.run(() => {
      source = openSource(file);
      // It may fail before its turn, when nobody waits for it yet.
      if (source instanceof Promise) source.catch(() => undefined);
      const sending = send(route, { source, wanted }, transfer);
      if (sending !== undefined && !(source instanceof Promise)) keepUnlessSent(source, wanted, transfer);
      return sending;
    });
  } finally {
    // Also of one that was stopped and still waits for its turn, where it will find that out.
    if (source !== undefined) closeWhenOpen(source);
  }
}

function readOptions(options: SendfileOptions | undefined): { wanted: WantedRange; control: TransferOptions } {
  const { offset, length, signal, onProgress } = optionsObject(options, 'options', ['offset', 'length', 'signal', 'onProgress']);
  return {
    wanted: {
      offset: optionalWholeNumber(offset, 'offset', 0),
      length: length === undefined ? undefined : wholeNumber(length, 'length'),
    },
    control: {
      signal: optionalSignal(signal, 'options.signal'),
      onProgress: optionalFunction(onProgress, 'options.onProgress'),
    },
  };
}

function send(route: Route, payload: Payload, transfer: Transfer): Promise<void> | undefined {
  switch (route.kind) {
    case 'descriptor': return sendToDescriptor(route, payload, transfer);
    case 'socket': return sendToSocket(route.socket, payload, transfer);
    case 'response': return sendToResponse(route, payload, transfer);
    case 'stream': return sendToStream(route.stream, payload, transfer);
  }
}

function keepUnlessSent(source: Source, wanted: WantedRange, transfer: Transfer): void {
  try {
    if (transfer.sent < source.range(wanted).length) source.keep();
  } catch (error) {
    transfer.stop(error);
  }
}

// A transfer may end before its file is open.
function closeWhenOpen(source: Source | Promise<Source>): void {
  if (source instanceof Promise) source.then((opened) => { opened.close(); }, () => undefined);
  else source.close();
}
