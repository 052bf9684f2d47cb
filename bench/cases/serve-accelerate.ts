import http from 'node:http';
import send from 'send';

import { accelerate } from 'zerocopy/http';

import type { Contender } from '../case';
import { MIB, serving } from '../serving/folder';
import { perRequest } from '../serving/per-request';
import { inThisProcess } from '../serving/servers';

export const name = 'serve-accelerate';
export const title = 'An existing server with and without accelerate(), to a client on another core';
export const baseline = 'send';
export const headline = { metric: 'server CPU us per request, 1 MiB', contender: 'zerocopy accelerate(), send' };

const SIZES = [[1024, '1 KiB', 3000], [192 * 1024, '192 KiB', 1500], [MIB, '1 MiB', 500]] as const;
const measure = perRequest(SIZES);

function withSend(root: string): http.Server {
  return http.createServer((request, response) => { send(request, request.url ?? '/', { root }).pipe(response); });
}

export const contenders: Record<string, Contender> = {
  'send': serving(inThisProcess(withSend), measure),
  'zerocopy accelerate(), send': serving(inThisProcess((root) => accelerate(withSend(root))), measure),
};
