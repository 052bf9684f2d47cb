/**
 * node out/bench/report.js [--check]
 *
 * Puts the newest kept figures of every case into README.md (the headlines) and bench/README.md (all of them), between
 * markers; no figure there is typed by hand. --check changes nothing and fails when a document is not up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { Headline } from './case';
import { HEADER, keptResults, machineText, rowsOf, type CaseResult, type Results } from './results';
import { threeFigures } from './terminal';

const ROOT = path.resolve(__dirname, '../..');
const NONE = 'No figures have been kept yet: `npm run bench -- --json`, then `node out/bench/report.js`.';

interface Kept {
  readonly result: CaseResult;
  readonly results: Results;
}

/** The newest result of each case, by name. */
function newest(): Kept[] {
  const kept = new Map<string, Kept>();
  for (const results of keptResults()) {
    for (const result of results.cases) {
      if (!kept.has(result.name)) kept.set(result.name, { result, results });
    }
  }
  return [...kept.values()].sort((a, b) => a.result.name.localeCompare(b.result.name));
}

function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), `|${' --- |'.repeat(header.length)}`, ...rows.map(line)].join('\n');
}

function headlineRows({ result }: Kept): string[][] {
  return [result.headline ?? []].flat().flatMap((headline) => headlineRow(result, headline));
}

function headlineRow({ baseline, contenders, title }: CaseResult, { metric, contender }: Headline): string[][] {
  const ours = contenders[contender]?.[metric];
  const theirs = contenders[baseline]?.[metric];
  if (ours?.ratio === undefined || theirs === undefined) return [];
  const { median, p10, p90 } = ours.ratio;
  const ratio = `${threeFigures(median)}x (${threeFigures(p10)} – ${threeFigures(p90)})`;
  const named = (name: string, value: number) => `${name}: ${threeFigures(value)}`;
  return [[title, metric, named(baseline, theirs.median), named(contender, ours.median), ratio]];
}

function headlines(kept: readonly Kept[]): string {
  const rows = kept.flatMap(headlineRows);
  if (rows.length === 0) return NONE;
  const machines = [...new Set(kept.map(({ results }) => machineText(results)))];
  const header = ['what', 'measured', 'baseline', 'zerocopy', 'ratio (p10 – p90)'];
  return `${markdownTable(header, rows)}\n\nMeasured on: ${machines.join('; ')}.`;
}

function everything(kept: readonly Kept[]): string {
  if (kept.length === 0) return NONE;
  return kept.map(({ result, results }) =>
    `### ${result.title}\n\n\`npm run bench -- ${result.name}\`; ${machineText(results)}, ` +
    `median of ${String(result.rounds)} rounds. Baseline: ${result.baseline}.\n\n${markdownTable(HEADER, rowsOf(result))}`).join('\n\n');
}

/** The document with `content` between its markers; throws where it has none. */
function fill(document: string, name: string, content: string): string {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from === -1 || to < from) throw new Error(`no ${begin} … ${end}`);
  return `${document.slice(0, from + begin.length)}\n${content}\n${document.slice(to)}`;
}

function update(file: string, name: string, content: string, check: boolean): void {
  const document = readFileSync(path.join(ROOT, file), 'utf8');
  const filled = fill(document, name, content);
  if (filled === document) return;
  if (check) {
    console.error(`${file} is not what bench/results say: run node out/bench/report.js`);
    process.exitCode = 1;
  } else {
    writeFileSync(path.join(ROOT, file), filled);
    console.log(`${file}: figures renewed`);
  }
}

const kept = newest();
const check = process.argv.includes('--check');
update('README.md', 'headlines', headlines(kept), check);
update('bench/README.md', 'all', everything(kept), check);
