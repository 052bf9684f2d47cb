import fastifyStatic from '@fastify/static';
import express from 'express';
import fastify from 'fastify';
import http from 'node:http';
import send from 'send';
import sirv from 'sirv';

import { serveFiles } from 'zerocopy/http';

import { QUICK, type Contender, type Measured } from '../case';
import { drain } from '../serving/drain';
import { MIB, serving } from '../serving/folder';
import { perRequest, QUICK_REQUESTS } from '../serving/per-request';
import { bunServe, nginx } from '../serving/programs';
import { inThisProcess, type Running } from '../serving/servers';

export const name = 'serve-files';
export const title = 'A static handler for files, to a client on another core';
export const baseline = 'send';
export const headline = [
  { metric: 'server CPU us per request, 1 KiB', contender: 'zerocopy serveFiles()' },
  { metric: 'server CPU us per request, 1 MiB', contender: 'zerocopy serveFiles()' },
];

const SIZES = [[1024, '1 KiB', 3000], [192 * 1024, '192 KiB', 1000], [MIB, '1 MiB', 400]] as const;
const measure = perRequest(SIZES);

/** What node:http costs by itself. */
async function measureEmpty(server: Running): Promise<Measured> {
  const count = QUICK ? QUICK_REQUESTS : SIZES[0][2];
  const { cpu } = await drain(server, 'empty', 0, count);
  return { 'server CPU us per request, 1 KiB': cpu * 1e6 / count };
}

/** It reads the folder once, when it is made: so one for each file, made when that is there. */
function withSirv(root: string): http.Server {
  const handlers = new Map<string, ReturnType<typeof sirv>>();
  return http.createServer((request, response) => {
    const url = request.url ?? '/';
    const handler = handlers.get(url) ?? sirv(root);
    handlers.set(url, handler);
    handler(request, response);
  });
}

async function withFastify(root: string): Promise<http.Server> {
  const app = fastify().register(fastifyStatic, { root });
  await app.ready();
  return app.server;
}

export const contenders: Record<string, Contender> = {
  'send': serving(inThisProcess((root) => http.createServer((request, response) => {
    send(request, request.url ?? '/', { root }).pipe(response);
  })), measure),
  'sirv': serving(inThisProcess(withSirv), measure),
  'express.static': serving(inThisProcess((root) => http.createServer(express().use(express.static(root)))), measure),
  '@fastify/static': serving(inThisProcess(withFastify), measure),
  'an empty response of node:http': serving(inThisProcess(() => http.createServer((_request, response) => {
    response.end();
  })), measureEmpty),
  'zerocopy serveFiles()': serving(inThisProcess((root) => http.createServer(serveFiles(root))), measure),
  'nginx, sendfile on': serving(nginx, measure),
  'Bun.serve': serving(bunServe, measure),
};
