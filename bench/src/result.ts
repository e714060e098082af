import {
  type Interval,
  type Spread,
  median,
  medianInterval,
  pairedDifferences,
  pairedRatios,
  spread,
} from './stats.ts';

/** Figures of one variant, one per round, in the order of the rounds. */
export type Samples = Readonly<Record<string, readonly number[]>>;

/** One table of figures: every variant, what it adds to `bare`, and the ratios of what is added. */
export interface Comparison {
  /** Unit of `variants` and `added`. */
  readonly unit: string;
  readonly variants: Record<string, Spread>;
  /** Paired differences to `bare`, for every variant but `bare` itself. */
  readonly added: Record<string, Spread>;
  /** Where the true median of `added` lies with about 95 % certainty; wide when there are few rounds. */
  readonly interval: Record<string, Interval>;
  /** Median of `added(a) / added(b)`, paired by round; keys read `a/b`. */
  readonly ratio: Record<string, number>;
  /** Where the true median of each ratio lies with about 95 % certainty. Not in results of before it was measured. */
  readonly ratioInterval?: Record<string, Interval>;
}

/** What `--json` prints and `results.json` keeps. */
export interface BenchResult extends Comparison {
  readonly name: string;
  /** What one figure is, in a sentence. */
  readonly title: string;
  /** Version of the Node.js that ran the measured processes, without `v`. */
  readonly node: string;
  readonly rounds: number;
  /** Processor and number of cores, as the operating system names them. */
  readonly machine: string;
  /** Commit of the measured sources; `+` at its end: with uncommitted changes. */
  readonly commit: string;
  /** Versions of the libraries and peers, by package name. */
  readonly versions: Record<string, string>;
  /** Further tables of the same run, by name. */
  readonly cases: Record<string, Comparison & { readonly title: string }>;
}

/** Quotients that are worth a column: ours to the official SDK's, and what there is without any tracing. */
const RATIOS: ReadonlyArray<readonly [string, string]> = [
  ['clew', 'otel'],
  ['clew-unsampled', 'otel-unsampled'],
  ['control', 'otel-unsampled'],
];

/**
 * Turn the samples of a run into one table.
 *
 * @param samples  must have `bare`; every list has one figure per round
 */
export function compare(unit: string, samples: Samples): Comparison {
  const bare = samples.bare;
  if (bare === undefined) throw new RangeError('a comparison needs the variant bare');
  const variants: Record<string, Spread> = {};
  const differences: Record<string, number[]> = {};
  const added: Record<string, Spread> = {};
  const interval: Record<string, Interval> = {};
  for (const [name, figures] of Object.entries(samples)) {
    variants[name] = roundSpread(spread(figures));
    if (name === 'bare') continue;
    const difference = pairedDifferences(figures, bare);
    differences[name] = difference;
    added[name] = roundSpread(spread(difference));
    interval[name] = roundInterval(medianInterval(difference));
  }
  const ratio: Record<string, number> = {};
  const ratioInterval: Record<string, Interval> = {};
  for (const [ours, theirs] of RATIOS) {
    const a = differences[ours];
    const b = differences[theirs];
    if (a === undefined || b === undefined) continue;
    const quotients = pairedRatios(a, b);
    ratio[`${ours}/${theirs}`] = significant(median(quotients));
    ratioInterval[`${ours}/${theirs}`] = roundInterval(medianInterval(quotients));
  }
  return { unit, variants, added, interval, ratio, ratioInterval };
}

/** Four significant digits: more would only print noise. */
export function significant(value: number): number {
  return Number(value.toPrecision(4));
}

function roundInterval({ low, high }: Interval): Interval {
  return { low: significant(low), high: significant(high) };
}

function roundSpread(values: Spread): Spread {
  return { median: significant(values.median), min: significant(values.min), max: significant(values.max) };
}
