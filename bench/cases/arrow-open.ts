import { spawnSync } from 'node:child_process';
import { createReadStream, readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { tableFromIPC, type Float64, type Table } from 'apache-arrow';
import { mmap } from 'zerocopy';

import { CHECKSUM, QUICK, type Contender } from '../case';
import { sharedFile } from '../files';

export const name = 'arrow-open';
export const title = 'Open an Arrow file of 600 MB with apache-arrow, and sum one of its three columns';
export const baseline = 'fs.readFileSync';
export const headline = [
  { metric: 'ms to open', contender: 'zerocopy mmap' },
  { metric: 'MiB of anonymous memory, open', contender: 'zerocopy mmap' },
];

const ROWS = QUICK ? 1_000_000 : 30_000_000;
const MIB = 2 ** 20;
type Columns = Table<{ value: Float64 }>;

const MAKER = pathToFileURL(path.join(__dirname, '../../examples/arrow-file.mjs')).href;
const MAKE = `import { writeArrowFile } from '${MAKER}'; await writeArrowFile(process.argv[1], ${String(ROWS)});`;

/** Another process makes it, so that ours is as new. */
function arrowFile(): string {
  return sharedFile('rows.arrow', (file) => {
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', MAKE, file], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`making the file: ${stderr}`);
  });
}

/** Memory of the process, MiB: all that is resident, and the part that is no file's and cannot be given back. */
function resident(): { all: number; anonymous: number } {
  const status = readFileSync('/proc/self/status', 'latin1');
  const kib = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
  return { all: kib('VmRSS') / 1024, anonymous: kib('RssAnon') / 1024 };
}

function sumOf(table: Columns): number {
  let sum = 0;
  for (const { values } of table.getChild('value')?.data ?? []) for (const value of values) sum += value;
  return sum;
}

function opening(open: (file: string) => Columns | Promise<Columns>): Contender {
  return async () => {
    const file = arrowFile();
    const before = resident();
    const cpu = process.cpuUsage();
    const started = performance.now();
    const table = await open(file);
    const opened = performance.now();
    const { user, system } = process.cpuUsage(cpu);
    const after = resident();
    const sum = sumOf(table);
    const summed = performance.now();
    if (table.numRows !== ROWS || sum !== (ROWS - 1) * ROWS / 4) throw new Error('that is not what the file says');
    const end = resident();
    return {
      'ms to open': opened - started,
      'CPU ms to open': (user + system) / 1000,
      'ms to open and sum': summed - started,
      'MiB of anonymous memory, open': after.anonymous - before.anonymous,
      'MiB of anonymous memory, summed': end.anonymous - before.anonymous,
      'MiB resident, summed': end.all - before.all,
      [CHECKSUM]: sum,
    };
  };
}

export const contenders: Record<string, Contender> = {
  'fs.readFileSync': opening((file) => tableFromIPC(readFileSync(file))),
  'fs.promises.readFile': opening(async (file) => tableFromIPC(await fs.readFile(file))),
  'fs.createReadStream': opening((file) => tableFromIPC(createReadStream(file, { highWaterMark: MIB }))),
  'zerocopy mmap': opening((file) => tableFromIPC(mmap(file).asUint8Array())),
};
