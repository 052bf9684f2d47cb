import os from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Resident memory once everything unused has been given back, bytes. */
export async function settledMemory(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    gc();
    await turn(); // finalizers run in a turn of the event loop
  }
  return residentMemory();
}

export function residentMemory(): number {
  return process.memoryUsage.rss();
}

/** What one step may take without the machine noticing: a quarter of the memory that is free to this process. */
export function memoryBudget(): number {
  const limit = process.constrainedMemory();
  return Math.min(os.freemem(), limit > 0 ? limit : Infinity) / 4;
}

/** The highest resident memory seen while `work` runs; looks every 5 ms. */
export async function peakMemory<T>(work: Promise<T>): Promise<[result: T, peak: number]> {
  let peak = residentMemory();
  const timer = setInterval(() => (peak = Math.max(peak, residentMemory())), 5);
  try {
    return [await work, Math.max(peak, residentMemory())];
  } finally {
    clearInterval(timer);
  }
}
