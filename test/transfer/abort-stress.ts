/**
 * Transfers that end at random: aborted, destroyed, reset or left alone, to slow and quick clients, over TCP, Unix
 * sockets and HTTP, several at once. Every byte that arrives is compared, every count, and at the end the descriptors.
 *
 * A part of it is a test. For longer: node out/test/transfer/abort-stress.js --minutes 60 [--seed N]
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { native } from '#lib/native';
import { mmap, sendfile, type Mapping } from 'zerocopy';

import { openDescriptors, openedSince } from '../support/descriptors';
import { randomNumbers } from '../support/random';

const MIB = 2 ** 20;
const FILE_LENGTH = 24 * MIB + 4321;
const AT_A_TIME = 6;

export interface StressOutcome {
  readonly transfers: number;
  /** Of these, ended before their last byte. */
  readonly cut: number;
  readonly bytes: number;
  /** What was wrong, a line each. */
  readonly wrong: readonly string[];
  /** Sockets and files that are open and were not before. */
  readonly leaked: readonly string[];
}

/** One transfer's fate, drawn beforehand. */
interface Fate {
  readonly kind: 'tcp' | 'unix' | 'http';
  readonly source: 'path' | 'handle' | 'mapping' | 'closed mapping' | 'closed private mapping';
  readonly offset: number;
  readonly length: number;
  readonly end: 'none' | 'abort' | 'destroy' | 'reset';
  /** Milliseconds until then. */
  readonly after: number;
  /** Milliseconds that the client waits after each piece. */
  readonly slowness: number;
}

interface Ended {
  readonly sent: number;
  readonly code: string | undefined;
}

class Stress {
  readonly #random: () => number;
  readonly #content: Buffer;
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #mapping: Mapping;
  readonly #folder: string;
  readonly wrong: string[] = [];
  transfers = 0;
  cut = 0;
  bytes = 0;

  constructor(folder: string, file: string, content: Buffer, handle: FileHandle, random: () => number) {
    this.#folder = folder;
    this.#file = file;
    this.#content = content;
    this.#handle = handle;
    this.#mapping = mmap(file);
    this.#random = random;
  }

  #pick<T>(...choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)] as T;
  }

  #fate(): Fate {
    const offset = Math.floor(this.#random() * FILE_LENGTH);
    const most = this.#pick(200, 40_000, MIB, FILE_LENGTH);
    return {
      kind: this.#pick('tcp', 'unix', 'http'),
      source: this.#pick('path', 'handle', 'mapping', 'closed mapping', 'closed private mapping'),
      offset,
      length: 1 + Math.floor(this.#random() * Math.min(most, FILE_LENGTH - offset - 1)),
      end: this.#pick('none', 'abort', 'abort', 'destroy', 'reset'),
      after: this.#pick(0, 1, 5, 20) * this.#random(),
      slowness: this.#pick(0, 0, 0, 1, 3),
    };
  }

  async one(number: number): Promise<void> {
    const fate = this.#fate();
    const control = new AbortController();
    let sending: Promise<Ended> | undefined;
    const serve = (out: net.Socket | http.ServerResponse): void => {
      out.on('error', () => undefined);
      const { offset, length } = fate;
      const source = this.#source(fate);
      sending = sendfile(out, source, { offset, length, signal: control.signal }).then(
        (sent) => { out.end(); return { sent, code: undefined }; },
        (error: unknown) => {
          const { bytesSent, code } = error as { bytesSent: number; code: string };
          if (!out.destroyed) out.destroy();
          return { sent: bytesSent, code };
        },
      );
      if (fate.source.startsWith('closed')) (source as Mapping).close();
      if (fate.end === 'none' || fate.end === 'reset') return;
      setTimeout(() => { if (fate.end === 'abort') control.abort(); else out.destroy(); }, fate.after);
    };
    const server = fate.kind === 'http' ? http.createServer((_request, response) => { serve(response); })
      : net.createServer((socket) => { serve(socket); });
    server.listen(fate.kind === 'unix' ? path.join(this.#folder, String(number)) : 0);
    await once(server, 'listening');
    try {
      const got = await this.#receive(server.address(), fate);
      while (sending === undefined && fate.end === 'none') await pause(1);
      if (sending !== undefined) this.#judge(fate, got, await sending);
    } finally {
      server.close();
      await once(server, 'close');
    }
  }

  #source({ source }: Fate): string | FileHandle | Mapping {
    switch (source) {
      case 'path': return this.#file;
      case 'handle': return this.#handle;
      case 'mapping': return this.#mapping;
      case 'closed mapping': return mmap(this.#file);
      case 'closed private mapping': return mmap(this.#file, { access: 'copy' }); // leaves from memory
    }
  }

  /** How many bytes of the body came, each of them compared. */
  async #receive(address: net.AddressInfo | string | null, fate: Fate): Promise<number> {
    const client = typeof address === 'string' ? net.connect(address) : net.connect((address as net.AddressInfo).port);
    client.on('error', () => undefined);
    if (fate.kind === 'http') client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    if (fate.end === 'reset') {
      setTimeout(() => { reset(client, fate); }, fate.after);
    }
    let got = 0;
    let head = fate.kind === 'http' ? Buffer.alloc(0) : undefined;
    try {
      for await (let piece of client as AsyncIterable<Buffer>) {
        if (head !== undefined) {
          head = Buffer.concat([head, piece]);
          const end = head.indexOf('\r\n\r\n');
          if (end < 0) continue;
          piece = head.subarray(end + 4);
          head = undefined;
        }
        const expected = this.#content.subarray(fate.offset + got, fate.offset + got + piece.length);
        if (!piece.equals(expected)) this.#complain(fate, `other bytes from ${String(got)} on`);
        got += piece.length;
        if (fate.slowness > 0) await pause(fate.slowness);
      }
    } catch {
      // Reset.
    }
    return got;
  }

  #judge(fate: Fate, got: number, { sent, code }: Ended): void {
    this.transfers += 1;
    this.bytes += got;
    if (sent < fate.length) this.cut += 1;
    if (code === undefined && sent !== fate.length) this.#complain(fate, `resolved with ${String(sent)}`);
    // What a client that resets has not read is gone.
    const arrived = fate.end === 'reset' ? got <= sent : got === sent;
    if (!arrived) this.#complain(fate, `${String(got)} bytes came, ${String(sent)} were said to be sent (${String(code)})`);
    if (fate.end === 'none' && code !== undefined) this.#complain(fate, `ended with ${code}`);
  }

  #complain(fate: Fate, what: string): void {
    this.wrong.push(`${JSON.stringify(fate)}: ${what}`);
  }

  close(): void {
    this.#mapping.close();
  }
}

/** Goes on as long as `goOn` answers true. `plant` may change what is expected: then it has to be noticed. */
export async function abortStress(
  seed: number, goOn: (transfers: number) => boolean, plant: (expected: Buffer) => void = () => undefined,
): Promise<StressOutcome> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'zerocopy-stress-'));
  const random = randomNumbers(seed);
  const content = Buffer.alloc(FILE_LENGTH);
  for (let at = 0; at + 4 <= FILE_LENGTH; at += 4) content.writeUInt32LE((at * 2654435761) >>> 0, at);
  const file = path.join(folder, 'content');
  writeFileSync(file, content);
  plant(content);
  await listenOnce();
  const before = openDescriptors();
  const mappedBefore = mapped();
  const handle = await open(file);
  const stress = new Stress(folder, file, content, handle, random);
  let started = 0;
  await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
    while (goOn(started)) await stress.one(started++);
  }));
  stress.close();
  await handle.close();
  const left = (): string[] => openedSince(before).filter((target) => target.startsWith('socket') || target.startsWith('/'));
  for (let i = 0; i < 200 && left().length > 0; i++) await pause(10);
  if (mapped() > mappedBefore) stress.wrong.push(`${String(mapped() - mappedBefore)} mappings are held still`);
  if (native.counters().transfersInFlight > 0) stress.wrong.push('transfers are under way still');
  rmSync(folder, { recursive: true });
  const { transfers, cut, bytes, wrong } = stress;
  return { transfers, cut, bytes, wrong, leaked: left() };
}

/**
 * Ends a client at once, over TCP with a reset where Node can do that: while the client's own end is on its way,
 * resetAndDestroy() fails with EINVAL and leaves the descriptor open for ever (Node 20 to 26).
 */
function reset(client: net.Socket, { kind }: Fate): void {
  if (kind === 'unix' || client.writableEnded) client.destroy();
  else client.resetAndDestroy();
}

/** Mappings alive. */
function mapped(): number {
  const { regionsMapped, regionsUnmapped } = native.counters();
  return regionsMapped - regionsUnmapped;
}

/** With its first server libuv opens a descriptor that it keeps for when there are no more. */
async function listenOnce(): Promise<void> {
  const server = net.createServer().listen(0);
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } });
  const end = performance.now() + Number(values.minutes ?? 1) * 60_000;
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  const outcome = await abortStress(seed, () => performance.now() < end);
  console.log(JSON.stringify({ seed, ...outcome }, undefined, 2));
  process.exitCode = outcome.wrong.length + outcome.leaked.length === 0 ? 0 : 1;
}

if (require.main === module) void main();
