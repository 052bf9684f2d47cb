import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Mapping, mmapAnonymous, type MappingHandle, type MemoryView } from 'zerocopy';

import { CHECKSUM, QUICK, type Contender } from '../case';
import { atSize } from '../growth';

export const name = 'growth-workers';
export const title = 'One and two worker threads that slice the same memory at once';
export const baseline = 'Buffer.subarray over a SharedArrayBuffer';

const SIZES = [1, 2];
const COUNT = QUICK ? 20_000 : 5_000_000;
const LENGTH = 2 ** 20;
const PIECE = 100;
const UNIT = 'workers';
const [CPU, WALL] = ['CPU ns per slice', 'wall ns per slice of each worker'] as const;

type Shared = SharedArrayBuffer | MappingHandle;

function sliceBuffer(buffer: Buffer): number {
  let sum = 0;
  for (let i = 0; i < COUNT; i++) sum += buffer.subarray(i & 0xffff, (i & 0xffff) + PIECE)[0]!;
  return sum;
}

function sliceView(view: MemoryView): number {
  let sum = 0;
  for (let i = 0; i < COUNT; i++) sum += view.slice(i & 0xffff, (i & 0xffff) + PIECE).get(0) as number;
  return sum;
}

/** In the worker: ready, then once for each message. */
function serve(shared: Shared): void {
  const buffer = shared instanceof SharedArrayBuffer ? Buffer.from(shared) : undefined;
  const view = buffer === undefined ? Mapping.attach(shared as MappingHandle).view() : undefined;
  parentPort!.on('message', () => parentPort!.postMessage(buffer === undefined ? sliceView(view!) : sliceBuffer(buffer)));
  parentPort!.postMessage('ready');
}

async function everyAnswer(workers: readonly Worker[]): Promise<number[]> {
  return Promise.all(workers.map(async (worker) => ((await once(worker, 'message')) as [number])[0]));
}

/** `share` is called for each worker. */
function contender(share: () => Shared): Contender {
  return async () => {
    const measured: Record<string, number> = {};
    let sum = 0;
    for (const size of SIZES) {
      const workers = Array.from({ length: size }, () => new Worker(__filename, { workerData: share() }));
      await everyAnswer(workers);
      const ask = (): Promise<number[]> => {
        for (const worker of workers) worker.postMessage('go');
        return everyAnswer(workers);
      };
      await ask(); // compiles
      const cpu = process.cpuUsage();
      const started = performance.now();
      for (const answer of await ask()) sum += answer;
      const wall = performance.now() - started;
      const { user, system } = process.cpuUsage(cpu);
      measured[atSize(CPU, size, UNIT)] = ((user + system) * 1000) / (COUNT * size);
      measured[atSize(WALL, size, UNIT)] = (wall * 1e6) / COUNT;
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    return { ...measured, [CHECKSUM]: sum };
  };
}

export const contenders: Record<string, Contender> = {
  'Buffer.subarray over a SharedArrayBuffer': contender(() => {
    const shared = new SharedArrayBuffer(LENGTH);
    new Uint8Array(shared).fill(7);
    return shared;
  }),
  'zerocopy MemoryView.slice over a shared mapping': contender(() => {
    const mapping = mmapAnonymous(LENGTH);
    mapping.view().fill(7);
    return mapping.share();
  }),
};

export const grows = [{
  contender: 'zerocopy MemoryView.slice over a shared mapping', metric: CPU, unit: UNIT, sizes: SIZES, shape: 'flat',
  within: 1.6,
}] as const;

if (!isMainThread) serve(workerData as Shared);
