/**
 * One line for servers that exist: files that they pipe into responses leave by sendfile.
 */
import { EventEmitter } from 'node:events';
import http from 'node:http';
import type http2 from 'node:http2';

import { invalidArgType } from '../errors';
import { optionalWholeNumber, optionsObject } from '../validate';
import { onPipe } from './piped';

export interface AccelerateOptions {
  /** Bodies up to this length leave in one write with their head, longer ones by sendfile; bytes. Default 65,536. */
  readonly inlineLimit?: number;
}

const INLINE_LIMIT = 64 * 1024;

/** More events that bring a response. Node does something else as soon as somebody listens to one. */
const INSTEAD_OF_REQUEST = ['checkContinue', 'checkExpectation'];

const accelerated = new WeakSet<EventEmitter>();

/**
 * From now on every fs.ReadStream that is piped into a response of `server`, by whatever framework, leaves by
 * sendfile(2) where that can be; small ones in one write with their head. What a program can see stays the same.
 *
 * Not by sendfile, and why is in transfers(): without a Content-Length, over TLS and HTTP/2 (both may be handed over
 * all the same), through middleware that transforms the body, streams somebody else listens to. Whichever way: an
 * aborted download closes its file, a file that grows or shrinks while it is sent corrupts no connection.
 * @returns `server`
 * @throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE
 * @example
 * accelerate(app.listen(8080)); // Express, Koa
 */
export function accelerate<T extends http.Server | http2.Http2Server | http2.Http2SecureServer>(
  server: T, options?: AccelerateOptions,
): T {
  if (!((server as unknown) instanceof EventEmitter)) throw invalidArgType('server', 'an instance of http.Server', server);
  const { inlineLimit } = optionsObject(options, 'options', ['inlineLimit']);
  const listener = onPipe({ inlineLimit: optionalWholeNumber(inlineLimit, 'options.inlineLimit', INLINE_LIMIT) });
  if (accelerated.has(server)) return server;
  accelerated.add(server);
  attachBeforeAll(server, (_request, response) => { response.on('pipe', listener); });
  return server;
}

/** Calls `attach` with every response of `server`, before its other listeners, now or later. */
function attachBeforeAll(
  server: EventEmitter, attach: (request: unknown, response: http.ServerResponse) => void,
): void {
  server.prependListener('request', attach);
  for (const event of INSTEAD_OF_REQUEST) if (server.listenerCount(event) > 0) server.prependListener(event, attach);
  server.on('newListener', (event: string, added: unknown) => {
    const isFirst = added !== attach && server.listenerCount(event) === 0;
    if (isFirst && INSTEAD_OF_REQUEST.includes(event)) server.prependListener(event, attach);
  });
  server.on('removeListener', (event: string) => {
    const isAlone = INSTEAD_OF_REQUEST.includes(event) && server.listenerCount(event) === 1;
    if (isAlone) server.removeListener(event, attach);
  });
}

/**
 * A response that does what accelerate() does, for servers created through options:
 * `http.createServer({ ServerResponse: ZeroCopyResponse }, app)`, or in Fastify
 * `fastify({ http: { ServerResponse: ZeroCopyResponse } })`.
 */
export class ZeroCopyResponse<Request extends http.IncomingMessage = http.IncomingMessage>
  extends http.ServerResponse<Request> {
  static readonly #listener = onPipe({ inlineLimit: INLINE_LIMIT });

  constructor(...args: ConstructorParameters<typeof http.ServerResponse<Request>>) {
    super(...args);
    this.on('pipe', ZeroCopyResponse.#listener);
  }
}
