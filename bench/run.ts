/**
 * npm run bench [-- CASE…] [--quick] [--json] [--rounds N] [--node PATH]
 *
 * Every contender runs alone in a fresh process. A round runs each of them once, beginning with another one each time,
 * so that a machine that gets slower or faster does so for all. The first round warms up caches and is thrown away.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { parseArgs } from 'node:util';

import type { Measured } from './case';
import type { Report } from './contender';
import { caseNames, loadCase } from './load';
import { describeMachine } from './machine';
import { keepResults, measuredOn, resultText, type CaseResult, type Results } from './results';
import { summarize } from './statistics';
import { Progress } from './terminal';

const HELP = `npm run bench [-- CASE…] [OPTIONS]

  CASE         cases to run; without one all: ${caseNames().join(', ')}
  --quick      two rounds of less work: shows that the cases run, says little about speed
  --json       keep the figures in bench/results (node out/bench/report.js puts them into the documents)
  --rounds N   rounds that count (default 11, with --quick 2)
  --node PATH  the Node that contenders run on
  --help       this text`;

const TIME_LIMIT_MS = 600_000;

class UsageError extends Error {}

interface Plan {
  readonly cases: readonly string[];
  readonly quick: boolean;
  readonly json: boolean;
  readonly rounds: number;
  readonly node: string;
}

function readPlan(argv: readonly string[]): Plan | undefined {
  const { values, positionals } = parse(argv);
  if (values.help === true) return undefined;
  const known = caseNames();
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no case '${unknown}'. There are: ${known.join(', ')}`);
  const quick = values.quick === true;
  const rounds = Number(values.rounds ?? (quick ? 2 : 11));
  if (!Number.isInteger(rounds) || rounds < 1) throw new UsageError(`--rounds takes a whole number, not '${String(values.rounds)}'`);
  return {
    cases: positionals.length > 0 ? positionals : known,
    quick,
    json: values.json === true,
    rounds,
    node: values.node ?? process.execPath,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        help: { type: 'boolean', short: 'h' },
        quick: { type: 'boolean' },
        json: { type: 'boolean' },
        rounds: { type: 'string' },
        node: { type: 'string' },
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw new UsageError((error as Error).message.split(/\. |\n/)[0]);
  }
}

interface Round {
  readonly caseName: string;
  readonly contenders: readonly string[];
}

async function runContender(plan: Plan, caseName: string, contender: string): Promise<Report> {
  const child = fork(path.join(__dirname, 'contender.js'), [caseName, contender], {
    execPath: plan.node,
    execArgv: ['--expose-gc'],
    timeout: TIME_LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  let report: Report | undefined;
  child.once('message', (message) => (report = message as Report));
  const [code, signal] = await once(child, 'exit') as [number | null, string | null];
  if (code !== 0 || report === undefined) {
    const end = signal ?? `exit code ${String(code)}`;
    const how = signal === 'SIGKILL' ? `was killed after ${String(TIME_LIMIT_MS / 1000)} s` : `ended with ${end}`;
    throw new Error(`${caseName}, '${contender}' ${how}; what it said stands above`);
  }
  return report;
}

/** One sample of each contender, beginning with the one that is next in turn. */
async function runRound(plan: Plan, round: Round, first: number, done: (contender: string) => void) {
  const reports = new Map<string, Report>();
  for (let i = 0; i < round.contenders.length; i++) {
    const contender = round.contenders[(first + i) % round.contenders.length]!;
    done(contender);
    reports.set(contender, await runContender(plan, round.caseName, contender));
  }
  return reports;
}

async function runCase(plan: Plan, caseName: string): Promise<[CaseResult, NodeJS.ProcessVersions]> {
  const { name, title, baseline, contenders, headline } = loadCase(caseName);
  const round = { caseName, contenders: Object.keys(contenders) };
  const runs = new Map<string, Measured[]>(round.contenders.map((contender) => [contender, []]));
  const progress = new Progress(name);
  const total = (plan.rounds + 1) * round.contenders.length;
  let started = 0;
  let versions = process.versions;
  for (let i = 0; i <= plan.rounds; i++) {
    const what = i === 0 ? 'warming up' : `round ${String(i)} of ${String(plan.rounds)}`;
    const show = (contender: string) => progress.update(started++, total, `${what}, ${contender}`);
    const reports = await runRound(plan, round, i, show);
    for (const [contender, report] of reports) {
      ({ versions } = report);
      if (i > 0) runs.get(contender)!.push(report.measured);
    }
  }
  progress.end();
  const base = runs.get(baseline)!;
  const summaries = [...runs].map(([contender, samples]) => [contender, summarize(samples, base)] as const);
  const result = { name, title, baseline, contenders: Object.fromEntries(summaries), ...(headline && { headline }) };
  return [result, versions];
}

async function main(plan: Plan): Promise<void> {
  process.env['ZEROCOPY_BENCH_QUICK'] = plan.quick ? '1' : '0'; // QUICK of case.ts, here and in every contender
  const cases: CaseResult[] = [];
  const date = new Date().toISOString();
  const resultsOf = ({ node, v8, uv }: NodeJS.ProcessVersions): Results =>
    ({ date, quick: plan.quick, rounds: plan.rounds, machine: describeMachine(), versions: { node, v8, uv }, cases });
  for (const caseName of plan.cases) {
    const [result, versions] = await runCase(plan, caseName);
    if (cases.push(result) === 1) console.log(`${measuredOn(resultsOf(versions))}\n`);
    console.log(resultText(result));
    if (plan.json && cases.length === plan.cases.length) console.log(`Kept in ${keepResults(resultsOf(versions))}`);
  }
  if (plan.quick) console.log('A quick run: that the cases run is shown, their speed is not.');
}

function fail(error: unknown): void {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

try {
  const plan = readPlan(process.argv.slice(2));
  if (plan === undefined) console.log(HELP);
  else main(plan).catch(fail);
} catch (error) {
  fail(error);
}
