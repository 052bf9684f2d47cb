import { readFileSync } from 'node:fs';

/** A line of /proc/self/status: memory of this process by kind, bytes. */
export function statusBytes(name: 'RssAnon' | 'RssFile' | 'VmHWM' | 'VmLck' | 'VmRSS'): number {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line![1]) * 1024;
}
