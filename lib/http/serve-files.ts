/**
 * serveFiles(): the files of a directory over HTTP. Opens a file once, plans the answer from what fstat says of that
 * descriptor (plan.ts), and sends that descriptor.
 */
import { randomBytes } from 'node:crypto';
import type http from 'node:http';
import type http2 from 'node:http2';
import os from 'node:os';
import path from 'node:path';

import { invalidArgType, invalidArgValue, isOsFailure, requestError, systemError, type OsFailure } from '../errors';
import { sendPage, sendPlanned, type BodyWay } from './answer';
import { adapted, rememberHeaders } from './application-headers';
import { DocumentRoot, type Way } from './document-root';
import { ENCODINGS, encodingsFor, type Encoding, type Preference } from './encodings';
import { FileCache, type CachedFile, type Found } from './file-cache';
import { readOptions, type ServeFilesOptions, type Settings } from './options';
import { errorPage, redirectPage, statusText } from './pages';
import { planResponse, type RequestFacts } from './plan';
import { requestPath, splitTarget, withTrailingSlash, type Refusal, type RequestPath } from './request-path';

export type Next = (error?: unknown) => void;
/** For node:http, and for node:http2 through its compatible API. */
export type FileHandler = (
  request: http.IncomingMessage | http2.Http2ServerRequest,
  response: http.ServerResponse | http2.Http2ServerResponse,
  next?: Next,
) => void;

/** Told which way each body goes, as it begins. */
export type Observer = (response: http.ServerResponse, way: BodyWay) => void;

/**
 * A handler that answers GET and HEAD with the files below `root`: Connect-style, and for http.createServer() as it is.
 *
 * Ranges, conditional requests and precompressed files as RFC 9110 has them; the kernel keeps every request within
 * `root`, and what is neither a file nor a directory with an index is not there. Without `next`, or with `fallthrough:
 * false`, it answers all by itself. docs/serving.md has recipes for frameworks.
 * @throws system errors when `root` is not there or no directory: ENOENT, ENOTDIR; ERR_INVALID_ARG_TYPE,
 * ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE for options
 * @example
 * http.createServer(serveFiles('public', { maxAge: '1h' })).listen(8080);
 */
export function serveFiles(root: string, options?: ServeFilesOptions): FileHandler {
  return createFileHandler(root, readOptions(options));
}

/** The same for callers with more to say: `way` chooses how the root is enforced. */
export function createFileHandler(root: string, settings: Settings, observer?: Observer, way?: Way): FileHandler {
  if (typeof (root as unknown) !== 'string') throw invalidArgType('root', 'of type string', root);
  // '' would be the current directory, whatever is in it.
  if (root === '' || root.includes('\0')) throw invalidArgValue('root', root, 'must be a path');
  const documentRoot = new DocumentRoot(path.resolve(root), settings.symlinks, settings.revalidate, way);
  const server = new FileServer(documentRoot, settings, observer);
  return (request, response, next) => {
    server.handle(request as http.IncomingMessage, response as http.ServerResponse, next);
  };
}

/** One request on its way through. */
interface Exchange {
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
  readonly next: Next | undefined;
  readonly target: RequestPath;
}

const {
  ENOENT, ENOTDIR, EISDIR, ENAMETOOLONG, EACCES, EPERM, ELOOP, EXDEV, ENXIO, EINVAL, EAGAIN, EMFILE, ENFILE,
} = os.constants.errno;
const STATUS_OF: ReadonlyMap<number, number> = new Map([
  [ENOENT, 404], [ENOTDIR, 404], [EISDIR, 404], [ENXIO, 404], [ENAMETOOLONG, 404], [EINVAL, 404],
  [EACCES, 403], [EPERM, 403], [ELOOP, 403], [EXDEV, 403], [EAGAIN, 503], [EMFILE, 503], [ENFILE, 503],
]);
type MountedRequest = http.IncomingMessage & { readonly originalUrl?: string };
const METHODS = 'GET, HEAD, OPTIONS';

/** Targets seen lately, decoded. */
const REMEMBERED_TARGETS = 1000;

class FileServer {
  readonly #root: DocumentRoot;
  readonly #settings: Settings;
  readonly #cache: FileCache;
  readonly #observer: Observer | undefined;
  readonly #preferred: Preference;
  readonly #targets = new Map<string, RequestPath | Refusal>();

  constructor(root: DocumentRoot, settings: Settings, observer: Observer | undefined) {
    this.#root = root;
    this.#settings = settings;
    this.#observer = observer;
    this.#preferred = encodingsFor(settings.precompressed);
    const policy = { ...settings, varies: settings.precompressed.length > 0 };
    this.#cache = new FileCache(root, policy, settings, settings.setHeaders !== undefined);
  }

  handle(request: http.IncomingMessage, response: http.ServerResponse, next: Next | undefined): void {
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      this.#answerOther(request, response, next);
      return;
    }
    const target = this.#targetOf(request);
    if (typeof target === 'number') this.#refuse({ request, response, next }, target);
    else if (target.isHidden && this.#settings.dotfiles !== 'allow') {
      this.#refuse({ request, response, next }, this.#settings.dotfiles === 'deny' ? 403 : 404);
    } else if (isMountWithoutSlash(request, target)) this.#redirect({ request, response, next, target });
    else this.#try({ request, response, next, target }, this.#candidates(target), 0);
  }

  #targetOf(request: http.IncomingMessage): RequestPath | Refusal {
    const url = request.url ?? '/';
    const known = this.#targets.get(url);
    if (known !== undefined) return known;
    const target = requestPath(splitTarget(url).pathname);
    if (this.#targets.size >= REMEMBERED_TARGETS) this.#targets.clear();
    this.#targets.set(url, target);
    return target;
  }

  #answerOther(request: http.IncomingMessage, response: http.ServerResponse, next: Next | undefined): void {
    if (this.#settings.fallthrough && next !== undefined) next();
    else if (request.method === 'OPTIONS') response.writeHead(204, { Allow: METHODS }).end();
    else sendPage(response, errorPage(405, ['Allow', METHODS]), request.method);
  }

  /** Paths to be tried in turn. */
  #candidates({ path: wanted, isDirectory }: RequestPath): readonly string[] {
    const { index, extensions } = this.#settings;
    if (isDirectory) return index.map((name) => (wanted === '' ? name : `${wanted}/${name}`));
    if (extensions.length === 0 || path.posix.extname(wanted) !== '') return [wanted];
    return [wanted, ...extensions.map((extension) => wanted + extension)];
  }

  #try(exchange: Exchange, candidates: readonly string[], at: number): void {
    const name = candidates[at];
    if (name === undefined) {
      this.#refuse(exchange, 404);
      return;
    }
    const found = this.#cache.find(name, name);
    const go = (file: Found): void => { this.#found(exchange, candidates, at, file); };
    if (found instanceof Promise) void found.then(go);
    else go(found);
  }

  #found(exchange: Exchange, candidates: readonly string[], at: number, file: Found): void {
    const name = candidates[at] ?? '';
    if (!isOsFailure(file)) this.#choose(exchange, name, file, this.#encodings(exchange.request), 0);
    else if (isOver(exchange.response)) return; // somebody else answered while it was looked for
    else if (isToRedirect(exchange.target, name, file)) this.#redirect(exchange);
    else if (at + 1 < candidates.length && STATUS_OF.get(file.errno) === 404) this.#try(exchange, candidates, at + 1);
    else this.#fail(exchange, file);
  }

  #encodings({ headers }: http.IncomingMessage): readonly Encoding[] {
    return this.#settings.precompressed.length === 0 ? [] : this.#preferred(headers['accept-encoding']);
  }

  /** Answers with the best precompressed file that is there, or with `file` itself. */
  #choose(exchange: Exchange, name: string, file: CachedFile, encodings: readonly Encoding[], at: number): void {
    const encoding = encodings[at];
    if (encoding === undefined) {
      this.#answer(exchange, name, file);
      return;
    }
    const packed = name + ENCODINGS[encoding];
    const other = file.absent?.has(packed) === true ? undefined : this.#cache.find(packed, name, encoding);
    const go = (found: Found | undefined): void => {
      if (found !== undefined && !isOsFailure(found)) {
        file.release();
        this.#answer(exchange, packed, found);
        return;
      }
      (file.absent ??= new Set()).add(packed);
      this.#choose(exchange, name, file, encodings, at + 1);
    };
    if (other instanceof Promise) void other.then(go);
    else go(other);
  }

  #answer(exchange: Exchange, name: string, file: CachedFile): void {
    const { request, response } = exchange;
    // Somebody else answered, or the client left, while it was opened.
    const takeBack = isOver(response) ? undefined : this.#setHeaders(exchange, name, file);
    if (takeBack === undefined || isOver(response)) { // or setHeaders() does not want it sent
      file.release();
      return;
    }
    const { representation } = file;
    const suited = response.getHeaderNames().length > 0 ? adapted(representation, response) : representation;
    const plan = planResponse(factsOf(request, response), suited);
    if (plan.isRefusal === true) {
      file.release();
      takeBack();
      sendPage(response, errorPage(plan.status, plan.headers), request.method);
      return;
    }
    const way = sendPlanned(response, plan, file, () => { this.#cache.forget(name); });
    this.#observer?.(response, way);
  }

  /**
   * Answers what takes the headers back. Undefined when it threw: next() has the error then, or the client a 500 and
   * the process a warning.
   */
  #setHeaders({ request, response, next }: Exchange, name: string, { stats }: CachedFile): (() => void) | undefined {
    const { setHeaders } = this.#settings;
    if (setHeaders === undefined || stats === undefined) return doNothing;
    const takeBack = rememberHeaders(response);
    try {
      setHeaders(response, path.join(this.#root.path, name), stats);
      return takeBack;
    } catch (error) {
      if (!response.headersSent) takeBack();
      if (next !== undefined) next(error);
      else {
        process.emitWarning(error as Error);
        if (response.headersSent) response.destroy();
        else sendPage(response, errorPage(500), request.method);
      }
      return undefined;
    }
  }

  #redirect(exchange: Exchange): void {
    const { request, response } = exchange;
    if (!this.#settings.redirect) {
      this.#refuse(exchange, 404);
      return;
    }
    const { originalUrl } = request as MountedRequest;
    sendPage(response, redirectPage(withTrailingSlash(originalUrl ?? request.url ?? '/')), request.method);
  }

  #fail(exchange: Exchange, failure: OsFailure): void {
    const status = STATUS_OF.get(failure.errno) ?? 500;
    this.#refuse(exchange, status, status < 500 ? undefined : systemError(failure));
  }

  #refuse({ request, response, next }: Omit<Exchange, 'target'>, status: number, cause?: Error): void {
    if (next === undefined) sendPage(response, errorPage(status), request.method);
    else if (this.#settings.fallthrough && status < 500) next();
    else next(requestError(status, statusText(status), cause));
  }
}

function doNothing(): void { /* no header was set */ }

function isOver(response: http.ServerResponse): boolean {
  return response.headersSent || response.destroyed || response.writableEnded;
}

/** Express has taken the name of the mount from `url`: '/static' came, '/' is seen here. */
function isMountWithoutSlash({ originalUrl }: MountedRequest, target: RequestPath): boolean {
  return target.path === '' && originalUrl !== undefined && !splitTarget(originalUrl).pathname.endsWith('/');
}

/** A directory that was asked for without a slash. */
function isToRedirect(target: RequestPath, name: string, { errno }: OsFailure): boolean {
  return errno === EISDIR && !target.isDirectory && name === target.path;
}

let boundaries = 0;
const BOUNDARY = randomBytes(12).toString('hex');

function nextBoundary(): string {
  boundaries += 1;
  return `${BOUNDARY}${String(boundaries)}`;
}

function factsOf({ method = 'GET', headers }: http.IncomingMessage, { statusCode: status }: http.ServerResponse): RequestFacts {
  return { method, headers, status, nowSeconds: Math.floor(Date.now() / 1000), boundary: nextBoundary };
}
