/** Processor time and memory of a process, and the cores that it may use. Linux. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';

const CAN_PIN = spawnSync('taskset', ['-V']).status === 0 && os.availableParallelism() > 1;

export const SERVER_CORE = 0;
export const CLIENT_CORE = 1;

/** A command that runs on `core` alone, where that can be had. */
export function pinned(core: number, command: readonly string[]): readonly string[] {
  return CAN_PIN ? ['taskset', '-c', String(core), ...command] : command;
}

/** Every thread of this process to the core of the server. */
export function pinThisProcess(): void {
  if (CAN_PIN) spawnSync('taskset', ['-a', '-c', '-p', String(SERVER_CORE), String(process.pid)]);
}

/** Of all threads that are alive, user and system, seconds; the scheduler's own count, in nanoseconds. */
export function cpuSeconds(pid: number): number {
  const folder = `/proc/${String(pid)}/task`;
  let nanoseconds = 0;
  for (const thread of readdirSync(folder)) {
    nanoseconds += Number(readFileSync(`${folder}/${thread}/schedstat`, 'utf8').split(' ')[0]);
  }
  return nanoseconds / 1e9;
}

/** Resident memory, MB; `peak`: the most that it ever was. */
export function residentMb(pid: number, peak = false): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  const found = (peak ? /VmHWM:\s*(\d+) kB/ : /VmRSS:\s*(\d+) kB/).exec(status);
  return Number(found?.[1]) * 1024 / 1e6;
}
