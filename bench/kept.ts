/** The newest kept figures of each case. Those of the oldest Node are the ones that documents speak of. */
import type { CaseResult, Results } from './results';
import { keptResults } from './results';

export interface Kept {
  readonly result: CaseResult;
  readonly results: Results;
}

/** By name of the case. */
export type KeptCases = ReadonlyMap<string, Kept>;

function majorOf({ versions }: Results): number {
  return Number(versions.node.split('.')[0]);
}

/** By major version of Node, the oldest first. */
export function newestByNode(): Map<number, KeptCases> {
  const all = keptResults();
  const majors = [...new Set(all.map(majorOf))].sort((a, b) => a - b);
  return new Map(majors.map((major) => [major, newest(all.filter((results) => majorOf(results) === major))]));
}

function newest(all: readonly Results[]): KeptCases {
  const kept = new Map<string, Kept>();
  for (const results of all) {
    for (const result of results.cases) if (!kept.has(result.name)) kept.set(result.name, { result, results });
  }
  return new Map([...kept].sort(([a], [b]) => a.localeCompare(b)));
}
