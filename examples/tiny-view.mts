/**
 * A tiny view keeps all the memory it was cut from alive: 10 bytes hold 100 MB. Shown, and cured. Run with
 * --expose-gc.
 */
import assert from 'node:assert/strict';
import v8 from 'node:v8';
import vm from 'node:vm';
import { setImmediate } from 'node:timers/promises';
import { MemoryView } from 'zerocopy';

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc') as () => void;
const SIZE = 100_000_000;

async function arrayBuffers(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    collect();
    await setImmediate();
  }
  return process.memoryUsage().arrayBuffers;
}

function header(): MemoryView {
  return new MemoryView(new Uint8Array(SIZE)).slice(0, 10);
}

const before = await arrayBuffers();
const kept = header();
assert.ok((await arrayBuffers()) - before >= SIZE, 'ten bytes keep a hundred million');

/** The cure: copy what is small and lives long, and release what is no longer needed. */
const copy = kept.toBytes();
kept.release();
assert.ok((await arrayBuffers()) - before < SIZE / 10, 'the memory is free again');
assert.equal(copy.length, 10);
console.log('10 bytes kept, 100 MB free');
