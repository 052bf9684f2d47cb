import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';

import { QUICK, type Contender, type Measured } from '../case';
import { drain } from '../serving/drain';
import { makeFile, MIB, serving } from '../serving/folder';
import { byPath, node, streamed, type Answer, type Running } from '../serving/servers';

const SIZE = (QUICK ? 16 : 256) * MIB;

export const name = 'send-file-cold';
export const title = `Send files of ${String(SIZE / MIB)} MiB that are not in memory: is the event loop free?`;
export const baseline = 'fs.createReadStream().pipe(response)';
export const headline = { metric: 'event loop delay ms, p99', contender: 'zerocopy sendfile, path' };

/** The client asks twice, the first time to warm up. */
const FILES = ['first', 'second'];

const delay = monitorEventLoopDelay({ resolution: 1 });
let served = 0;

/** Each request gets the next file. The event loop is watched meanwhile, and only then. */
function next(answer: Answer): Answer {
  return async (asked, response) => {
    delay.enable();
    response.once('finish', () => delay.disable());
    await answer(path.join(path.dirname(asked), FILES[served++]!), response);
  };
}

/** posix_fadvise(2) DONTNEED over the whole file. */
function evict(file: string): void {
  const { status } = spawnSync('dd', [`of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0']);
  if (status !== 0) throw new Error(`${file} cannot be evicted`);
}

async function measure(server: Running, folder: string): Promise<Measured> {
  for (const file of FILES) makeFile(folder, file, SIZE);
  for (const file of FILES) evict(path.join(folder, file));
  await drain(server, 'any', SIZE, 1);
  return { 'event loop delay ms, p99': delay.percentile(99) / 1e6, 'event loop delay ms, most': delay.max / 1e6 };
}

export const contenders: Record<string, Contender> = {
  'fs.createReadStream().pipe(response)': serving(node(next(streamed)), measure),
  'zerocopy sendfile, path': serving(node(next(byPath)), measure),
};
