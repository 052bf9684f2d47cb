/**
 * One case: every contender alone in a fresh process, again and again.
 *
 * A round runs each of them once, beginning with another one each time, so that a machine that gets slower or faster
 * does so for all. The first round does a quick run's work and is discarded: after it programs and packages are in the
 * page cache, and it is known which contenders are missing.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { Progress } from '../examples/main-job/terminal';
import { CHECKSUM, type Measured } from './case';
import type { Absence, Report } from './contender';
import { FOLDER_VARIABLE } from './files';
import { loadCase } from './load';
import type { Plan } from './plan';
import type { CaseResult } from './results';
import { summarize } from './statistics';

const TIME_LIMIT_MS = 180_000;

interface Round {
  readonly plan: Plan;
  readonly caseName: string;
  readonly folder: string;
  readonly quick: boolean;
}

async function runContender({ plan, caseName, folder, quick }: Round, contender: string): Promise<Report | Absence> {
  const child = fork(path.join(__dirname, 'contender.js'), [caseName, contender], {
    execPath: plan.node,
    execArgv: ['--expose-gc'],
    env: {
      ...process.env,
      [FOLDER_VARIABLE]: path.join(folder, quick ? 'quick' : 'full'), // whose files differ in size
      ZEROCOPY_BENCH_QUICK: quick ? '1' : '0', // QUICK of case.ts
    },
    timeout: TIME_LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  let report: Report | Absence | undefined;
  child.once('message', (message) => (report = message as Report | Absence));
  const [code, signal] = await once(child, 'exit') as [number | null, string | null];
  if (code !== 0 || report === undefined) {
    const end = signal ?? `exit code ${String(code)}`;
    const how = signal === 'SIGKILL' ? `was killed after ${String(TIME_LIMIT_MS / 1000)} s` : `ended with ${end}`;
    throw new Error(`${caseName}, '${contender}' ${how}; what it said stands above`);
  }
  return report;
}

/** Those that answer a checksum must answer the same one; without it they are the metrics to be printed. */
export function agreed(caseName: string, measured: ReadonlyMap<string, Measured>): Map<string, Measured> {
  const sums = [...measured].filter(([, metrics]) => CHECKSUM in metrics);
  const [first] = sums;
  const other = sums.find(([, metrics]) => metrics[CHECKSUM] !== first![1][CHECKSUM]);
  if (other !== undefined) {
    const [a, b] = [first!, other].map(([contender, metrics]) => `'${contender}' has ${String(metrics[CHECKSUM])}`);
    throw new Error(`${caseName}: the checksums do not agree: ${a!}, ${b!}`);
  }
  return new Map([...measured].map(([contender, metrics]) =>
    [contender, Object.fromEntries(Object.entries(metrics).filter(([metric]) => metric !== CHECKSUM))]));
}

/** What a case has come to, round by round. */
class Runs {
  readonly samples = new Map<string, Measured[]>();
  readonly unavailable: Record<string, string> = {};
  versions = process.versions;
  rounds = 0;

  constructor(contenders: readonly string[]) {
    for (const contender of contenders) this.samples.set(contender, []);
  }

  /** One sample of each, beginning with the one that is next in turn. `counts`: they are kept. */
  async round(round: Round, counts: boolean, starting: (contender: string) => void): Promise<void> {
    const contenders = [...this.samples.keys()];
    const measured = new Map<string, Measured>();
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(this.rounds + i) % contenders.length]!;
      starting(contender);
      const report = await runContender(round, contender);
      if ('unavailable' in report) {
        this.unavailable[contender] = report.unavailable;
        this.samples.delete(contender);
      } else {
        this.versions = report.versions;
        measured.set(contender, report.measured);
      }
    }
    const metrics = agreed(round.caseName, measured);
    if (!counts) return;
    this.rounds++;
    for (const [contender, samples] of this.samples) samples.push(metrics.get(contender)!);
  }
}

async function runRounds(plan: Plan, caseName: string, folder: string, runs: Runs, progress: Progress): Promise<void> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const done = () => runs.rounds >= plan.mostRounds || (runs.rounds >= plan.leastRounds && seconds() >= plan.seconds);
  const show = (what: string) => {
    let at = 0;
    return (contender: string) => progress.update(at++, runs.samples.size, `${what}, ${contender}`);
  };
  if (!plan.quick) await runs.round({ plan, caseName, folder, quick: true }, false, show('warming up'));
  while (!done()) {
    await runs.round({ plan, caseName, folder, quick: plan.quick }, true, show(`round ${String(runs.rounds + 1)}`));
  }
}

export async function runCase(
  plan: Plan, caseName: string, label: string,
): Promise<{ result: CaseResult; versions: NodeJS.ProcessVersions }> {
  const { name, title, baseline, contenders, headline, grows, leastRounds = plan.leastRounds } = loadCase(caseName);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'zerocopy-bench-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove); // also when it is interrupted
  const runs = new Runs(Object.keys(contenders));
  const progress = new Progress(label);
  const started = performance.now();
  try {
    const own = { ...plan, leastRounds: Math.min(leastRounds, plan.leastRounds) };
    await runRounds(own, caseName, folder, runs, progress);
  } finally {
    progress.end();
    process.off('exit', remove);
    remove();
  }
  const base = runs.samples.get(baseline);
  if (base === undefined) throw new Error(`${caseName}: its baseline is not here: ${runs.unavailable[baseline]!}`);
  const summaries = [...runs.samples].map(([contender, samples]) => [contender, summarize(samples, base)] as const);
  const result: CaseResult = {
    name, title, baseline, ...(headline && { headline }), ...(grows && { grows }),
    rounds: runs.rounds, seconds: Math.round((performance.now() - started) / 1000),
    contenders: Object.fromEntries(summaries), unavailable: runs.unavailable,
  };
  return { result, versions: runs.versions };
}
