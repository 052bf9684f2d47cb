import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { mmap } from 'zerocopy';

import { QUICK, type Contender } from '../case';

export const name = 'random-blocks';
export const title = 'Random 4 KiB blocks of a 1 GiB file in the page cache, 8 bytes of each looked at';
export const baseline = 'fs.readSync into one buffer';
export const headline = { metric: 'CPU us per block', contender: 'zerocopy typed array over the mapping' };

const SIZE = QUICK ? 2 ** 24 : 2 ** 30;
const BLOCK = 4096;
const BLOCKS = SIZE / BLOCK;
const COUNT = QUICK ? 1000 : 1_000_000;

/** What stands first in block i. */
function numberOf(block: number): number {
  return (block * 2654435761) % 2 ** 31;
}

function writeFile(file: string): void {
  const part = Buffer.alloc(2 ** 24, 1);
  const fd = openSync(file, 'w');
  for (let at = 0; at < SIZE; at += part.length) {
    for (let i = 0; i < part.length; i += BLOCK) part.writeDoubleLE(numberOf((at + i) / BLOCK), i);
    writeSync(fd, part);
  }
  closeSync(fd);
}

/** `open` is not counted, nor the first tenth of the looks; `look` answers the number of a block. */
function contender(open: (file: string) => { look(block: number): number; close(): void }): Contender {
  return () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'zerocopy-bench-'));
    try {
      const file = path.join(folder, 'blocks.bin');
      writeFile(file);
      const { look, close } = open(file);
      let block = 1;
      const run = (count: number): void => {
        for (let i = 0; i < count; i++) {
          block = (block * 1103515245 + 12345) % BLOCKS;
          if (look(block) !== numberOf(block)) throw new Error('that is not what the file says');
        }
      };
      run(COUNT / 10);
      const cpu = process.cpuUsage();
      const started = performance.now();
      run(COUNT);
      const wall = performance.now() - started;
      const { user, system } = process.cpuUsage(cpu);
      close();
      return { 'CPU us per block': (user + system) / COUNT, 'wall us per block': (wall * 1000) / COUNT };
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

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
};
