import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { mmap, type Mapping } from 'zerocopy';

import { CHECKSUM, QUICK, type Contender } from '../case';
import { sharedFile } from '../files';
import { atSize } from '../growth';
import { python } from '../others/programs';

export const name = 'growth-mappings';
export const title = 'Map a file, look at it and close it, while up to 50,000 other mappings are alive';
export const baseline = 'fs.openSync, readSync and closeSync, as many Buffers alive';

const SIZES = QUICK ? [1, 100] : [1, 10, 100, 1000, 10_000, 50_000];
const COUNT = QUICK ? 100 : 2000;
const LENGTH = 4096;
const UNIT = 'alive';
const [ONE_MORE, EACH] = ['CPU us for one more', 'CPU us for each that is kept'] as const;

function smallFile(): string {
  return sharedFile('small.bin', (file) => writeFileSync(file, Buffer.alloc(LENGTH, 7)));
}

function cpuUs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** `open` looks at the first byte, too. */
function contender<T>(open: (file: string) => T, close: (opened: T) => void, look: (opened: T) => number): Contender {
  return () => {
    const file = smallFile();
    const alive: T[] = [];
    const oneMore = (count: number): void => {
      for (let i = 0; i < count; i++) close(open(file));
    };
    oneMore(COUNT);
    const measured: Record<string, number> = {};
    for (const size of SIZES) {
      const before = alive.length;
      const grown = cpuUs(() => { while (alive.length < size) alive.push(open(file)); });
      if (size >= 100) measured[atSize(EACH, size, UNIT)] = grown / (size - before); // fewer cannot be measured
      measured[atSize(ONE_MORE, size, UNIT)] = cpuUs(() => oneMore(COUNT)) / COUNT;
    }
    let sum = 0;
    for (const opened of alive) sum += look(opened);
    for (const opened of alive) close(opened);
    return { ...measured, [CHECKSUM]: sum };
  };
}

function readAll(file: string): Buffer {
  const buffer = Buffer.allocUnsafeSlow(LENGTH);
  const fd = openSync(file, 'r');
  readSync(fd, buffer, 0, LENGTH, 0);
  closeSync(fd);
  return buffer;
}

function mapAndLook(file: string): Mapping {
  const mapping = mmap(file);
  if (mapping.view().get(0) !== 7) throw new Error('that is not what the file says');
  return mapping;
}

/** Its mappings keep a descriptor each, so that it cannot have as many. */
const PYTHON_SIZES = SIZES.filter((size) => size <= 1000);
const PYTHON = `
import json, mmap, os, sys, time
path, count, sizes = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
def open_one():
    fd = os.open(path, os.O_RDONLY)
    mapping = mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
    os.close(fd)
    assert mapping[0] == 7
    return mapping
def one_more():
    for _ in range(count): open_one().close()
alive, measured = [], {}
one_more()
for size, label in sizes:
    while len(alive) < size: alive.append(open_one())
    cpu = time.process_time()
    one_more()
    measured[label] = (time.process_time() - cpu) * 1e6 / count
print(json.dumps(measured))
`;

export const contenders: Record<string, Contender> = {
  'fs.openSync, readSync and closeSync, as many Buffers alive': contender(readAll, () => {}, (buffer) => buffer[0]!),
  'zerocopy mmap': contender(mapAndLook, (mapping) => mapping.close(), (mapping) => mapping.view().get(0) as number),
  'python3 mmap': () => python(PYTHON, smallFile(), COUNT,
    JSON.stringify(PYTHON_SIZES.map((size) => [size, atSize(ONE_MORE, size, UNIT)]))),
};

export const grows = [ONE_MORE, EACH].map((metric) => (
  { contender: 'zerocopy mmap', metric, unit: UNIT, sizes: SIZES, shape: 'flat', within: 4 } as const));
