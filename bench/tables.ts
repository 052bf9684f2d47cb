/** Kept figures as tables of Markdown. */
import { threeFigures } from '../examples/main-job/terminal';
import type { Headline } from './case';
import { figureText, judge, limitText, type Unknown, type Verdict } from './claims';
import { growthsOf, sizeText } from './growth';
import type { Kept, KeptCases } from './kept';
import { absences, HEADER, machineText, rowsOf, type CaseResult } from './results';
import type { Target } from './targets';

const NONE = 'No figures have been kept yet: `npm run bench -- --json`, then `node out/bench/report.js`.';

/** Cases whose plots the README shows. */
const SHOWN = ['send-file', 'serve-files'];

function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), `|${' --- |'.repeat(header.length)}`, ...rows.map(line)].join('\n');
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

function machines(kept: KeptCases): string {
  return [...new Set([...kept.values()].map(({ results }) => machineText(results)))].join('; ');
}

/** For README.md, whose folder is the one above. */
export function headlines(kept: KeptCases, targets: readonly Target[]): string {
  const rows = [...kept.values()].flatMap(({ result }) =>
    [result.headline ?? []].flat().flatMap((headline) => headlineRow(result, headline)));
  if (rows.length === 0) return NONE;
  const verdicts = targets.map((target) => judge(target, kept)).filter((one): one is Verdict => 'met' in one);
  const met = verdicts.filter((verdict) => verdict.met).length;
  const plots = SHOWN.filter((name) => kept.has(name)).map((name) => `![${name}](bench/plots/${name}.svg)\n\n`);
  return `${markdownTable(['what', 'measured', 'baseline', 'zerocopy', 'ratio (p10 – p90)'], rows)}\n\n` +
    `${String(met)} of ${String(verdicts.length)} measured targets are met. ` +
    `[All of them](bench/README.md#claims), and why the others are missed.\n\n${plots.join('')}Measured on: ${machines(kept)}.`;
}

function isUnknown(verdict: Verdict | Unknown): verdict is Unknown {
  return 'why' in verdict;
}

function word(verdict: Verdict | Unknown): string {
  if (isUnknown(verdict)) return `– (${verdict.why})`;
  if (verdict.met) return 'met';
  return `**missed**: ${verdict.target.whyMissed ?? 'not yet investigated'}`;
}

/** On another major version of Node: figure and verdict in one cell. */
function elsewhere(verdict: Verdict | Unknown): string {
  return isUnknown(verdict) ? '–' : `${figureText(verdict)}, ${verdict.met ? 'met' : '**missed**'}`;
}

function claimRow(target: Target, [kept, ...others]: readonly KeptCases[]): string[] {
  const verdict = judge(target, kept ?? new Map());
  const figures = isUnknown(verdict) ? ['–', '–', '–'] : [
    figureText(verdict),
    verdict.theirs === undefined ? '–' : `${threeFigures(verdict.ours)} : ${threeFigures(verdict.theirs)}`,
    verdict.date.slice(0, 10),
  ];
  const rest = others.map((other) => elsewhere(judge(target, other)));
  return [target.claim, `\`${target.case}\`, ${target.metric}`, limitText(target.limit), ...figures, word(verdict), ...rest];
}

/** For bench/README.md, as the next two. */
export function claimsTable(nodes: ReadonlyMap<number, KeptCases>, targets: readonly Target[]): string {
  if (nodes.size === 0) return NONE;
  const [node, ...others] = [...nodes.keys()].map((major) => `Node ${String(major)}`);
  const header = ['claim', 'case, metric', 'target', `${node!} (p10 – p90)`, 'zerocopy : other', 'date', 'verdict', ...others];
  const cases = [...nodes.values()];
  return `${markdownTable(header, targets.map((target) => claimRow(target, cases)))}\n\n![claims](plots/claims.svg)`;
}

function growthRows({ result, results }: Kept): string[][] {
  return growthsOf(result).map(({ growth, points, factor, holds }) => {
    const [from, to] = [points[0]!, points.at(-1)!];
    const sizes = `${sizeText(from[0], growth.unit)} to ${sizeText(to[0], growth.unit)}`;
    const costs = `${threeFigures(from[1])} to ${threeFigures(to[1])}`;
    const verdict = holds ? growth.shape : `**faster than ${growth.shape}**`;
    return [`\`${result.name}\`, ${growth.metric}`, sizes, costs, `${threeFigures(factor)}x`, `${String(growth.within)}x`,
      results.date.slice(0, 10), verdict];
  });
}

export function growthTable(kept: KeptCases): string {
  const growing = [...kept.values()].filter(({ result }) => result.grows !== undefined);
  if (growing.length === 0) return NONE;
  const header = ['case, metric', 'sizes', 'cost', 'most over what smaller sizes predict', 'limit', 'date', 'verdict'];
  return markdownTable(header, growing.flatMap(growthRows));
}

function section({ result, results }: Kept): string {
  const { name, title, rounds, seconds, baseline } = result;
  const plot = result.headline === undefined && result.grows === undefined ? [] : [`![${name}](plots/${name}.svg)`];
  return [
    `### ${title}`,
    `\`npm run bench -- ${name}\`; ${machineText(results)}, median of ${String(rounds)} rounds (${String(seconds)} s). ` +
      `Baseline: ${baseline}.`,
    markdownTable(HEADER, rowsOf(result)), ...absences(result), ...plot,
  ].join('\n\n');
}

export function everything(kept: KeptCases): string {
  return kept.size === 0 ? NONE : [...kept.values()].map(section).join('\n\n');
}
