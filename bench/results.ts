/** What a run leaves behind, and how it reads as text. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { bytes, table, threeFigures } from '../examples/main-job/terminal';
import type { Case } from './case';
import type { Machine } from './machine';
import type { MetricSummary, Spread, Summary } from './statistics';

export interface CaseResult extends Pick<Case, 'name' | 'title' | 'baseline' | 'headline' | 'grows'> {
  readonly rounds: number;
  /** What all of its rounds took. */
  readonly seconds: number;
  readonly contenders: Readonly<Record<string, Summary>>;
  /** Why others are not among them, by name. */
  readonly unavailable: Readonly<Record<string, string>>;
}

export interface Results {
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly quick: boolean;
  readonly machine: Machine;
  readonly versions: Readonly<Record<'node' | 'v8' | 'uv', string>>;
  readonly cases: readonly CaseResult[];
}

/** bench/results, seen from out/bench. */
const FOLDER = path.resolve(__dirname, '../../bench/results');

/** Returns the file's path. */
export function keepResults(results: Results): string {
  mkdirSync(FOLDER, { recursive: true });
  const moment = results.date.slice(0, 19).replaceAll(':', '');
  const file = path.join(FOLDER, `${moment}-node-${results.versions.node}${results.quick ? '-quick' : ''}.json`);
  writeFileSync(file, `${JSON.stringify(results, undefined, 1)}\n`);
  return file;
}

/** All that were kept, but for quick runs, the newest first. */
export function keptResults(): Results[] {
  return resultFiles()
    .map((file) => JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as Results)
    .filter((results) => !results.quick)
    .sort((a, b) => b.date.localeCompare(a.date));
}

function resultFiles(): string[] {
  try {
    return readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
  } catch {
    return [];
  }
}

export function machineText({ machine, versions, date }: Results): string {
  return `${machine.cpu}, ${String(machine.cpus)} CPUs, ${bytes(machine.memoryBytes)}, ${machine.system}, ` +
    `Node ${versions.node} (V8 ${versions.v8}), ${date.slice(0, 10)}`;
}

export const HEADER = ['contender', 'metric', 'median', 'p10 – p90', 'ratio to baseline', 'p10 – p90'] as const;

export function rowsOf(result: CaseResult): string[][] {
  return Object.entries(result.contenders).flatMap(([contender, summary]) =>
    Object.entries(summary).map(([metric, facts]) => [
      contender, metric, threeFigures(facts.median), range(facts), ...ratio(facts, contender === result.baseline),
    ]));
}

/** A line for each contender that could not be had. */
export function absences({ unavailable }: CaseResult): string[] {
  return Object.entries(unavailable).map(([contender, why]) => `Not measured: ${contender} (${why}).`);
}

function ratio({ ratio: spread }: MetricSummary, isBaseline: boolean): [string, string] {
  if (spread === undefined) return [isBaseline ? 'baseline' : '–', ''];
  return [`${threeFigures(spread.median)}x`, range(spread)];
}

function range({ p10, p90 }: Spread): string {
  return `${threeFigures(p10)} – ${threeFigures(p90)}`;
}

export function resultText(result: CaseResult): string {
  const took = `median of ${String(result.rounds)} rounds, which took ${String(result.seconds)} s`;
  const missing = absences(result).map((line) => [line]);
  return `${result.title}\n(${result.name}: ${took})\n\n${table([HEADER, ...rowsOf(result), ...missing], '  ')}\n`;
}
