import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { QUICK, type Contender } from '../case';
import { quantile } from '../statistics';

export const name = 'start-cold';
export const title = 'How much longer a program that uses it takes to start';
export const baseline = "require('node:http')";
export const headline = { metric: 'ms over an empty start', contender: "zerocopy require('zerocopy')" };

const TIMES = QUICK ? 2 : 9;

type Kind = 'commonjs' | 'module';

function start(source: string, kind: Kind): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [`--input-type=${kind}`, '-e', source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return performance.now() - started;
}

/** Each beside an empty program of its kind; the median of the differences. */
function contender(source: string, kind: Kind = 'commonjs'): Contender {
  return () => {
    const times = Array.from({ length: TIMES }, () => start(source, kind) - start('', kind));
    return { 'ms over an empty start': quantile(times, 0.5) };
  };
}

/** dist, seen from out/bench/cases. */
const DIST = path.resolve(__dirname, '../../../dist');
const inDist = (name: string): string => JSON.stringify(path.join(DIST, name));

export const contenders: Record<string, Contender> = {
  "require('node:http')": contender("require('node:http')"),
  "zerocopy require('zerocopy')": contender(`require(${inDist('index.js')})`),
  "zerocopy import { mmap } from 'zerocopy'": contender(`import { mmap } from ${inDist('index.mjs')}`, 'module'),
  "zerocopy require('zerocopy/http')": contender(`require(${inDist('http.js')})`),
};
