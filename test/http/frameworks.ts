/**
 * Every library that pipes files into responses, as its own documentation sets it up, serving one folder.
 */
import fastifySend from '@fastify/send';
import fastifyStatic from '@fastify/static';
import express from 'express';
import fastify from 'fastify';
import Koa from 'koa';
import koaSend from 'koa-send';
import koaStatic from 'koa-static';
import fs from 'node:fs';
import type http from 'node:http';
import path from 'node:path';
import { pipeline } from 'node:stream';
import send from 'send';
import serveHandler from 'serve-handler';
import serveStatic from 'serve-static';
import sirv from 'sirv';

export interface Framework {
  readonly name: string;
  make(folder: string): http.RequestListener | Promise<http.RequestListener>;
  /** How it answers `bytes=100-199`. */
  readonly ranges: boolean;
  /** `bytes=5-2` ends the process: it must not be asked for that. */
  readonly diesOfBackwardsRange?: true;
}

function pathOf(request: http.IncomingMessage): string {
  return new URL(request.url ?? '/', 'http://localhost').pathname;
}

function notFound(response: http.ServerResponse): void {
  response.writeHead(404, { 'Content-Length': 9 });
  response.end('Not found');
}

/** As tutorials do it. */
function streaming(pass: (file: fs.ReadStream, response: http.ServerResponse) => void): Framework['make'] {
  return (folder) => (request, response) => {
    fs.stat(path.join(folder, pathOf(request)), (error, stats) => {
      if (error !== null) {
        notFound(response);
        return;
      }
      response.setHeader('Content-Length', stats.size);
      pass(fs.createReadStream(path.join(folder, pathOf(request))), response);
    });
  };
}

async function fastifyListener(folder: string): Promise<http.RequestListener> {
  const app = fastify();
  app.register(fastifyStatic, { root: folder });
  await app.ready();
  return (request, response) => { app.routing(request, response); };
}

function koaListener(app: Koa): http.RequestListener {
  app.silent = true;
  const listener = app.callback();
  return (request, response) => { void listener(request, response); };
}

export const FRAMEWORKS: readonly Framework[] = [
  { name: 'pipe()', ranges: false, make: streaming((file, response) => { file.pipe(response); }) },
  {
    name: 'pipeline()',
    ranges: false,
    make: streaming((file, response) => { pipeline(file, response, () => undefined); }),
  },
  {
    name: 'send',
    ranges: true,
    make: (root) => (request, response) => { send(request, pathOf(request), { root }).pipe(response); },
  },
  {
    name: 'serve-static',
    ranges: true,
    make: (folder) => {
      const serve = serveStatic(folder);
      return (request, response) => { serve(request, response, () => { notFound(response); }); };
    },
  },
  {
    name: 'sirv',
    make: (folder) => {
      const serve = sirv(folder, { etag: true });
      return (request, response) => { serve(request, response, () => { notFound(response); }); };
    },
    ranges: true,
    diesOfBackwardsRange: true,
  },
  {
    name: 'express.static',
    ranges: true,
    make: (folder) => express().set('env', 'test').use(express.static(folder)),
  },
  {
    name: 'express sendFile',
    ranges: true,
    make: (root) => express().use((request, response) => {
      response.sendFile(request.path, { root }, (error: Error | undefined) => {
        if (error !== undefined && !response.headersSent) notFound(response);
      });
    }),
  },
  { name: '@fastify/static', ranges: true, make: fastifyListener },
  {
    name: '@fastify/send',
    ranges: true,
    make: (root) => async (request, response) => {
      const { statusCode, headers, stream } = await fastifySend(request, pathOf(request), { root });
      response.writeHead(statusCode, headers);
      stream.pipe(response);
    },
  },
  {
    name: 'koa-send',
    ranges: false,
    make: (root) => koaListener(new Koa().use(async (context) => { await koaSend(context, context.path, { root }); })),
  },
  {
    name: 'koa-static',
    ranges: false,
    make: (folder) => koaListener(new Koa().use(koaStatic(folder))),
  },
  {
    name: 'serve-handler',
    ranges: true,
    make: (folder) => (request, response) => {
      void serveHandler(request, response, { public: folder, cleanUrls: false, directoryListing: false });
    },
  },
];
