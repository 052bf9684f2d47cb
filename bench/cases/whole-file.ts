import { closeSync, createReadStream, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { mmap } from 'zerocopy';

import { CHECKSUM, QUICK, type Contender } from '../case';
import { sharedFile } from '../files';

export const name = 'whole-file';
export const title = 'The sum of all 32-bit numbers of a 1 GiB file in the page cache';
export const baseline = 'fs.readFileSync';
export const headline = { metric: 'wall ms', contender: 'zerocopy mmap' };

const SIZE = QUICK ? 2 ** 24 : 2 ** 30;
const PART = 2 ** 24;
const CHUNK = 2 ** 20;

function sumOf(bytes: Uint8Array): number {
  const numbers = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  let sum = 0;
  for (let i = 0, end = numbers.length; i < end; i++) sum = (sum + numbers[i]!) | 0;
  return sum;
}

/** By parts, as the others get theirs: one call over 1 GiB is not compiled before it is half-way through. */
function sumOfAll(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += CHUNK) sum = (sum + sumOf(bytes.subarray(at, at + CHUNK))) | 0;
  return sum;
}

const part = Buffer.alloc(PART, 'numbers');

function fileOfNumbers(): string {
  return sharedFile('numbers.bin', (file) => {
    const fd = openSync(file, 'w');
    for (let at = 0; at < SIZE; at += PART) writeSync(fd, part);
    closeSync(fd);
  });
}

function contender(read: (file: string) => number | Promise<number>): Contender {
  return async () => {
    const file = fileOfNumbers();
    for (let i = 0; i < 5; i++) sumOf(part); // until the loop is compiled
    const expected = Math.imul(sumOf(part), SIZE / PART);
    const before = process.memoryUsage().rss;
    const cpu = process.cpuUsage();
    const started = performance.now();
    const sum = await read(file);
    const wall = performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    if (sum !== expected) throw new Error(`the sum is ${String(expected)}, not ${String(sum)}`);
    const more = (process.memoryUsage().rss - before) / 1e6;
    return { 'wall ms': wall, 'CPU ms': (user + system) / 1000, 'more resident MB after': more, [CHECKSUM]: sum };
  };
}

/** Chunks of a stream need not end where a number does. */
async function sumOfStream(file: string): Promise<number> {
  let sum = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK }) as AsyncIterable<Buffer>) {
    const all = rest.length === 0 && chunk.byteOffset % 4 === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole = all.length - (all.length % 4);
    sum = (sum + sumOf(all.byteOffset % 4 === 0 ? all.subarray(0, whole) : new Uint8Array(all.subarray(0, whole)))) | 0;
    rest = Buffer.from(all.subarray(whole));
  }
  return sum;
}

function sumByParts(file: string): number {
  const buffer = Buffer.allocUnsafeSlow(CHUNK);
  const fd = openSync(file, 'r');
  let sum = 0;
  for (let count = 1; count > 0;) {
    count = readSync(fd, buffer, 0, buffer.length, null);
    sum = (sum + sumOf(buffer.subarray(0, count))) | 0;
  }
  closeSync(fd);
  return sum;
}

export const contenders: Record<string, Contender> = {
  'fs.readFileSync': contender((file) => sumOfAll(readFileSync(file))),
  'fs.createReadStream, 1 MiB chunks': contender(sumOfStream),
  'fs.readSync into one 1 MiB buffer': contender(sumByParts),
  'zerocopy mmap': contender((file) => {
    using mapping = mmap(file, { advice: 'sequential' });
    return sumOfAll(mapping.asUint8Array());
  }),
  'zerocopy mmap, populate': contender((file) => {
    using mapping = mmap(file, { populate: true });
    return sumOfAll(mapping.asUint8Array());
  }),
};
