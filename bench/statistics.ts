import type { Measured } from './case';

export interface Spread {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
}

export interface MetricSummary extends Spread {
  readonly samples: readonly number[];
  /** This contender's sample over the baseline's of the same round; absent where the baseline has no such metric. */
  readonly ratio?: Spread;
}

/** Of one contender, by metric. */
export type Summary = Readonly<Record<string, MetricSummary>>;

/** The value below which a part (0..1) of the samples lies, linear between neighbours. NaN when there are none. */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const low = sorted[Math.floor(at)] ?? NaN;
  const high = sorted[Math.ceil(at)] ?? NaN;
  return low + (high - low) * (at - Math.floor(at));
}

export function spread(samples: readonly number[]): Spread {
  return { median: quantile(samples, 0.5), p10: quantile(samples, 0.1), p90: quantile(samples, 0.9) };
}

/** Of the samples of one contender over those of another in the same round. */
export function ratios(samples: readonly number[], others: readonly number[]): number[] {
  return samples.map((sample, round) => sample / (others[round] ?? NaN));
}

/** Both lists have a run per round, in the same order. */
export function summarize(runs: readonly Measured[], baseline: readonly Measured[]): Summary {
  const summary: Record<string, MetricSummary> = {};
  for (const metric of Object.keys(runs[0] ?? {})) {
    const samples = runs.map((run) => run[metric]!);
    const beside = ratios(samples, baseline.map((run) => run[metric] ?? NaN));
    const whole = beside.every(Number.isFinite) && runs !== baseline;
    summary[metric] = { samples, ...spread(samples), ...(whole ? { ratio: spread(beside) } : {}) };
  }
  return summary;
}
