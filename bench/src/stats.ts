/** The middle of a set of figures and its outer edges, all in the unit of the figures. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** A range that a figure lies in, both ends included. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * The middle value; the mean of the two middle ones when their number is even.
 *
 * @throws RangeError for an empty list: a benchmark without a sample has no result
 */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('median of no values');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  if (sorted.length % 2 === 1) return upper;
  return ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * Value below which the share `p` of all values lies, by nearest rank.
 *
 * @param p  a share above 0, up to 1; 0.99 is the 99th percentile
 */
export function percentile(values: readonly number[], p: number): number {
  if (values.length === 0) throw new RangeError('percentile of no values');
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(p * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

/** Median, smallest and largest of a list that is not empty. */
export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * What a variant adds to the bare one, round by round.
 *
 * Both lists come from the same rounds in the same order. A slow minute of the machine slows both
 * members of a pair, so their difference keeps still where the difference of two medians would not.
 */
export function pairedDifferences(variant: readonly number[], bare: readonly number[]): number[] {
  requireSameLength(variant, bare);
  return variant.map((value, round) => value - (bare[round] ?? Number.NaN));
}

/** The quotient of two lists, round by round. */
export function pairedRatios(numerators: readonly number[], denominators: readonly number[]): number[] {
  requireSameLength(numerators, denominators);
  return numerators.map((value, round) => value / (denominators[round] ?? Number.NaN));
}

/**
 * Interval that holds the true median with about 95 % certainty, from the order of the samples
 * alone: the noise of a busy machine is far from a normal distribution.
 *
 * @returns the outer values themselves when there are fewer than six samples
 */
export function medianInterval(values: readonly number[]): Interval {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  // Binomial(n, 1/2) approximated by its normal: ranks n/2 ± 1.96·√n/2.
  const reach = (1.96 * Math.sqrt(n)) / 2;
  const low = Math.max(0, Math.floor(n / 2 - reach));
  const high = Math.min(n - 1, Math.ceil(n / 2 + reach) - 1);
  return { low: sorted[low] ?? Number.NaN, high: sorted[high] ?? Number.NaN };
}

function requireSameLength(a: readonly unknown[], b: readonly unknown[]): void {
  if (a.length !== b.length) throw new RangeError(`pairs need lists of one length, got ${a.length} and ${b.length}`);
}
