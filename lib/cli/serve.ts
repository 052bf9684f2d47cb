/** `zerocopy serve`: the files of a directory over HTTP. */
import { readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type net from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { sendPage, type BodyWay } from '../http/answer';
import { DocumentRoot } from '../http/document-root';
import { listingPage } from '../http/listing';
import { readOptions } from '../http/options';
import { errorPage } from '../http/pages';
import { requestPath, splitTarget } from '../http/request-path';
import { createFileHandler } from '../http/serve-files';
import { UsageError, type Command, type OptionValues } from './command';
import { printable } from './units';

const HELP = `[DIR] [OPTIONS]

Serves the files of DIR, the current directory if there is none, until it gets
SIGINT (Ctrl-C) or SIGTERM: then transfers under way are finished; a second
signal ends them.

  --port N         the port to listen on; the next free one if it is taken.
                   0: any free one. Default 8080
  --host ADDRESS   the address to listen on. Default 127.0.0.1, this machine
                   alone; 0.0.0.0 or :: is the whole network
  --quiet          no line for each request
  --listing        a page that lists a directory without an index.html
  --cors           Access-Control-Allow-Origin: *
  --spa            index.html for what is not there, for applications that
                   route in the browser
  --cache AGE      how long clients may keep files: 3600s, 1d. Default 0
  --tls CERT KEY   HTTPS, with a certificate and its key: files in PEM
  --help           this text

The line of a request: time, client, method, target, status, bytes,
milliseconds, and the way of the body: sendfile, inline (in one write with the
head), fallback (read and written), or -.
`;

const DEFAULT_PORT = 8080;
const PORTS_TO_TRY = 100;

interface Plan {
  readonly root: string;
  readonly port: number;
  readonly host: string;
  readonly isQuiet: boolean;
  readonly hasListing: boolean;
  readonly allowsOrigins: boolean;
  readonly isSinglePage: boolean;
  readonly maxAge: string;
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
}

export const serve: Command = {
  summary: 'serve the files of a directory over HTTP',
  help: HELP,
  options: {
    'port': { type: 'string' },
    'host': { type: 'string' },
    'quiet': { type: 'boolean' },
    'listing': { type: 'boolean' },
    'cors': { type: 'boolean' },
    'spa': { type: 'boolean' },
    'cache': { type: 'string' },
    'tls': { type: 'string' },
  },
  async run(operands, values) {
    const plan = readPlan(operands, values);
    const server = createServer(plan);
    await listen(server, plan);
    announce(server, plan);
    await untilStopped(server);
    return 0;
  },
};

function readPlan(operands: readonly string[], values: OptionValues): Plan {
  const cert = textOf(values, 'tls');
  const { directory, key } = cert === undefined ? { directory: onlyDirectory(operands), key: '' } : directoryAndKey(operands);
  return {
    root: path.resolve(directory),
    port: readPort(values['port']),
    host: textOf(values, 'host') ?? '127.0.0.1',
    isQuiet: values['quiet'] === true,
    hasListing: values['listing'] === true,
    allowsOrigins: values['cors'] === true,
    isSinglePage: values['spa'] === true,
    maxAge: textOf(values, 'cache') ?? '0',
    tls: cert === undefined ? undefined : { cert: readFileSync(cert), key: readFileSync(key) },
  };
}

function onlyDirectory(operands: readonly string[]): string {
  const [directory = '.', ...more] = operands;
  if (more.length > 0) throw new UsageError(`one directory can be served, not ${String(operands.length)}`);
  if (!statSync(directory).isDirectory()) throw new UsageError(`'${directory}' is no directory`);
  return directory;
}

/** After `--tls CERT` the key is an operand, before or behind the directory: the one that is a file. */
function directoryAndKey(operands: readonly string[]): { directory: string; key: string } {
  const [key, ...more] = operands.filter((name) => !statSync(name).isDirectory());
  if (key === undefined || more.length > 0) throw new UsageError('--tls takes a certificate and a key');
  return { directory: onlyDirectory(operands.filter((name) => name !== key)), key };
}

function textOf(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  if (value === '') throw new UsageError(`--${name} needs a value`);
  return typeof value === 'string' ? value : undefined;
}

function readPort(text: string | boolean | undefined): number {
  if (typeof text !== 'string') return DEFAULT_PORT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Infinity;
  if (port > 65_535) throw new UsageError(`--port takes a number from 0 to 65535, not '${text}'`);
  return port;
}

/** Which way bodies went; of requests under way. */
const ways = new WeakMap<http.ServerResponse, BodyWay>();

function createServer(plan: Plan): http.Server {
  const handler = createHandler(plan);
  return plan.tls === undefined ? http.createServer(handler) : https.createServer(plan.tls, handler);
}

function createHandler(plan: Plan): http.RequestListener {
  const settings = readSettings(plan);
  const files = createFileHandler(plan.root, settings, (response, way) => { ways.set(response, way); });
  const root = new DocumentRoot(plan.root, 'within', 0);
  return (request, response) => {
    if (!plan.isQuiet) logWhenOver(request, response);
    if (plan.allowsOrigins) response.setHeader('Access-Control-Allow-Origin', '*');
    files(request, response, (error) => {
      const { status = 404 } = (error ?? {}) as { status?: number };
      void answerRest(plan, root, status, { request, response, files });
    });
  };
}

function readSettings({ maxAge }: Plan): ReturnType<typeof readOptions> {
  try {
    return readOptions({ maxAge, precompressed: ['br', 'zstd', 'gzip'], fallthrough: false });
  } catch (error) {
    throw new UsageError(`--cache: ${(error as Error).message}`);
  }
}

interface Unanswered {
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
  readonly files: ReturnType<typeof createFileHandler>;
}

/** What is no file: a listing, the page of an application, or an error. */
async function answerRest(plan: Plan, root: DocumentRoot, status: number, exchange: Unanswered): Promise<void> {
  const { request, response, files } = exchange;
  if (status === 404 && plan.hasListing) {
    const target = requestPath(splitTarget(request.url ?? '/').pathname);
    const page = typeof target === 'number' ? undefined : await listingPage(root, target);
    if (page !== undefined) {
      sendPage(response, page, request.method);
      return;
    }
  }
  // A name with an extension is a file that is missing: HTML in its place would only be confusing.
  const isPage = path.posix.extname(splitTarget(request.url ?? '/').pathname) === '';
  if (status !== 404 || !plan.isSinglePage || !isPage) {
    sendPage(response, errorPage(status), request.method);
    return;
  }
  const asked = request.url;
  request.url = '/index.html';
  files(request, response, () => { sendPage(response, errorPage(404), request.method); });
  request.url = asked;
}

function logWhenOver(request: http.IncomingMessage, response: http.ServerResponse): void {
  const began = performance.now();
  const { method = '-', url = '-' } = request;
  const client = request.socket.remoteAddress ?? '-';
  const bytesSent = countBytes(response, request.socket);
  response.once('close', () => {
    const status = response.writableFinished ? String(response.statusCode) : `${String(response.statusCode)} aborted`;
    const way = ways.get(response) ?? 'none';
    const took = (performance.now() - began).toFixed(1);
    process.stdout.write(`${new Date().toISOString()} ${client} ${method} ${printable(url)} ${status} ` +
      `${String(bytesSent())} B ${took} ms ${way === 'none' ? '-' : way}\n`);
  });
}

/**
 * Answers how many bytes of `response` have left, its head too. A client may have all of a response, and ask again,
 * before this process knows: so they are counted from when it has the socket until it hands that to the next.
 */
function countBytes(response: http.ServerResponse, socket: net.Socket): () => number {
  let before = response.socket === null ? undefined : socket.bytesWritten;
  let after: number | undefined;
  response.once('socket', () => { before = socket.bytesWritten; });
  response.prependOnceListener('finish', () => { after = socket.bytesWritten; });
  return () => (before === undefined ? 0 : (after ?? socket.bytesWritten) - before);
}

/** On the port, or the next that is free. */
async function listen(server: http.Server, { port, host }: Plan): Promise<void> {
  const last = port === 0 ? 0 : Math.min(port + PORTS_TO_TRY, 65_535);
  for (let candidate = port; ; candidate++) {
    try {
      await listenOn(server, candidate, host);
      if (candidate !== port) process.stderr.write(`zerocopy serve: port ${String(port)} is taken\n`);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || candidate >= last) throw error;
    }
  }
}

function listenOn(server: http.Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function announce(server: http.Server, { root, host, tls }: Plan): void {
  const { port, address, family } = server.address() as net.AddressInfo;
  const scheme = tls === undefined ? 'http' : 'https';
  const isEverywhere = address === '0.0.0.0' || address === '::';
  const addresses = isEverywhere ? ['localhost', ...networkAddresses(family)] : [host];
  const urls = addresses.map((name) => `${scheme}://${name.includes(':') ? `[${name}]` : name}:${String(port)}/`);
  process.stdout.write(`${printable(root)} at ${urls.join(' and ')}\n`);
}

/** Where others reach this machine. */
function networkAddresses(family: string): string[] {
  const all = Object.values(os.networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter((found) => !found.internal && (found.family === 'IPv4' || family === 'IPv6')
    && !found.address.startsWith('fe80:')).map(({ address }) => address);
}

/** The first signal waits for what is under way, the second does not. */
function untilStopped(server: http.Server): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false;
    const stop = (): void => {
      if (isStopping) server.closeAllConnections();
      isStopping = true;
      server.close(() => { resolve(); });
      server.closeIdleConnections();
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
    server.once('close', () => { process.off('SIGINT', stop).off('SIGTERM', stop); });
  });
}
