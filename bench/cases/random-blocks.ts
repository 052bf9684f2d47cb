import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { mmap } from 'zerocopy';

import { CHECKSUM, QUICK, type Contender } from '../case';
import { sharedFile } from '../files';
import { fileOf, load, PACKAGES } from '../others/packages';
import { python } from '../others/programs';

export const name = 'random-blocks';
export const title = 'Random 4 KiB blocks of a 1 GiB file in the page cache, reading 8 bytes of each';
export const baseline = 'fs.readSync into one buffer';
export const headline = { metric: 'CPU us per block', contender: 'zerocopy typed array over the mapping' };

const SIZE = QUICK ? 2 ** 24 : 2 ** 30;
const BLOCK = 4096;
const BLOCKS = SIZE / BLOCK;
const COUNT = QUICK ? 1000 : 500_000;

/** What stands first in block i. */
function numberOf(block: number): number {
  return (block * 2654435761) % 2 ** 31;
}

function blocksFile(): string {
  return sharedFile('blocks.bin', (file) => {
    const part = Buffer.alloc(2 ** 24, 1);
    const fd = openSync(file, 'w');
    for (let at = 0; at < SIZE; at += part.length) {
      for (let i = 0; i < part.length; i += BLOCK) part.writeDoubleLE(numberOf((at + i) / BLOCK), i);
      writeSync(fd, part);
    }
    closeSync(fd);
  });
}

interface Opened {
  /** The number of a block. */
  look(block: number): number;
  close(): void;
}

/** `open` is not counted, nor the first tenth of the looks. */
function contender(open: (file: string) => Opened): Contender {
  return () => {
    const { look, close } = open(blocksFile());
    let block = 1;
    let sum = 0;
    const run = (count: number): void => {
      for (let i = 0; i < count; i++) {
        block = (block * 1103515245 + 12345) % BLOCKS;
        const number = look(block);
        if (number !== numberOf(block)) throw new Error('that is not what the file says');
        sum += number;
      }
    };
    run(COUNT / 10);
    const cpu = process.cpuUsage();
    const started = performance.now();
    run(COUNT);
    const wall = performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    close();
    return { 'CPU us per block': (user + system) / COUNT, 'wall us per block': (wall * 1000) / COUNT, [CHECKSUM]: sum };
  };
}

interface Lmdb {
  open(options: object): { getBinaryFast(key: number): Buffer; close(): Promise<void> };
}

const LMDB_OPTIONS = { keyEncoding: 'uint32', encoding: 'binary' } as const;

/** argv LMDB FILE BLOCKS BLOCK SOURCE: the blocks of SOURCE, each under its number. */
const FILL_LMDB = `
  const [, lmdb, path, blocks, block, source] = process.argv;
  const fs = require('node:fs');
  const fd = fs.openSync(source, 'r');
  const db = require(lmdb).open({ path, ...${JSON.stringify(LMDB_OPTIONS)}, noSync: true });
  db.transactionSync(() => {
    for (let i = 0; i < Number(blocks); i++) {
      const value = Buffer.alloc(Number(block));
      fs.readSync(fd, value, 0, value.length, i * value.length);
      db.putSync(i, value);
    }
  });
  db.close();
`;

/** A store of its own, in one file, filled by another process. */
function openLmdb(blocks: string): Opened {
  const { open } = load(PACKAGES.lmdb) as Lmdb;
  const database = sharedFile('blocks.lmdb', (file) => {
    const what = [fileOf(PACKAGES.lmdb, ''), file, String(BLOCKS), String(BLOCK), blocks];
    const { status, stderr } = spawnSync(process.execPath, ['-e', FILL_LMDB, ...what], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`filling the database: ${stderr}`);
  });
  const db = open({ path: database, ...LMDB_OPTIONS, readOnly: true });
  return { look: (block) => db.getBinaryFast(block).readDoubleLE(0), close: () => { void db.close(); } };
}

const PYTHON = `
import json, mmap, sys, time
path, blocks, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
file = open(path, 'rb')
mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
numbers = memoryview(mapping).cast('d')
block = 1
def run(count):
    global block
    sum = 0
    for _ in range(count):
        block = (block * 1103515245 + 12345) % blocks
        number = numbers[block * 512]
        assert number == (block * 2654435761) % 2147483648
        sum += number
    return sum
sum = run(count // 10)
wall, cpu = time.perf_counter(), time.process_time()
sum += run(count)
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
print(json.dumps({'CPU us per block': cpu / count * 1e6, 'wall us per block': wall / count * 1e6, 'checksum': sum}))
`;

export const contenders: Record<string, Contender> = {
  'fs.readSync into one buffer': contender((file) => {
    const fd = openSync(file, 'r');
    const buffer = Buffer.alloc(BLOCK);
    return {
      look: (block) => {
        readSync(fd, buffer, 0, BLOCK, block * BLOCK);
        return buffer.readDoubleLE(0);
      },
      close: () => { closeSync(fd); },
    };
  }),
  'zerocopy typed array over the mapping': contender((file) => {
    const mapping = mmap(file, { advice: 'random', populate: true });
    const numbers = new Float64Array(mapping.asArrayBuffer());
    return { look: (block) => numbers[(block * BLOCK) / 8]!, close: () => { mapping.close(); } };
  }),
  'zerocopy MemoryView of each block': contender((file) => {
    const mapping = mmap(file, { advice: 'random', populate: true });
    const view = mapping.view().cast('d');
    const doubles = BLOCK / 8;
    return {
      look: (block) => view.slice(block * doubles, (block + 1) * doubles).get(0) as number,
      close: () => { mapping.close(); },
    };
  }),
  'zerocopy typed array, pages met for the first time too': contender((file) => {
    const mapping = mmap(file);
    const numbers = new Float64Array(mapping.asArrayBuffer());
    return { look: (block) => numbers[(block * BLOCK) / 8]!, close: () => { mapping.close(); } };
  }),
  'lmdb getBinaryFast()': contender(openLmdb),
  'CPython memoryview of mmap': () => python(PYTHON, blocksFile(), BLOCKS, COUNT),
};
