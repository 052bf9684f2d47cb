/** One contender, once, in this process: node contender.js CASE CONTENDER. The parent gets what was measured. */
import { Unavailable, type Measured } from './case';
import { loadCase } from './load';

export interface Report {
  readonly measured: Measured;
  readonly versions: NodeJS.ProcessVersions;
}

/** Sent in its place by a contender that cannot be had here. */
export interface Absence {
  readonly unavailable: string;
}

async function run(caseName: string, contender: string): Promise<Report | Absence> {
  const measure = loadCase(caseName).contenders[contender];
  if (measure === undefined) throw new Error(`${caseName} has no contender '${contender}'`);
  try {
    return { measured: await measure(), versions: process.versions };
  } catch (error) {
    if (error instanceof Unavailable) return { unavailable: error.message };
    throw error;
  }
}

run(process.argv[2]!, process.argv[3]!).then(
  (report) => process.send?.(report, () => process.exit(0)),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
