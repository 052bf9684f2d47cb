import { MemoryView } from 'zerocopy';

import { QUICK, type Contender } from '../case';

export const name = 'view-copy-slice';
export const title = 'A slice that copies, against one that does not: 50 KB each';
export const baseline = 'Uint8Array.slice';
export const headline = { metric: 'CPU ns per slice', contender: 'zerocopy MemoryView.slice' };

const COUNT = QUICK ? 500 : 20_000;
const LENGTH = 50_000;
const source = new Uint8Array(10_000_000);
const view = new MemoryView(source);

function measure(slice: (start: number) => { readonly length: number }): Contender {
  return () => {
    let total = 0;
    const work = (): void => {
      for (let i = 0; i < COUNT; i++) total += slice((i * 49_999) % (source.length - LENGTH)).length;
    };
    work();
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    if (total === 0) throw new Error('nothing was sliced');
    return { 'CPU ns per slice': ((user + system) * 1000) / COUNT };
  };
}

export const contenders = {
  'Uint8Array.slice': measure((start) => source.slice(start, start + LENGTH)),
  'zerocopy MemoryView.slice': measure((start) => view.slice(start, start + LENGTH)),
};
