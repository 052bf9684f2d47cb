import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { QUICK, type Contender } from '../case';
import { quantile } from '../statistics';

export const name = 'start-cold';
export const title = 'What a program that uses it takes longer to start';
export const baseline = "require('node:http')";
export const headline = { metric: 'ms over an empty start', contender: "zerocopy require('zerocopy')" };

const TIMES = QUICK ? 2 : 9;

function start(source: string): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ['-e', source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return performance.now() - started;
}

/** Each beside an empty one; the median of the differences. */
function contender(module: string): Contender {
  return () => {
    const times = Array.from({ length: TIMES }, () => start(`require(${JSON.stringify(module)})`) - start(''));
    return { 'ms over an empty start': quantile(times, 0.5) };
  };
}

/** dist, seen from out/bench/cases. */
const DIST = path.resolve(__dirname, '../../../dist');

export const contenders: Record<string, Contender> = {
  "require('node:http')": contender('node:http'),
  "zerocopy require('zerocopy')": contender(path.join(DIST, 'index.js')),
  "zerocopy require('zerocopy/http')": contender(path.join(DIST, 'http.js')),
};
