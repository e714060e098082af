/** Whether memory grows. */

/** One reading of the heap after a forced collection. */
export interface HeapSample {
  /** Milliseconds since any fixed moment. */
  atMs: number;
  bytes: number;
}

/** With fewer readings a slope says nothing. */
export const MIN_HEAP_SAMPLES = 10;

const MB = 1024 * 1024;
const PER_MINUTES = 10;
const LIMIT_MB = 1;

/** Least squares over all samples, in MB per 10 minutes. */
export function heapSlope(samples: readonly HeapSample[]): number {
  const meanMs = mean(samples.map(({ atMs }) => atMs));
  const meanBytes = mean(samples.map(({ bytes }) => bytes));
  let above = 0;
  let below = 0;
  for (const { atMs, bytes } of samples) {
    above += (atMs - meanMs) * (bytes - meanBytes);
    below += (atMs - meanMs) ** 2;
  }
  return ((above / below) * PER_MINUTES * 60_000) / MB;
}

/**
 * The largest slope that passes. 1 MB per 10 minutes; what compilation and caches still add in less than 10 minutes would
 * be multiplied into more, so a shorter run may grow by 1 MB in all.
 */
export function slopeLimit(samples: readonly HeapSample[]): number {
  const first = samples[0]?.atMs ?? 0;
  const last = samples.at(-1)?.atMs ?? 0;
  return LIMIT_MB * Math.max(1, (PER_MINUTES * 60_000) / (last - first));
}

function mean(numbers: number[]): number {
  return numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
}
