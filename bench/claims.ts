/** Whether kept figures meet the targets. */
import { threeFigures } from '../examples/main-job/terminal';
import type { KeptCases } from './kept';
import { ratios, spread, type Spread } from './statistics';
import type { Limit, Target } from './targets';

export interface Verdict {
  readonly target: Target;
  /** The ratio that the limit is about, taken pair by pair, or the figure itself. */
  readonly figure: Spread;
  readonly met: boolean;
  readonly ours: number;
  readonly theirs?: number;
  /** ISO 8601. */
  readonly date: string;
}

/** For a target without figures: why there are none. */
export interface Unknown {
  readonly target: Target;
  readonly why: string;
}

export function limitText(limit: Limit): string {
  if ('timesLess' in limit) return `at least ${String(limit.timesLess)}x less`;
  return 'timesOf' in limit ? `at most ${String(limit.timesOf)}x` : `at most ${String(limit.atMost)}`;
}

export function meets(figure: number, limit: Limit): boolean {
  if ('timesLess' in limit) return figure >= limit.timesLess;
  return figure <= ('timesOf' in limit ? limit.timesOf : limit.atMost);
}

/** The figure as a share of its limit: 1 is just met, 0.5 twice as good. */
export function shareOfLimit(figure: number, limit: Limit): number {
  if ('timesLess' in limit) return limit.timesLess / figure;
  return figure / ('timesOf' in limit ? limit.timesOf : limit.atMost);
}

export function figureText({ figure, target }: Verdict): string {
  const unit = 'atMost' in target.limit ? '' : 'timesLess' in target.limit ? 'x less' : 'x';
  return `${threeFigures(figure.median)}${unit} (${threeFigures(figure.p10)} – ${threeFigures(figure.p90)})`;
}

export function judge(target: Target, kept: KeptCases): Verdict | Unknown {
  const found = kept.get(target.case);
  if (found === undefined) return { target, why: 'not measured yet' };
  const { result, results: { date } } = found;
  const samplesOf = (contender: string): readonly number[] | string =>
    result.unavailable[contender] ?? result.contenders[contender]?.[target.metric]?.samples ?? 'not measured yet';
  const [ours, theirs] = [samplesOf(target.contender), target.against === undefined ? [] : samplesOf(target.against)];
  if (typeof ours === 'string') return { target, why: ours };
  if (typeof theirs === 'string') return { target, why: theirs };
  if (target.against === undefined) {
    const figure = spread(ours);
    return { target, figure, met: meets(figure.median, target.limit), ours: figure.median, date };
  }
  const figure = spread('timesLess' in target.limit ? ratios(theirs, ours) : ratios(ours, theirs));
  const [{ median }, { median: other }] = [spread(ours), spread(theirs)];
  return { target, figure, met: meets(figure.median, target.limit), ours: median, theirs: other, date };
}
