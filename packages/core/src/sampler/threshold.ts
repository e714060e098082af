/**
 * Rejection thresholds of consistent sampling: a trace is kept when its 56 random bits are not below the threshold.
 * Everyone who compares the same bits agrees, in any language, without talking to each other.
 */

/** A threshold: the 56 bits as two numbers, and the hex digits that go over the wire. */
export interface Threshold {
  /** The upper 24 bits, unsigned. */
  readonly high: number;
  /** The lower 32 bits, unsigned. */
  readonly low: number;
  /** 1 to 14 lower-case hex digits without trailing zeros; `0` keeps everything. */
  readonly text: string;
}

const DIGITS = 14;
/** Significant hex digits, as the specification recommends. */
export const DEFAULT_PRECISION = 4;
const LOWEST_PROBABILITY = 2 ** -56;

/**
 * The threshold of a probability.
 *
 * @param probability  0 to 1
 * @param precision    significant hex digits, counted behind the leading `f`s that a small probability has; 1 to 12
 * @returns `undefined` when nothing is to be kept: there is no threshold for that
 * @see https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/ "Converting floating-point
 *   probability to threshold value"
 */
export function thresholdOf(probability: number, precision: number = DEFAULT_PRECISION): Threshold | undefined {
  if (probability < LOWEST_PROBABILITY) return undefined;
  const text = thresholdText(probability, precision);
  const full = text.padEnd(DIGITS, '0');
  return { high: Number.parseInt(full.slice(0, 6), 16), low: Number.parseInt(full.slice(6), 16), text };
}

function thresholdText(probability: number, precision: number): string {
  if (probability >= 1) return '0';
  // The exponent e of p = m·2^e with m from 0.5 to 1.
  let exponent = Math.ceil(Math.log2(probability));
  if (probability >= 2 ** exponent) exponent++;
  else if (probability < 2 ** (exponent - 1)) exponent--;
  const count = Math.max(1, Math.min(DIGITS - 2, precision + Math.floor(-exponent / 4)));
  // Between 1 and 2 the fraction of a double has 13 hex digits, so adding 1 keeps the leading digits exact.
  const rounded = 2 - probability + 2 ** -(4 * count + 1);
  // Too small for the digits of a double. "all f" would be wrong by up to 2^8 to either side, so what is left is exact.
  if (rounded >= 2) return tinyThreshold(probability);
  const digits = rounded.toString(16).slice(2, 2 + count);
  return digits.replace(/0+$/, '') || '0';
}

// Below 2^-48: the first six digits are all `f`, and the rest fits into a number.
function tinyThreshold(probability: number): string {
  const rest = 2 ** 32 - Math.max(1, Math.round(probability * 2 ** 56));
  return `ffffff${rest.toString(16).padStart(8, '0')}`.replace(/0+$/, '');
}
