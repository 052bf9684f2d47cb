/**
 * createReadStream(): a file or mapping as a Readable. What is piped to a socket or response leaves by sendfile, what
 * anybody else reads are views of mapped memory.
 *
 * pipe() stays Node's own, with all that belongs to it: 'pipe' and 'unpipe', ending the destination, pausing. Only when
 * the stream is asked for data (_read) does it look who asks: one destination alone, which sendfile can serve, gets the
 * bytes from the kernel, and the stream goes on as if it had read them.
 */
import type http from 'node:http';
import { addAbortSignal, Readable, type Writable } from 'node:stream';

import { abortError } from '../errors';
import type { ByteRange } from '../validate';
import { announcedLength, hasHeadLeft } from './head';
import { MappedReader } from './mapped-reader';
import { routeTo, type Route } from './output';
import type { SendableFile, Source } from './source';
import {
  openForReading, rangeInside, readStreamOptions, type ReadStreamOptions, type StreamRequest,
} from './stream-options';
import { sendToResponse } from './to-response';
import { sendToSocket } from './to-socket';
import { Transfer } from './transfer';

type KernelRoute = Extract<Route, { kind: 'socket' | 'response' }>;

/** To a socket, so that unpipe() and pause() take effect soon; bytes. */
const PART = 16 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);

/**
 * A file or mapping, or a part of it, as a Readable. It gives what the file held when it was opened: of one that grows
 * meanwhile not a byte more. A path is opened and closed by the stream; a descriptor, FileHandle or Mapping stays the
 * caller's.
 *
 * - pipe() and pipeline() to a net.Socket or http.ServerResponse: the bytes leave by {@link sendfile}, where that is
 *   the way ({@link explainTransfer}) and nobody else listens. A response without a Content-Length gets one, unless
 *   `pipe(response, { end: false })` says that more will follow. unpipe() and pause() take effect after at most 16 MiB,
 *   and not for a response, which has been promised all. When the peer leaves, the stream is destroyed; destroying the
 *   stream in the middle ends the connection.
 * - otherwise chunks are Buffers over mapped memory: no copy. The pages are read in on the thread pool first. A chunk
 *   keeps its memory alive (of a file: 8 MiB of address space), and over a Mapping of access 'write' it is the file's.
 *
 * Errors come as 'error': system errors of opening (ENOENT, EISDIR, ESPIPE); ERR_SHORT_FILE when the file ends early;
 * ERR_MAPPING_CLOSED, ERR_MAPPING_FAULT; ABORT_ERR.
 * @throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE
 * @example
 * http.createServer((request, response) => {
 *   createReadStream('movie.mp4').pipe(response);
 * });
 */
export function createReadStream(source: SendableFile, options?: ReadStreamOptions): ReadStream {
  const request = readStreamOptions(options);
  return new ReadStream(openForReading(source), request);
}

/** What {@link createReadStream} makes. */
export class ReadStream extends Readable {
  /** Bytes given so far: read, or sent by the kernel. */
  bytesRead = 0;
  readonly #opening: Promise<Source>;
  readonly #request: StreamRequest;
  #source: Source | undefined;
  #range: ByteRange = { offset: 0, length: 0 };
  #reader: MappedReader | undefined;
  #transfer: Transfer | undefined;
  /** Where it is piped to; true where pipe() ends it. */
  readonly #destinations = new Map<NodeJS.WritableStream, boolean>();

  /** @internal */
  constructor(opening: Promise<Source>, request: StreamRequest) {
    const { highWaterMark, signal } = request;
    super({ highWaterMark });
    this.#opening = opening;
    this.#request = request;
    if (signal !== undefined) addAbortSignal(signal, this); // as an option it would destroy what is not made yet
  }

  /** The path it was made from, when it was made from one; known when it is open. */
  get path(): string | undefined {
    return this.#source?.path;
  }

  override pipe<T extends NodeJS.WritableStream>(destination: T, options?: { end?: boolean }): T {
    super.pipe(destination, options);
    this.#destinations.set(destination, options?.end !== false);
    return destination;
  }

  override unpipe(destination?: NodeJS.WritableStream): this {
    if (destination === undefined) this.#destinations.clear();
    else this.#destinations.delete(destination);
    return super.unpipe(destination);
  }

  override _construct(callback: (error?: Error | null) => void): void {
    this.#opening.then((source) => {
      this.#source = source;
      this.#range = rangeInside(source, this.#request);
      this.#reader = new MappedReader(source, this.#range);
      callback();
    }).catch(callback);
  }

  override _read(): void {
    const { offset, length } = this.#range;
    const left = length - this.bytesRead;
    if (left === 0) this.push(null);
    else this.#give(offset + this.bytesRead, left).catch((error: unknown) => this.destroy(error as Error));
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#transfer?.stop(error ?? abortError(undefined));
    this.#reader?.close();
    this.#source?.close();
    callback(error);
  }

  async #give(position: number, left: number): Promise<void> {
    const route = this.#kernelRoute(left);
    if (route !== undefined) return this.#send(route, position, left);
    const reader = this.#reader as MappedReader;
    const chunk = await reader.read(position, Math.min(left, this.#request.highWaterMark));
    if (this.destroyed) return;
    this.bytesRead += chunk.length;
    this.push(chunk);
  }

  /** The one destination, when it is all there is and the kernel can serve it. */
  #kernelRoute(left: number): KernelRoute | undefined {
    const [[destination, isEnded] = []] = this.#destinations;
    if (destination === undefined || !this.#isOnlyPiped() || isOver(destination)) return undefined;
    const route = routeTo(destination as unknown as Writable);
    if (route.kind === 'socket') return route;
    const fits = route.kind === 'response' && canAnnounce(route.response, left, isEnded === true || this.#isInPipeline());
    return fits ? route : undefined;
  }

  /** To one destination, which takes it now, and with nobody else listening: pipe() itself listens to 'data'. */
  #isOnlyPiped(): boolean {
    const listeners = this.listenerCount('data') + this.listenerCount('readable');
    return this.#destinations.size === 1 && listeners === 1 && this.readableFlowing === true &&
      this.readableLength === 0 && this.readableEncoding === null;
  }

  /** pipeline() pipes with `{ end: false }` and ends the destination itself, which looks like this on Node 20 to 26. */
  #isInPipeline(): boolean {
    return this.rawListeners('end').some((listener) => {
      const { listener: inner = listener } = listener as { listener?: unknown };
      return /^function endFn\(\) \{\s*ended = true;\s*dst\.end\(\);\s*\}$/.test(String(inner));
    });
  }

  async #send(route: KernelRoute, position: number, left: number): Promise<void> {
    const length = route.kind === 'socket' ? Math.min(left, PART) : left;
    const payload = { source: this.#source as Source, wanted: { offset: position, length } };
    const transfer = new Transfer({ signal: undefined, onProgress: undefined });
    this.#transfer = transfer;
    try {
      this.bytesRead += await transfer.run(() => route.kind === 'socket'
        ? sendToSocket(route.socket, payload, transfer)
        : sendToResponse(route, payload, transfer));
    } catch (error) {
      this.#failed(error, route);
      return;
    } finally {
      this.#transfer = undefined;
    }
    this.push(length === left ? null : NOTHING);
  }

  /** An error of the source is the stream's. One of the destination was told there; nobody reads the rest. */
  #failed(error: unknown, { socket }: KernelRoute): void {
    this.bytesRead += (error as { bytesSent?: number }).bytesSent ?? 0;
    if (!socket.destroyed || isOfSource(error)) this.destroy(error as Error);
    else if (socket.closed) this.destroy();
    else socket.once('close', () => this.destroy());
  }
}

function isOfSource(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === 'ERR_SHORT_FILE' || code === 'ERR_MAPPING_FAULT' || code === 'ERR_MAPPING_CLOSED';
}

/** Whether the `left` bytes are what the response announces, or may. `isAll`: it ends with them. */
function canAnnounce(response: http.ServerResponse, left: number, isAll: boolean): boolean {
  const announced = announcedLength(response);
  if (announced === undefined) return isAll && !response.headersSent;
  return hasHeadLeft(response) ? left <= announced : left === announced;
}

/** Then Node has an error for what is written to it. */
function isOver(destination: NodeJS.WritableStream): boolean {
  const { destroyed, writableEnded } = destination as unknown as Writable;
  return destroyed || writableEnded;
}
