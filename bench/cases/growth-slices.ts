import { MemoryView } from 'zerocopy';

import { CHECKSUM, QUICK, type Contender } from '../case';
import { atSize } from '../growth';

export const name = 'growth-slices';
export const title = 'From a thousand slices to ten million, dropped and kept';
export const baseline = 'Buffer.subarray';

const SIZES = QUICK ? [1e3, 1e4, 1e5] : [1e3, 1e4, 1e5, 1e6, 1e7];
const AT_LEAST = QUICK ? 1e4 : 1e6;
const LENGTH = 1000;
const SOURCE = 10_000_000;
/** The memory of fewer is lost in that of all else. */
const LEAST_LIVE = 1e4;
const UNIT = 'slices';
const [DROPPED, KEPT, LIVE] = ['CPU ns per slice, dropped', 'CPU ns per slice, kept', 'heap bytes per live slice'] as const;

interface Sliced {
  readonly length: number;
}

/** `work` makes `count` slices; again until there are enough to measure. */
function cpuNs(count: number, work: () => void): number {
  const times = Math.max(1, AT_LEAST / count);
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) work();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / (count * times);
}

function slicing(slice: (start: number) => Sliced): Contender {
  let total = 0;
  const drop = (count: number): void => {
    for (let i = 0; i < count; i++) total += slice((i * 7919) % (SOURCE - LENGTH)).length;
  };
  const keep = (list: Sliced[]): void => {
    for (let i = 0; i < list.length; i++) list[i] = slice((i * 7919) % (SOURCE - LENGTH));
  };
  return () => {
    const measured: Record<string, number> = {};
    drop(1e5);
    // All that are dropped come first: once some have lived long, the engine takes all for such.
    for (const size of SIZES) measured[atSize(DROPPED, size, UNIT)] = cpuNs(size, () => drop(size));
    for (const size of SIZES) {
      const list = new Array<Sliced>(size).fill({ length: 0 });
      gc?.();
      const heap = process.memoryUsage().heapUsed;
      measured[atSize(KEPT, size, UNIT)] = cpuNs(size, () => keep(list));
      gc?.();
      const bytes = process.memoryUsage().heapUsed - heap;
      if (size >= LEAST_LIVE) measured[atSize(LIVE, size, UNIT)] = bytes / size;
      total += list.length;
    }
    return { ...measured, [CHECKSUM]: total };
  };
}

const buffer = Buffer.alloc(SOURCE);
const view = new MemoryView(buffer);
const OURS = 'zerocopy MemoryView.slice';

export const contenders: Record<string, Contender> = {
  'Buffer.subarray': slicing((start) => buffer.subarray(start, start + LENGTH)),
  [OURS]: slicing((start) => view.slice(start, start + LENGTH)),
};

/** Few that are kept die young when the next round replaces them; many are moved twice: a step, which all have. */
export const grows = ([[DROPPED, 10], [KEPT, 10], [LIVE, 1.5]] as const).map(([metric, within]) => (
  { contender: OURS, metric, unit: UNIT, sizes: SIZES, shape: 'flat', within } as const));
