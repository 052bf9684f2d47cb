/** One contender, once, in this process: node contender.js CASE CONTENDER. The parent gets what was measured. */
import { loadCase } from './load';
import type { Measured } from './case';

export interface Report {
  readonly measured: Measured;
  readonly versions: NodeJS.ProcessVersions;
}

async function run(caseName: string, contender: string): Promise<Report> {
  const measure = loadCase(caseName).contenders[contender];
  if (measure === undefined) throw new Error(`${caseName} has no contender '${contender}'`);
  return { measured: await measure(), versions: process.versions };
}

run(process.argv[2]!, process.argv[3]!).then(
  (report) => process.send?.(report, () => process.exit(0)),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
