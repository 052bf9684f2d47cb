/** Whether a cost grows no faster than it may. */
import { bytes, threeFigures } from '../examples/main-job/terminal';
import type { Growth } from './case';
import type { CaseResult } from './results';

export function sizeText(size: number, unit: string): string {
  if (unit === 'bytes') return bytes(size);
  return `${size.toLocaleString('en-US')} ${size === 1 ? unit.replace(/s$/, '') : unit}`;
}

/** The name of a metric at one of the sizes: 'CPU ns per slice, 1,000 slices'. */
export function atSize(metric: string, size: number, unit: string): string {
  return `${metric}, ${sizeText(size, unit)}`;
}

export interface GrowthVerdict {
  readonly growth: Growth;
  /** As far as they were measured. */
  readonly points: readonly (readonly [size: number, cost: number])[];
  /** The largest cost relative to what smaller sizes predict: 1 is exactly flat, or exactly linear. */
  readonly factor: number;
  readonly holds: boolean;
  readonly text: string;
}

/**
 * Compares each cost with the lowest at a smaller size: with the same cost where it should be flat, in proportion to
 * the size where it should be linear.
 */
export function growthFactor(points: readonly (readonly [size: number, cost: number])[], shape: Growth['shape']): number {
  let least = Infinity;
  let factor = 0;
  for (const [size, cost] of points) {
    const each = shape === 'flat' ? cost : cost / size;
    factor = Math.max(factor, least === Infinity ? 1 : each / least);
    least = Math.min(least, each);
  }
  return factor;
}

/** A verdict on each growth that the case speaks of. */
export function growthsOf(result: CaseResult): GrowthVerdict[] {
  return (result.grows ?? []).map((growth) => {
    const { contender, metric, unit, shape, within } = growth;
    const points = growth.sizes.flatMap((size) => {
      const median = result.contenders[contender]?.[atSize(metric, size, unit)]?.median;
      return median === undefined ? [] : [[size, median] as const];
    });
    if (points.length < 2) throw new Error(`${result.name}: '${contender}' has no '${metric}' to see growth by`);
    const factor = growthFactor(points, shape);
    const holds = factor <= within;
    const [from, to] = [points[0]!, points.at(-1)!].map(([size]) => sizeText(size, unit));
    const text = `'${contender}', ${metric}, from ${from!} to ${to!}: ${threeFigures(factor)} times ` +
      `what is ${shape}, ${holds ? 'within' : 'over'} the limit of ${String(within)}`;
    return { growth, points, factor, holds, text };
  });
}
