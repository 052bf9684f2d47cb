import { closeSync, openSync, readSync, truncateSync, writeFileSync } from 'node:fs';
import { mmap } from 'zerocopy';

import { CHECKSUM, QUICK, type Contender } from '../case';
import { sharedFile } from '../files';
import { atSize } from '../growth';
import { python } from '../others/programs';

export const name = 'growth-file-size';
export const title = 'Map a file of 4 KiB to 64 GiB, look at its first and last byte, close it';
export const baseline = 'fs.openSync, readSync twice, closeSync';

const SIZES = [2 ** 12, 2 ** 16, 2 ** 20, 2 ** 24, 2 ** 28, 2 ** 32, 2 ** 36];
const COUNT = QUICK ? 20 : 1000;
const METRIC = 'CPU us per file';

/** A hole, but for its first block: it costs no disk. */
function fileOf(size: number): string {
  return sharedFile(`${String(size)}.bin`, (file) => {
    writeFileSync(file, Buffer.alloc(4096, 7));
    truncateSync(file, size);
  });
}

/** `look` answers the first and the last byte together. */
function contender(look: (file: string, size: number) => number): Contender {
  return () => {
    const measured: Record<string, number> = {};
    let sum = 0;
    for (const size of SIZES) {
      const file = fileOf(size);
      for (let i = 0; i < COUNT / 10; i++) look(file, size);
      const before = process.cpuUsage();
      for (let i = 0; i < COUNT; i++) sum += look(file, size);
      const { user, system } = process.cpuUsage(before);
      measured[atSize(METRIC, size, 'bytes')] = (user + system) / COUNT;
    }
    return { ...measured, [CHECKSUM]: sum };
  };
}

const byte = Buffer.alloc(1);

function byteAt(fd: number, position: number): number {
  readSync(fd, byte, 0, 1, position);
  return byte[0]!;
}

const PYTHON = `
import json, mmap, os, sys, time
count, files = int(sys.argv[1]), json.loads(sys.argv[2])
measured, sum = {}, 0
def look(path):
    fd = os.open(path, os.O_RDONLY)
    mapping = mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
    os.close(fd)
    both = mapping[0] + mapping[-1]
    mapping.close()
    return both
for path, label in files:
    for _ in range(count // 10): look(path)
    cpu = time.process_time()
    for _ in range(count): sum += look(path)
    measured[label] = (time.process_time() - cpu) * 1e6 / count
print(json.dumps({**measured, 'checksum': sum}))
`;

export const contenders: Record<string, Contender> = {
  'fs.openSync, readSync twice, closeSync': contender((file, size) => {
    const fd = openSync(file, 'r');
    const both = byteAt(fd, 0) + byteAt(fd, size - 1);
    closeSync(fd);
    return both;
  }),
  'zerocopy mmap': contender((file) => {
    using mapping = mmap(file);
    const view = mapping.view();
    return (view.get(0) as number) + (view.get(-1) as number);
  }),
  'python3 mmap': () => python(PYTHON, COUNT,
    JSON.stringify(SIZES.map((size) => [fileOf(size), atSize(METRIC, size, 'bytes')]))),
};

export const grows = [
  { contender: 'zerocopy mmap', metric: METRIC, unit: 'bytes', sizes: SIZES, shape: 'flat', within: 6 },
] as const;
