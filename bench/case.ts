/**
 * What a benchmark case is: a file in bench/cases, one claim, its contenders side by side.
 *
 * The runner starts each contender alone in a fresh process, many times, in turn with the others; a contender does its
 * work once, warms up by itself where that matters, and answers what it measured.
 */

/**
 * What one run of a contender measured. The name of a metric says what and in which unit, as it is to be printed:
 * 'CPU ns per slice', 'MB/s'. Contenders that are to be compared use the same names.
 */
export type Measured = Readonly<Record<string, number>>;

/** A metric that is not printed: the contenders of a case that answer one must all answer the same. */
export const CHECKSUM = 'checksum';

/** Throws Unavailable where what it needs is missing. */
export type Contender = () => Measured | Promise<Measured>;

/** Not installed, or not for this system: the contender is left out, and the result says why. */
export class Unavailable extends Error {}

/**
 * How the cost of `contender` may grow from the first of `sizes` to the last: its metrics are those that `atSize`
 * names. 'flat' is for a cost per operation, 'linear' for that of a whole.
 */
export interface Growth {
  readonly contender: string;
  readonly metric: string;
  /** What is counted: 'slices', 'connections'; 'bytes' are printed with their unit. */
  readonly unit: string;
  readonly sizes: readonly number[];
  readonly shape: 'flat' | 'linear';
  /** The factor by which the cost at any size may exceed what smaller sizes predict. */
  readonly within: number;
}

/** A metric, and the contender that the claim is about; it is set beside the baseline. */
export interface Headline {
  readonly metric: string;
  readonly contender: string;
}

/** The exports of a file in bench/cases. */
export interface Case {
  /** As typed after `npm run bench --`; the same as the file's name. */
  readonly name: string;
  /** The claim being tested, as a heading. */
  readonly title: string;
  /** The contender that the others are compared with. */
  readonly baseline: string;
  /** By name; those of this package are called 'zerocopy …'. */
  readonly contenders: Readonly<Record<string, Contender>>;
  /** Its rows in the short table of README.md. */
  readonly headline?: Headline | readonly Headline[];
  readonly grows?: readonly Growth[];
  /** Fewer rounds than usual are enough, because each is long and covers a lot. */
  readonly leastRounds?: number;
}

/** True in a quick run (`--quick`), which checks that cases work: take a fraction of the work. */
export const QUICK = process.env['ZEROCOPY_BENCH_QUICK'] === '1';
