/** Which attribute names spans carry: the current ones, or the ones before they became stable beside them. */

/** `stable`: current names only. `dup`: the old names too, for dashboards that still use them. */
export type Semconv = 'stable' | 'dup';

/**
 * What `OTEL_SEMCONV_STABILITY_OPT_IN` says for one category. Entries are parted by commas, in any case; unknown ones
 * say nothing.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/non-normative/http-migration/
 */
export function readSemconv(
  category: 'http' | 'database' | 'messaging',
  env: NodeJS.ProcessEnv = process.env,
): Semconv {
  return optedInto(env.OTEL_SEMCONV_STABILITY_OPT_IN).includes(`${category}/dup`) ? 'dup' : 'stable';
}

/** Whether the old names of any category are asked for. */
export function hasAnyDup(optIn: string | undefined): boolean {
  return optedInto(optIn).some((entry) => entry.endsWith('/dup'));
}

function optedInto(optIn = ''): string[] {
  return optIn.split(',').map((entry) => entry.trim().toLowerCase());
}
