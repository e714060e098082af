/** Reads the forms in which prom-client's counters and histograms are called. Pure. */

/** One increment or observation. */
export interface MetricCall {
  labels: Record<string, unknown> | undefined;
  value: unknown;
  exemplarLabels: Record<string, unknown> | undefined;
}

const OPTION_KEYS = ['labels', 'value', 'exemplarLabels'];

/**
 * `()`, `(value)`, `(labels)`, `(labels, value)` or `({ labels, value, exemplarLabels })`.
 *
 * The last form is that of metrics with exemplars, where prom-client takes no other; callers that were written for
 * plain metrics use the others. An object is taken as options when it has a key of them that is no label's name.
 */
export function readCall(labelNames: readonly string[], first: unknown, second: unknown): MetricCall {
  if (typeof first !== 'object' || first === null) {
    // `(undefined, value)` and `(null, value)` are how callers leave the labels out.
    const value = first === undefined || first === null ? second : first;
    return { labels: undefined, value, exemplarLabels: undefined };
  }
  const given = first as Record<string, unknown>;
  if (second === undefined && OPTION_KEYS.some((key) => key in given && !labelNames.includes(key))) {
    return {
      labels: given.labels as MetricCall['labels'],
      value: given.value,
      exemplarLabels: given.exemplarLabels as MetricCall['exemplarLabels'],
    };
  }
  return { labels: given, value: second, exemplarLabels: undefined };
}

/** The label object behind `labels('a', 'b')` or `labels({ … })`. */
export function readLabels(labelNames: readonly string[], args: readonly unknown[]): Record<string, unknown> {
  const [first] = args;
  if (typeof first === 'object' && first !== null) return first as Record<string, unknown>;
  return Object.fromEntries(labelNames.slice(0, args.length).map((name, index) => [name, args[index]]));
}
