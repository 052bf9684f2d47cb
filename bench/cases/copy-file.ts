import { closeSync, createReadStream, createWriteStream, fsyncSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { copyFile as copyByNode } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { copyFile } from 'zerocopy';

import { CHECKSUM, QUICK, type Contender } from '../case';
import { sharedFile, sharedFolder } from '../files';

export const name = 'copy-file';
export const title = 'Copy a file of 512 MiB, and one that is a hole except for 8 MiB';
export const baseline = 'fs.createReadStream().pipe(fs.createWriteStream())';
export const headline = { metric: 'CPU ms, 512 MiB', contender: 'zerocopy copyFile' };

const MIB = 2 ** 20;
const SIZE = (QUICK ? 16 : 512) * MIB;
const IN_HOLE = 8 * MIB;

type Copy = (source: string, target: string) => Promise<unknown>;

function full(): string {
  return fileOf('full.bin', SIZE);
}

function sparse(): string {
  return fileOf('sparse.bin', IN_HOLE);
}

/** SIZE bytes long, `written` of them written. */
function fileOf(name: string, written: number): string {
  return sharedFile(name, (file) => {
    const fd = openSync(file, 'w');
    const piece = Buffer.alloc(MIB, 'bytes of a file that is copied');
    for (let at = 0; at < written; at += MIB) writeSync(fd, piece);
    closeSync(fd);
    truncateSync(file, SIZE);
  });
}

/** The blocks of the target are on the disk before the clock starts again. */
function settle(target: string): void {
  const fd = openSync(target, 'r');
  fsyncSync(fd);
  closeSync(fd);
}

function contender(copy: Copy): Contender {
  return async () => {
    const measured: Record<string, number> = {};
    let sizes = 0;
    for (const [label, source] of [['512 MiB', full()], ['a hole', sparse()]] as const) {
      const target = path.join(sharedFolder(), `copy-${String(process.pid)}`);
      const cpu = process.cpuUsage();
      const started = performance.now();
      await copy(source, target);
      measured[`wall ms, ${label}`] = performance.now() - started;
      const { user, system } = process.cpuUsage(cpu);
      measured[`CPU ms, ${label}`] = (user + system) / 1000;
      settle(target);
      const { size, blocks } = statSync(target);
      measured[`MB on the disk, ${label}`] = blocks * 512 / 1e6;
      sizes += size;
      rmSync(target);
    }
    return { ...measured, [CHECKSUM]: sizes };
  };
}

export const contenders: Record<string, Contender> = {
  'fs.createReadStream().pipe(fs.createWriteStream())': contender((source, target) =>
    pipeline(createReadStream(source), createWriteStream(target))),
  'fs.copyFile': contender(copyByNode),
  'zerocopy copyFile': contender(copyFile),
};
