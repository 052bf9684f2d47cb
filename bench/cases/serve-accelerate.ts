import http from 'node:http';
import send from 'send';

import { accelerate } from 'zerocopy/http';

import { QUICK, type Contender, type Measured } from '../case';
import { drain } from '../serving/drain';
import { makeFile, MIB, serving } from '../serving/folder';
import { inThisProcess, type Running } from '../serving/servers';

export const name = 'serve-accelerate';
export const title = 'A server that exists, with and without accelerate(), to a client on another core';
export const baseline = 'send';
export const headline = { metric: 'server CPU us per request, 1 MiB', contender: 'zerocopy accelerate(), send' };

const SIZES = [[1024, '1 KiB', 3000], [192 * 1024, '192 KiB', 1500], [MIB, '1 MiB', 500]] as const;
const QUICK_REQUESTS = 200;

async function measure(server: Running, folder: string): Promise<Measured> {
  const measured: Record<string, number> = {};
  for (const [size, label, requests] of SIZES) {
    makeFile(folder, String(size), size);
    const count = QUICK ? QUICK_REQUESTS : requests;
    const { cpu } = await drain(server, String(size), size, count);
    measured[`server CPU us per request, ${label}`] = cpu * 1e6 / count;
  }
  return measured;
}

function withSend(root: string): http.Server {
  return http.createServer((request, response) => { send(request, request.url ?? '/', { root }).pipe(response); });
}

export const contenders: Record<string, Contender> = {
  'send': serving(inThisProcess(withSend), measure),
  'zerocopy accelerate(), send': serving(inThisProcess((root) => accelerate(withSend(root))), measure),
};
