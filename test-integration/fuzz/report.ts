/** Failures of a run, with what repeats them. */

/** One failed case. */
export interface Failure {
  what: string;
  /** The smallest case that was found to fail. */
  input: string;
  /** What follows `npm run fuzz --` to see this case alone. */
  repeat: string;
}

/** All failures are counted, the first ones are kept. */
export interface Failures {
  count: number;
  first: Failure[];
}

// Enough to see a pattern.
const MAX_KEPT = 10;

/** @param describe  called only while few are known: making a case small takes time */
export function noteFailure(failures: Failures, describe: () => Failure): void {
  failures.count++;
  if (failures.first.length < MAX_KEPT) failures.first.push(describe());
}

/** A failure as lines of text. */
export function formatFailure({ what, input, repeat }: Failure): string {
  return `FAIL  ${what}\n      smallest case: ${input}\n      repeat with: npm run fuzz -- ${repeat}`;
}

/** A value on one line, 2000 characters at most. */
export function show(value: unknown): string {
  const text =
    JSON.stringify(value, (_, one: unknown) =>
      typeof one === 'bigint' || typeof one === 'symbol' || typeof one === 'function' ? String(one) : one,
    ) ?? 'undefined';
  return text.length > 2000 ? `${text.slice(0, 2000)}… (${text.length} characters)` : text;
}
