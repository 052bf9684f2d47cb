/**
 * The main job, `npm start [-- FILE]`: maps a real file, slices it a million times, reads records out of it and sends
 * it to a real client, each the traditional way and without copying, and prints what both cost.
 */
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { mmap, type Mapping } from 'zerocopy';

import { bytes, milliseconds, Progress, table, threeFigures } from './main-job/terminal';
import { memoryBudget, settledMemory } from './main-job/memory';
import { describe, HELP, readOptions, UsageError, type Options } from './main-job/options';
import { hashFile, makeFile, readRecords, RECORD } from './main-job/records';
import { byReadAndWrite, bySendfile, deliver, fitsInBuffer, type Delivery, type Way } from './main-job/serve';
import { sliceCopies, sliceViews, type Sliced } from './main-job/slices';
import { temporaryFolder } from './main-job/temporary';

const SLICES = 1_000_000;
const RECORDS = 100_000;

interface Subject {
  readonly file: string;
  readonly size: number;
  /** Taken before anything of ours has touched the file. */
  readonly sha256: string;
}

function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}

async function makeSubject(size: number): Promise<Subject> {
  const file = path.join(temporaryFolder(), 'records.bin');
  return { file, size, sha256: await makeFile(file, size) };
}

async function readSubject(file: string): Promise<Subject> {
  const { size } = statSync(file);
  return { file, size, sha256: await hashFile(file, size) };
}

async function prepare(options: Options): Promise<Subject> {
  const started = performance.now();
  const subject = await (options.file === undefined ? makeSubject(options.size) : readSubject(options.file));
  const took = milliseconds(performance.now() - started);
  say(`File     ${subject.file}`);
  say(`         ${bytes(subject.size)}, ${options.file === undefined ? 'made' : 'read'} in ${took}, ` +
    `SHA-256 ${subject.sha256.slice(0, 16)}…`);
  return subject;
}

async function mapFile(file: string): Promise<Mapping> {
  const before = await settledMemory();
  const started = performance.now();
  const mapping = mmap(file);
  const took = performance.now() - started;
  const growth = Math.max(0, await settledMemory() - before);
  say(`Mapped   in ${milliseconds(took)}; resident memory grew by ${bytes(growth)}`);
  return mapping;
}

function readSome(mapping: Mapping, file: string): void {
  const records = Math.min(RECORDS, Math.floor(mapping.byteLength / RECORD));
  if (records === 0) return say(`Records  none: the file is shorter than one of ${bytes(RECORD)}`);
  const started = performance.now();
  readRecords(mapping, file, records);
  const took = milliseconds(performance.now() - started);
  say(`Records  ${count(records)} read through views and compared with read(2), in ${took}: all the same`);
  mapping.advise('dontneed'); // the pages stay in the page cache; they no longer count as ours
}

async function sliceBothWays(mapping: Mapping, { file, size }: Subject): Promise<void> {
  if (size === 0) return say('\nThe file is empty: there is nothing to slice.');
  const reach = fitsInBuffer(size) ? size : 64 * 1024 * 1024;
  const work = { count: SLICES, length: sliceLength(reach), reach };
  const views = await sliceViews(mapping, work);
  mapping.advise('dontneed');
  const copies = await sliceCopies(await readStart(file, size, reach), work);
  if (views.checksum !== copies.checksum) throw new Error('the slices of the mapping differ from those of the buffer');
  say(`\n${count(SLICES)} slices of ${bytes(work.length)}, all kept\n`);
  say(sliceTable(views, copies));
}

/** A record, or what memory has room for when a million copies are kept. */
function sliceLength(reach: number): number {
  return Math.max(1, Math.min(RECORD, reach, Math.floor(memoryBudget() / SLICES)));
}

async function readStart(file: string, size: number, reach: number): Promise<Uint8Array> {
  if (reach === size) return await readFile(file);
  using start = mmap(file, { length: reach });
  return start.view().toBytes();
}

function sliceTable(views: Sliced, copies: Sliced): string {
  const row = (name: string, pick: (sliced: Sliced) => number, unit: (value: number) => string) =>
    [name, unit(pick(copies)), unit(pick(views)), times(pick(copies), pick(views))];
  return table([
    ['', 'copied', 'not copied', ''],
    row('time', (sliced) => sliced.milliseconds, milliseconds),
    row('time per slice', (sliced) => (sliced.milliseconds * 1e6) / SLICES, (ns) => `${threeFigures(ns)} ns`),
    row('resident memory grew by', (sliced) => sliced.memory, bytes),
    row('bytes copied', (sliced) => sliced.bytesCopied, bytes),
  ], '  ');
}

async function sendBothWays(subject: Subject): Promise<void> {
  const written = await send('read and write', byReadAndWrite(subject.file, subject.size), subject);
  const sent = await send('sendfile', bySendfile(subject.file), subject);
  say('\nServed over HTTP to a client process, which hashed it as it arrived\n');
  say(deliveryTable(written, sent));
}

async function send(name: string, way: Way, subject: Subject): Promise<Delivery> {
  const progress = new Progress(`Sending by ${name}`);
  const delivery = await deliver(way, (received) => progress.update(received, subject.size, bytes(received)));
  progress.end();
  if (delivery.bytes !== subject.size || delivery.sha256 !== subject.sha256) {
    throw new Error(`what arrived by ${name} is not the file: ${count(delivery.bytes)} bytes of ${count(subject.size)}, ` +
      `SHA-256 ${delivery.sha256} instead of ${subject.sha256}. Did something write to it meanwhile?`);
  }
  return delivery;
}

function deliveryTable(written: Delivery, sent: Delivery): string {
  const row = (name: string, pick: (delivery: Delivery) => number, unit: (value: number) => string) =>
    [name, unit(pick(written)), unit(pick(sent)), times(pick(written), pick(sent))];
  const speed = ({ bytes: length, milliseconds: ms }: Delivery) => `${threeFigures(length / 1000 / ms)} MB/s`;
  return table([
    ['', 'read and write', 'sendfile', ''],
    ['bytes, SHA-256 right', bytes(written.bytes), bytes(sent.bytes), ''],
    row('time', (delivery) => delivery.milliseconds, milliseconds),
    ['throughput', speed(written), speed(sent), ''],
    row('first byte after', (delivery) => delivery.firstByteMilliseconds, milliseconds),
    row('server CPU', (delivery) => delivery.cpuMilliseconds, milliseconds),
    ['resident memory before', bytes(written.memoryBefore), bytes(sent.memoryBefore), ''],
    row('  at its peak', (delivery) => delivery.memoryPeak, bytes),
    ['  after', bytes(written.memoryAfter), bytes(sent.memoryAfter), ''],
    row('bytes copied to user space', (delivery) => delivery.bytesCopied, bytes),
  ], '  ');
}

/** How much less, or more, the second is; nothing where there is nothing to divide by. */
function times(traditional: number, ours: number): string {
  if (ours === 0 || traditional === 0) return '';
  return ours <= traditional ? `${threeFigures(traditional / ours)}x less` : `${threeFigures(ours / traditional)}x more`;
}

async function main(options: Options): Promise<void> {
  say(`zerocopy's main job: Node ${process.versions.node}, ${os.type()} ${os.arch()}, ${String(os.cpus().length)} CPUs\n`);
  const subject = await prepare(options);
  using mapping = await mapFile(subject.file);
  readSome(mapping, subject.file);
  await sendBothWays(subject);
  await sliceBothWays(mapping, subject); // last: what a million copies leave behind would spoil the other figures
  mapping.close();
  say(`\nThe mapping is ${mapping.state}. One run each, the file in the page cache; measured with care: npm run bench`);
}

function fail(error: unknown): never {
  const usage = error instanceof UsageError;
  console.error(usage ? `zerocopy: ${error.message}` : error instanceof Error ? error.stack : describe(error));
  process.exit(usage ? 2 : 1);
}

// The reader of our output may stop early, as `head` does.
process.stdout.on('error', () => process.exit(1));
try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) say(HELP);
  else main(options).catch(fail);
} catch (error) {
  fail(error);
}
