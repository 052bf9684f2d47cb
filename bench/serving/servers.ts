/** Servers for the files of a folder: node:http in this process, with each of the ways to answer. */
import { once } from 'node:events';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type net from 'node:net';
import { pipeline } from 'node:stream/promises';
import { sendfile } from 'zerocopy';

import { pinThisProcess } from './cpu';

export interface Running {
  readonly port: number;
  readonly pid: number;
  close(): Promise<void>;
}

/** Serves the files of `folder`, each by its name. */
export type Serve = (folder: string) => Promise<Running>;

export type Answer = (file: string, response: http.ServerResponse) => Promise<unknown>;

const CLIENT_LEFT = /^(EPIPE|ECONNRESET|ERR_STREAM_PREMATURE_CLOSE)$/;

/** A server in this process, on the core of the server. */
export function inThisProcess(make: (folder: string) => net.Server | Promise<net.Server>): Serve {
  return async (folder) => {
    pinThisProcess();
    const server = await make(folder);
    server.listen(0, '127.0.0.1', 4096);
    await once(server, 'listening');
    return {
      port: (server.address() as net.AddressInfo).port,
      pid: process.pid,
      close: async () => {
        server.close();
        if (server instanceof http.Server || server instanceof https.Server) server.closeAllConnections();
        await once(server, 'close');
      },
    };
  };
}

/** Answers with what `answer` does; with a certificate by HTTPS. */
export function node(answer: Answer, certificate?: { readonly key: string; readonly cert: string }): Serve {
  return inThisProcess((folder) => {
    const listener = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      answer(folder + (request.url ?? ''), response).catch((error: unknown) => {
        // A client that leaves in the middle is one whose time was over.
        if (!CLIENT_LEFT.test(String((error as NodeJS.ErrnoException).code))) throw error;
      });
    };
    return certificate === undefined ? http.createServer(listener) : https.createServer(certificate, listener);
  });
}

export const streamed: Answer = async (file, response) => {
  response.setHeader('Content-Length', statSync(file).size);
  await pipeline(createReadStream(file), response);
};

const buffers = new Map<string, Buffer>();
export const fromMemory: Answer = (file, response) => {
  const buffer = buffers.get(file) ?? readFileSync(file);
  buffers.set(file, buffer);
  response.setHeader('Content-Length', buffer.length);
  response.end(buffer);
  return Promise.resolve();
};

export const byPath: Answer = async (file, response) => {
  await sendfile(response, file);
  response.end();
};

const handles = new Map<string, Promise<FileHandle>>();
export const byHandle: Answer = async (file, response) => {
  let handle = handles.get(file);
  if (handle === undefined) handles.set(file, handle = open(file));
  await sendfile(response, await handle);
  response.end();
};
