/** Which attribute names are written: the current ones, or the ones before 1.25 beside them. */

/** `stable`: current names only. `dup`: the old names too, for dashboards that still use them. */
export type Semconv = 'stable' | 'dup';

/** What `OTEL_SEMCONV_STABILITY_OPT_IN` says for messaging: entries apart by commas, in any case. */
export function semconvFromEnvironment(variable: string | undefined): Semconv {
  const entries = (variable ?? '').split(',').map((entry) => entry.trim().toLowerCase());
  return entries.includes('messaging/dup') ? 'dup' : 'stable';
}
