/**
 * npm run bench [-- CASE…] [--quick] [--json] [--seconds N] [--rounds N] [--node PATH]
 *
 * Runs the cases one after the other; one that fails is named at the end, and the others are run all the same.
 */
import { growthsOf } from './growth';
import { describeMachine } from './machine';
import { HELP, readPlan, UsageError, type Plan } from './plan';
import { keepResults, machineText, resultText, type CaseResult, type Results } from './results';
import { runCase } from './rounds';

class Failures extends Error {}

/** What is wrong with a result, in words; nothing is said about the speed of a quick run. */
function complaints(plan: Plan, result: CaseResult): string[] {
  if (plan.quick) return [];
  return growthsOf(result).filter(({ holds }) => !holds).map(({ text }) => `${result.name}: ${text}`);
}

async function main(plan: Plan): Promise<void> {
  const cases: CaseResult[] = [];
  const failures: string[] = [];
  const date = new Date().toISOString();
  for (const [index, caseName] of plan.cases.entries()) {
    const label = `${String(index + 1)}/${String(plan.cases.length)} ${caseName}`;
    try {
      const { result, versions } = await runCase(plan, caseName, label);
      const { node, v8, uv } = versions;
      const [machine, { quick }] = [describeMachine(), plan];
      const results: Results = { date, quick, machine, versions: { node, v8, uv }, cases };
      if (cases.push(result) === 1) console.log(`${machineText(results)}\n`);
      console.log(resultText(result));
      failures.push(...complaints(plan, result));
      if (plan.json) console.log(`Kept in ${keepResults(results)}\n`);
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  if (plan.quick) console.log('A quick run: that the cases run and agree is shown, their speed is not.');
  if (failures.length > 0) throw new Failures(failures.join('\nbench: '));
}

function fail(error: unknown): void {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

try {
  const plan = readPlan(process.argv.slice(2));
  if (plan === undefined) console.log(HELP);
  else main(plan).catch(fail);
} catch (error) {
  fail(error);
}
