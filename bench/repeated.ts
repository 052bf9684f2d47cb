/** Works that take far less than a process does: tinybench repeats them inside one. */
import { Bench } from 'tinybench';

import type { Contender } from './case';

/**
 * A contender that does each of `works` `rounds` times after a quarter as many that do not count, and answers the
 * least that it took: what disturbs a loop of a millisecond is not the loop's.
 * @param metric what to call a work's figure
 * @param perMillisecond the figure of a work that takes a millisecond
 */
export function repeated(
  works: Readonly<Record<string, () => unknown>>, rounds: number, metric: (work: string) => string, perMillisecond = 1,
): Contender {
  return () => {
    const bench = new Bench({
      iterations: rounds, time: 0, warmupIterations: Math.ceil(rounds / 4), warmupTime: 0, throws: true,
    });
    for (const [name, work] of Object.entries(works)) bench.add(name, () => { work(); });
    return Object.fromEntries(bench.runSync().map(({ name, result }) => {
      if (!('latency' in result)) throw new Error(`${name}: ${result.state}`);
      return [metric(name), result.latency.min * perMillisecond];
    }));
  };
}
