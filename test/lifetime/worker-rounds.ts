/**
 * Workers that get mappings and end at random moments. Run as
 *
 *   node --expose-gc out/test/lifetime/worker-rounds.js --seed 1 --rounds 5000
 *
 * Each round starts a worker with a handle and ends it: before it runs, while it attaches, in a loop over raw arrays,
 * with work in flight, after it has sent the memory away; or lets it end itself. The file is full of one byte, so every
 * byte that anybody sees is that one, or 0 where a worker that ended took the memory with it. Prints the counters; ends
 * with code 1 when a map is left, and by a signal when a worker took the process with it.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';

import { native } from '#lib/native';
import { mmap } from 'zerocopy';

import { gcUntil } from '../support/gc';
import { randomNumbers } from '../support/random';

const BYTE = 0x5a;
const LENGTH = 128 * 1024;
const AT_ONCE = 4;
const MINUTES = 60_000;

/**
 * What a worker does with `mapping`, its own mapping of the memory, until it is ended. Nothing of zlib: Node itself
 * aborts when a worker ends between the making of a compressor and its init() ("close before init").
 */
const USES: Record<string, string> = {
  nothing: '',
  endsWithRaw: 'globalThis.kept = mapping.asUint8Array(); process.exit(0);',
  throws: 'globalThis.kept = mapping.asUint8Array(); throw new Error("on purpose");',
  readsRaw: 'const raw = mapping.asUint8Array(); for (;;) check(raw);',
  readsView: 'const view = mapping.view(); for (;;) check(view.slice(0, 2000).toBytes());',
  writes: 'const raw = mapping.asBuffer(); for (;;) { raw.fill(BYTE); check(raw); }',
  closes: 'const raw = mapping.asUint8Array(); mapping.close(); for (;;) check(raw);',
  detaches: 'const raw = mapping.asUint8Array(); mapping.close({ detach: true }); for (;;) if (raw.length > 0) throw new Error("not detached");',
  mapsItself: 'const kept = []; for (;;) { const m = mmap(file); check(m.asUint8Array(0, 100)); kept.push(m); if (kept.length > 50) kept.length = 0; }',
  sharesOn: 'for (;;) { const again = Mapping.attach(mapping.share()); check(again.asUint8Array(0, 5000)); again.close(); }',
  flushes: '(function again() { mapping.flush().then(again); })();',
  digests: 'const raw = mapping.asUint8Array(); (function again() { crypto.subtle.digest("SHA-256", raw).then(again); })();',
  writesFile: 'const raw = mapping.asUint8Array(); (function again() { fs.write(fd, raw, 0, raw.length, 0, again); })();',
  readsFile: 'const raw = mapping.asUint8Array(); (function again() { fs.read(fd, raw, 0, raw.length, 0, again); })();',
  sends: '(function again() { sendfile(fd, mapping).then(again, again); })();',
  transfers: 'const { buffer } = mapping.asUint8Array(); globalThis.kept = buffer.transfer?.() ?? buffer; for (;;) check(new Uint8Array(kept));',
  sendsAway: `const { buffer } = mapping.asUint8Array(); const moved = buffer.transfer?.();
    parentPort.postMessage(moved ?? null, moved ? [moved] : []); setInterval(() => {}, 1000);`,
  sharesBuffer: 'try { parentPort.postMessage(mapping.asSharedArrayBuffer()); } catch {} setInterval(() => {}, 1000);',
};

const WORKER = `
  const { workerData: { handle, use, file, output }, parentPort } = require('node:worker_threads');
  const { Mapping, mmap, sendfile } = require('zerocopy'); const fs = require('node:fs'); const BYTE = ${String(BYTE)};
  const fd = fs.openSync(output, 'w+'); fs.writeSync(fd, Buffer.alloc(${String(LENGTH)}, BYTE));
  const check = (bytes) => { for (const byte of bytes) if (byte !== BYTE) { parentPort.postMessage('foreign byte ' + byte); throw byte; } };
  const mapping = Mapping.attach(handle);
  parentPort.postMessage('attached');
  new Function('mapping', 'check', 'Mapping', 'mmap', 'sendfile', 'fs', 'fd', 'file', 'parentPort', 'BYTE', 'require', use)(
    mapping, check, Mapping, mmap, sendfile, fs, fd, file, parentPort, BYTE, require);
`;

const arrived: Uint8Array[] = [];

function checkArrived(): void {
  for (const bytes of arrived) {
    if (bytes.some((byte) => byte !== BYTE && byte !== 0)) throw new Error('a foreign byte in memory that a worker sent');
  }
  if (arrived.length > 20) arrived.length = 0;
}

/** One worker, from its start to its end. */
async function round(random: () => number, file: string, output: string): Promise<boolean> {
  const names = Object.keys(USES);
  const name = names[Math.floor(random() * names.length)]!;
  const mapping = mmap(file, { access: random() < 0.5 ? 'read' : 'write' });
  const raw = random() < 0.3 ? mapping.asUint8Array() : undefined;
  const workerData = { handle: mapping.share(), use: USES[name], file, output };
  const worker = new Worker(WORKER, { eval: true, workerData });
  if (random() < 0.5) mapping.close();
  let attached = false;
  let foreign: string | undefined;
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const begun = new Promise<void>((resolve) => {
    worker.on('message', (message: unknown) => {
      if (message === 'attached') attached = true;
      else if (typeof message === 'string') foreign = `${name}: ${message}`;
      else if (message !== null) arrived.push(new Uint8Array(message as ArrayBuffer));
      resolve();
    });
  });
  worker.on('error', (error) => { if (error.message !== 'on purpose') foreign ??= `${name}: ${error.message}`; });
  // Some are ended in their start, most when they have the memory.
  if (random() < 0.8) await Promise.race([begun, ended]);
  await new Promise((resolve) => setTimeout(resolve, random() * 15));
  await worker.terminate();
  await ended;
  if (foreign !== undefined) throw new Error(foreign);
  if (raw?.some((byte) => byte !== BYTE)) throw new Error(`${name}: a foreign byte in the memory it was given`);
  checkArrived();
  return attached;
}

function maps(): number {
  return fs.readFileSync('/proc/self/maps', 'utf8').split('\n').length;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { seed: { type: 'string', default: '1' }, rounds: { type: 'string', default: '100' } },
  });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'zerocopy-workers-'));
  const file = path.join(folder, 'shared');
  fs.writeFileSync(file, Buffer.alloc(LENGTH, BYTE));
  const random = randomNumbers(Number(values.seed));
  let left = Number(values.rounds);
  let attached = 0;
  const before = maps();
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, async (_, lane) => {
      while (left-- > 0) if (await round(random, file, path.join(folder, String(lane)))) attached++;
    }));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  arrived.length = 0;
  native.dropExpiredOffers(Number(process.hrtime.bigint() / 1_000_000n) + 2 * MINUTES);
  const whole = (): boolean => native.counters().regionsMapped === native.counters().regionsUnmapped;
  await gcUntil(whole);
  const { regionsMapped: mapped, regionsUnmapped: unmapped, regionsRetired: retired } = native.counters();
  const moreMaps = maps() - before;
  console.log(JSON.stringify({ rounds: Number(values.rounds), attached, mapped, unmapped, retired, moreMaps }));
  if (mapped !== unmapped) process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
