/**
 * node out/bench/report.js [--check]
 *
 * Puts the newest kept figures into README.md and bench/README.md, between markers, and draws bench/plots; no figure
 * there is typed by hand. --check changes nothing and fails when a document or a plot is not up to date.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { judge, type Verdict } from './claims';
import { newestByNode, type KeptCases } from './kept';
import { claimsPlot, growthPlot, headlinePlot } from './plots';
import { claimsTable, everything, growthTable, headlines } from './tables';
import { TARGETS } from './targets';

const ROOT = path.resolve(__dirname, '../..');
const PLOTS = 'bench/plots';

/** The document with `content` between its markers; throws where it has none. */
function fill(document: string, name: string, content: string): string {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from === -1 || to < from) throw new Error(`no ${begin} … ${end}`);
  return `${document.slice(0, from + begin.length)}\n${content}\n${document.slice(to)}`;
}

/** By path: what each file that is generated, whole or in part, has to contain. */
type Files = Map<string, string>;

function documents(nodes: ReadonlyMap<number, KeptCases>, kept: KeptCases, files: Files): void {
  const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
  files.set('README.md', fill(read('README.md'), 'headlines', headlines(kept, TARGETS)));
  let own = read('bench/README.md');
  for (const [name, content] of [
    ['claims', claimsTable(nodes, TARGETS)], ['growth', growthTable(kept)], ['all', everything(kept)],
  ] as const) own = fill(own, name, content);
  files.set('bench/README.md', own);
}

async function plots(kept: KeptCases, files: Files): Promise<void> {
  const verdicts = TARGETS.map((target) => judge(target, kept)).filter((one): one is Verdict => 'figure' in one);
  if (verdicts.length > 0) files.set(`${PLOTS}/claims.svg`, await claimsPlot(verdicts));
  for (const [name, { result }] of kept) {
    if (result.grows !== undefined) files.set(`${PLOTS}/${name}.svg`, await growthPlot(result));
    else if (result.headline !== undefined) files.set(`${PLOTS}/${name}.svg`, await headlinePlot(result));
  }
}

function current(file: string): string | undefined {
  try {
    return readFileSync(path.join(ROOT, file), 'utf8');
  } catch {
    return undefined;
  }
}

/** Plots of cases that are gone. */
function stale(files: Files): string[] {
  mkdirSync(path.join(ROOT, PLOTS), { recursive: true });
  return readdirSync(path.join(ROOT, PLOTS)).map((name) => `${PLOTS}/${name}`).filter((file) => !files.has(file));
}

async function main(check: boolean): Promise<void> {
  const nodes = newestByNode();
  const kept: KeptCases = [...nodes.values()][0] ?? new Map();
  const files: Files = new Map();
  documents(nodes, kept, files);
  await plots(kept, files);
  const outdated = [...files].filter(([file, content]) => current(file) !== content);
  const changes = [...outdated.map(([file]) => file), ...stale(files)];
  if (check) {
    if (changes.length === 0) return;
    console.error(`not what bench/results say: ${changes.join(', ')}; run node out/bench/report.js`);
    process.exitCode = 1;
    return;
  }
  for (const file of stale(files)) rmSync(path.join(ROOT, file));
  for (const [file, content] of outdated) writeFileSync(path.join(ROOT, file), content);
  for (const file of changes) console.log(`${file}: renewed`);
}

void main(process.argv.includes('--check'));
