import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { mmap } from 'zerocopy';

import { QUICK, type Contender, type Measured } from '../case';

export const name = 'map-open';
export const title = 'Open a file, look at its first byte, close it';
export const baseline = 'fs.readFileSync, 64 KiB';
export const headline = { metric: 'CPU us per file', contender: 'zerocopy mmap, 1 GiB' };

const SMALL = 64 * 1024;
const LARGE = 1024 ** 3;
const COUNT = QUICK ? 200 : 5000;

/** A file of `size` bytes; but for the first 64 KiB a hole, which opening does not notice. */
function withFile(size: number, measure: (file: string) => Measured): Measured {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'zerocopy-bench-'));
  const file = path.join(folder, 'file.bin');
  try {
    writeFileSync(file, Buffer.alloc(SMALL, 7));
    truncateSync(file, size);
    return measure(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function repeat(work: () => unknown, count = COUNT): Measured {
  for (let i = 0; i < count / 10; i++) work();
  const cpu = process.cpuUsage();
  const started = performance.now();
  for (let i = 0; i < count; i++) work();
  const wall = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  return { 'CPU us per file': (user + system) / count, 'wall us per file': (wall * 1000) / count };
}

function expectSeven(byte: unknown): void {
  if (byte !== 7) throw new Error('that is not what the file says');
}

function mapAndLook(size: number): Contender {
  return () => withFile(size, (file) => repeat(() => {
    const mapping = mmap(file);
    expectSeven(mapping.view().get(0));
    mapping.close();
  }));
}

/** Without a look no ArrayBuffer is made: what remains is the system's part. */
function mapOnly(size: number): Contender {
  return () => withFile(size, (file) => repeat(() => mmap(file).close()));
}

function readAndLook(size: number, count: number): Contender {
  return () => withFile(size, (file) => repeat(() => expectSeven(readFileSync(file)[0]), count));
}

const byte = Buffer.alloc(1);

/** All that this job needs, when it is known beforehand which byte will be wanted. */
function readOneByte(size: number): Contender {
  return () => withFile(size, (file) => repeat(() => {
    const fd = openSync(file, 'r');
    readSync(fd, byte, 0, 1, 0);
    closeSync(fd);
    expectSeven(byte[0]);
  }));
}

const PYTHON = `
import json, mmap, os, sys, time
path, count = sys.argv[1], int(sys.argv[2])
def work():
    fd = os.open(path, os.O_RDONLY)
    mapping = mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
    os.close(fd)
    view = memoryview(mapping)
    assert view[0] == 7
    view.release()
    mapping.close()
for _ in range(count // 10): work()
wall, cpu = time.perf_counter(), time.process_time()
for _ in range(count): work()
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
print(json.dumps({'CPU us per file': cpu / count * 1e6, 'wall us per file': wall / count * 1e6}))
`;

function mapInPython(size: number): Contender {
  return () => withFile(size, (file) => {
    const { status, stdout, stderr } = spawnSync('python3', ['-c', PYTHON, file, String(COUNT)], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`python3: ${stderr}`);
    return JSON.parse(stdout) as Measured;
  });
}

const python: Record<string, Contender> = spawnSync('python3', ['--version']).status !== 0 ? {} : {
  'python3 mmap, 64 KiB': mapInPython(SMALL),
  'python3 mmap, 1 GiB': mapInPython(LARGE),
};

export const contenders: Record<string, Contender> = {
  'fs.readFileSync, 64 KiB': readAndLook(SMALL, COUNT),
  ...(QUICK ? {} : { 'fs.readFileSync, 1 GiB': readAndLook(LARGE, 2) }), // takes seconds
  'fs.readSync of one byte, 1 GiB': readOneByte(LARGE),
  'zerocopy mmap, 64 KiB': mapAndLook(SMALL),
  'zerocopy mmap, 1 GiB': mapAndLook(LARGE),
  'zerocopy mmap, 1 GiB, no look': mapOnly(LARGE),
  ...python,
};
