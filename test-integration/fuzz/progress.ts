/** Where a thread is: one that stands still was brought to a standstill by the case that it is at. */

/** The kinds of cases, in the words of the command line. */
export const KINDS = ['headers', 'api', 'spans'] as const;

let shared: Int32Array | undefined;

/** Tell another thread, which looks into the same memory. */
export function shareProgress(buffer: SharedArrayBuffer): void {
  shared = new Int32Array(buffer);
}

/** Note the case that begins. */
export function noteCase(kind: (typeof KINDS)[number], index: number): void {
  if (shared === undefined) return;
  shared[0] = KINDS.indexOf(kind);
  shared[1] = index;
}

/** The case that the thread with this memory is at, as options of the command. */
export function describeProgress(buffer: SharedArrayBuffer): string {
  const [kind, index] = new Int32Array(buffer);
  const counts = KINDS.map((name, i) => `--${name} ${i === kind ? 1 : 0}`);
  return `--first ${index} ${counts.join(' ')}`;
}
