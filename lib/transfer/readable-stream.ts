/** createReadableStream(): a file or mapping as a stream of the web's kind. */
import { ReadableStream, type ReadableByteStreamController } from 'node:stream/web';

import { abortError } from '../errors';
import type { ByteRange } from '../validate';
import { shortFile, type SendableFile, type Source } from './source';
import {
  lost, openForReading, rangeInside, readStreamOptions, type ReadStreamOptions, type StreamRequest,
} from './stream-options';

/**
 * As {@link createReadStream}, a ReadableStream of bytes: for `new Response(stream)`, fetch(), and readers with a
 * buffer of their own (`getReader({ mode: 'byob' })`), which is filled in place.
 *
 * Every chunk is a copy, one, into the reader's buffer or one of `highWaterMark` bytes: streams of the web hand memory
 * over for good, and that of a mapping is not theirs to take. For no copy use createReadStream(), for none by this
 * process sendfile(). Reading waits for a reader: nothing is read ahead.
 * @throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE; what goes wrong later errors the stream
 * @example
 * const response = new Response(createReadableStream('data.bin'));
 */
export function createReadableStream(source: SendableFile, options?: ReadStreamOptions): ReadableStream<Uint8Array> {
  const request = readStreamOptions(options);
  const bytes = new Bytes(openForReading(source), request);
  return new ReadableStream({
    type: 'bytes',
    autoAllocateChunkSize: request.highWaterMark,
    start: (controller) => bytes.start(controller),
    pull: (controller) => bytes.pull(controller),
    cancel: () => { bytes.end(); },
  });
}

class Bytes {
  readonly #opening: Promise<Source>;
  readonly #request: StreamRequest;
  #source: Source | undefined;
  #range: ByteRange = { offset: 0, length: 0 };
  #given = 0;
  #isOver = false;
  #onAbort: (() => void) | undefined;

  constructor(opening: Promise<Source>, request: StreamRequest) {
    this.#opening = opening;
    this.#request = request;
  }

  async start(controller: ReadableByteStreamController): Promise<void> {
    const { signal } = this.#request;
    const source = await this.#opening;
    if (this.#isOver) {
      source.close(); // cancelled meanwhile
      return;
    }
    this.#source = source;
    const onAbort = (): void => {
      controller.error(abortError(signal?.reason));
      this.end();
    };
    this.#onAbort = onAbort;
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) {
      onAbort();
      return;
    }
    this.#range = rangeInside(source, this.#request);
    if (this.#range.length === 0) this.#finish(controller);
  }

  async pull(controller: ReadableByteStreamController): Promise<void> {
    const request = controller.byobRequest;
    const view = request?.view;
    const source = this.#source;
    if (!request || !view || source === undefined) return;
    const { offset, length } = this.#range;
    const target = new Uint8Array(view.buffer, view.byteOffset, Math.min(view.byteLength, length - this.#given));
    try {
      const count = await source.read(target, offset + this.#given);
      if (this.#source === undefined) return; // cancelled or aborted meanwhile
      if (count === 0) throw shortFile(source.path, length, this.#given);
      this.#given += count;
      request.respond(count);
      if (this.#given === length) this.#finish(controller);
    } catch (error) {
      const reason = lost(source, this.#range, offset + this.#given, error);
      this.end();
      throw reason;
    }
  }

  end(): void {
    this.#isOver = true;
    if (this.#onAbort !== undefined) this.#request.signal?.removeEventListener('abort', this.#onAbort);
    this.#source?.close();
    this.#source = undefined;
  }

  #finish(controller: ReadableByteStreamController): void {
    controller.close();
    controller.byobRequest?.respond(0);
    this.end();
  }
}
