import { closeSync, openSync, readFileSync, readSync, truncateSync, writeFileSync } from 'node:fs';
import { mmap } from 'zerocopy';

import { QUICK, type Contender, type Measured } from '../case';
import { sharedFile } from '../files';
import { load, PACKAGES } from '../others/packages';
import { bun, nodeWithFfi, python } from '../others/programs';

export const name = 'map-open';
export const title = 'Open a file, look at its first byte, close it';
export const baseline = 'fs.readFileSync, 64 KiB';
export const headline = { metric: 'CPU us per file', contender: 'zerocopy mmap, 1 GiB' };

const SMALL = 64 * 1024;
const LARGE = QUICK ? 2 ** 24 : 2 ** 30;
const COUNT = QUICK ? 200 : 5000;

/** A file of `size` bytes; but for the first 64 KiB a hole, which opening does not notice. */
function fileOf(size: number): string {
  return sharedFile(`${String(size)}.bin`, (file) => {
    writeFileSync(file, Buffer.alloc(SMALL, 7));
    truncateSync(file, size);
  });
}

/** As many come before those that count: until then an engine is still compiling what opens a file. */
function repeat(work: () => unknown, count = COUNT): Measured {
  for (let i = 0; i < count; i++) work();
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
  return () => {
    const file = fileOf(size);
    return repeat(() => {
      const mapping = mmap(file);
      expectSeven(mapping.view().get(0));
      mapping.close();
    });
  };
}

/** Without a look no ArrayBuffer is made: what remains is the system's part. */
function mapOnly(size: number): Contender {
  return () => {
    const file = fileOf(size);
    return repeat(() => mmap(file).close());
  };
}

function readAndLook(size: number, count: number): Contender {
  return () => {
    const file = fileOf(size);
    return repeat(() => expectSeven(readFileSync(file)[0]), count);
  };
}

const byte = Buffer.alloc(1);

/** All that this job needs, when it is known beforehand which byte will be wanted. */
function readOneByte(size: number): Contender {
  return () => {
    const file = fileOf(size);
    return repeat(() => {
      const fd = openSync(file, 'r');
      readSync(fd, byte, 0, 1, 0);
      closeSync(fd);
      expectSeven(byte[0]);
    });
  };
}

interface MmapIo {
  map(size: number, protection: number, flags: number, fd: number): Buffer;
  readonly PROT_READ: number;
  readonly MAP_SHARED: number;
}

/** It has no close: memory is unmapped when the Buffer is collected. */
function mapInMmapIo(size: number): Contender {
  return () => {
    const file = fileOf(size);
    const { map, PROT_READ, MAP_SHARED } = load(PACKAGES.mmapIo) as MmapIo;
    return repeat(() => {
      const fd = openSync(file, 'r');
      expectSeven(map(size, PROT_READ, MAP_SHARED, fd)[0]);
      closeSync(fd);
    });
  };
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
for _ in range(count): work()
wall, cpu = time.perf_counter(), time.process_time()
for _ in range(count): work()
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
print(json.dumps({'CPU us per file': cpu / count * 1e6, 'wall us per file': wall / count * 1e6}))
`;

/** For other runtimes: argv FILE COUNT, and \`work\` to be repeated as above. */
const REPEAT = `
  const [file, count] = [process.argv[1], Number(process.argv[2])];
  for (let i = 0; i < count; i++) work();
  const cpu = process.cpuUsage();
  const started = performance.now();
  for (let i = 0; i < count; i++) work();
  const wall = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify({ 'CPU us per file': (user + system) / count, 'wall us per file': (wall * 1000) / count }));
`;

/** As in mmap-io, no close. */
const BUN = `
  function work() { if (Bun.mmap(file, { shared: false })[0] !== 7) throw new Error('that is not what the file says'); }
  ${REPEAT}
`;

/** argv[3]: the file's size. Everything that keeps a program from crashing is left to its author. */
const FFI = `
  const ffi = require('node:ffi');
  const { openSync, closeSync } = require('node:fs');
  const [PROT_READ, MAP_PRIVATE, length] = [1, 2, Number(process.argv[3])];
  const { mmap, munmap } = ffi.dlopen(null, {
    mmap: { arguments: ['pointer', 'u64', 'i32', 'i32', 'i32', 'i64'], return: 'pointer' },
    munmap: { arguments: ['pointer', 'u64'], return: 'i32' },
  }).functions;
  function work() {
    const fd = openSync(file, 'r');
    const address = mmap(0n, BigInt(length), PROT_READ, MAP_PRIVATE, fd, 0n);
    closeSync(fd);
    if (new Uint8Array(ffi.toArrayBuffer(address, length, false))[0] !== 7) throw new Error('that is not what the file says');
    munmap(address, BigInt(length));
  }
  ${REPEAT}
`;

export const contenders: Record<string, Contender> = {
  'fs.readFileSync, 64 KiB': readAndLook(SMALL, COUNT),
  'fs.readFileSync, 1 GiB': readAndLook(LARGE, 1), // takes a second
  'fs.readSync of one byte, 1 GiB': readOneByte(LARGE),
  'zerocopy mmap, 64 KiB': mapAndLook(SMALL),
  'zerocopy mmap, 1 GiB': mapAndLook(LARGE),
  'zerocopy mmap, 1 GiB, no look': mapOnly(LARGE),
  'python3 mmap, 64 KiB': () => python(PYTHON, fileOf(SMALL), COUNT),
  'python3 mmap, 1 GiB': () => python(PYTHON, fileOf(LARGE), COUNT),
  'Bun.mmap, 64 KiB': () => bun(BUN, fileOf(SMALL), COUNT),
  'Bun.mmap, 1 GiB': () => bun(BUN, fileOf(LARGE), COUNT),
  '@riaskov/mmap-io, 64 KiB': mapInMmapIo(SMALL),
  'node:ffi mmap on Node 26, 64 KiB': () => nodeWithFfi(FFI, fileOf(SMALL), COUNT, SMALL),
  'node:ffi mmap on Node 26, 1 GiB': () => nodeWithFfi(FFI, fileOf(LARGE), COUNT / 50, LARGE),
};
