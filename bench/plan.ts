/** What the command line of the runner asks for. */
import { parseArgs } from 'node:util';

import { caseNames } from './load';

const LEAST_ROUNDS = 5;
const MOST_ROUNDS = 11;
const SECONDS = 25;

export const HELP = `npm run bench [-- CASE…] [OPTIONS]

  CASE         cases to run; without one all: ${caseNames().join(', ')}
  --quick      one round of little work: shows that the cases run and agree, says nothing about speed
  --json       keep the figures in bench/results (node out/bench/report.js puts them into the documents)
  --seconds N  what a case may take before it is left at ${String(LEAST_ROUNDS)} rounds or more (default ${String(SECONDS)}); it ends at ${String(MOST_ROUNDS)}
  --rounds N   rounds that count, whatever they take
  --node PATH  the Node that contenders run on
  --help       this text`;

export class UsageError extends Error {}

export interface Plan {
  readonly cases: readonly string[];
  readonly quick: boolean;
  readonly json: boolean;
  readonly leastRounds: number;
  readonly mostRounds: number;
  /** Between the two it goes on for so long. */
  readonly seconds: number;
  readonly node: string;
}

/** undefined: the user asks for HELP. Throws UsageError. */
export function readPlan(argv: readonly string[]): Plan | undefined {
  const { values, positionals } = parse(argv);
  if (values.help === true) return undefined;
  const known = caseNames();
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no case '${unknown}'. There are: ${known.join(', ')}`);
  const quick = values.quick === true;
  const rounds = whole('rounds', values.rounds) ?? (quick ? 1 : undefined);
  return {
    cases: positionals.length > 0 ? positionals : known,
    quick,
    json: values.json === true,
    leastRounds: rounds ?? LEAST_ROUNDS,
    mostRounds: rounds ?? MOST_ROUNDS,
    seconds: whole('seconds', values.seconds) ?? SECONDS,
    node: values.node ?? process.execPath,
  };
}

function whole(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new UsageError(`--${option} takes a whole number, not '${text}'`);
  return value;
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        help: { type: 'boolean', short: 'h' },
        quick: { type: 'boolean' },
        json: { type: 'boolean' },
        seconds: { type: 'string' },
        rounds: { type: 'string' },
        node: { type: 'string' },
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw new UsageError((error as Error).message.split(/\. |\n/)[0]);
  }
}
