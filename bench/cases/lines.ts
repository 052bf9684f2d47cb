import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { mmap } from 'zerocopy';

import { CHECKSUM, QUICK, type Contender } from '../case';
import { logFile } from '../log';

export const name = 'lines';
export const title = 'Read a log line by line: how many lines, how many bytes';
export const baseline = 'node:readline';
export const headline = { metric: 'CPU ns per line', contender: 'zerocopy lines()' };

const LENGTH = (QUICK ? 8 : 1024) * 2 ** 20;

/** Lines, and the bytes (of ASCII: characters) in them. */
interface Count {
  readonly lines: number;
  readonly bytes: number;
}

/** From opening to the last line, once: a log is read once. */
function contender(count: (file: string) => Count | Promise<Count>): Contender {
  return async () => {
    const log = logFile(LENGTH);
    const cpu = process.cpuUsage();
    const started = performance.now();
    const { lines, bytes } = await count(log.file);
    const wall = performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    if (lines !== log.lines || bytes + lines !== log.bytes) throw new Error('lines or bytes were lost');
    return {
      'CPU ns per line': ((user + system) * 1000) / lines, 'wall ns per line': (wall * 1e6) / lines, [CHECKSUM]: bytes,
    };
  };
}

async function byReadline(file: string): Promise<Count> {
  let [lines, bytes] = [0, 0];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    lines++;
    bytes += line.length;
  }
  return { lines, bytes };
}

function byHand(text: boolean): (file: string) => Count {
  return (file) => {
    const all = readFileSync(file);
    let [lines, bytes, start] = [0, 0, 0];
    for (let end = all.indexOf(10); end >= 0; end = all.indexOf(10, start)) {
      bytes += text ? all.toString('latin1', start, end).length : all.subarray(start, end).length;
      lines++;
      start = end + 1;
    }
    return { lines, bytes };
  };
}

function byLines(text: boolean): (file: string) => Count {
  return (file) => {
    using mapping = mmap(file);
    let [lines, bytes] = [0, 0];
    for (const line of mapping.lines()) {
      bytes += text ? line.asBuffer().toString('latin1').length : line.length;
      lines++;
    }
    return { lines, bytes };
  };
}

export const contenders: Record<string, Contender> = {
  'node:readline': contender(byReadline),
  'readFileSync, indexOf and subarray': contender(byHand(false)),
  'readFileSync, indexOf and toString': contender(byHand(true)),
  'zerocopy lines()': contender(byLines(false)),
  'zerocopy lines(), each to text': contender(byLines(true)),
};
