/** The label set of one exemplar. Pure. */
import type { SpanContext } from '@clew/core';

/** Labels by name. */
export type ExemplarLabels = Record<string, string>;

// OpenMetrics, "Exemplars": names and values together; prom-client measures UTF-16 units, which are never fewer.
const MAX_LENGTH = 128;
const FLAG_SAMPLED = 1;

/**
 * Labels for an exemplar of a span, and of the user's own labels as many as fit.
 *
 * @param context  the active span; only a sampled one makes an exemplar, because the trace of another is not kept
 * @param own      labels of the caller; `trace_id` and `span_id` among them win over ours
 * @returns `undefined` when there is nothing to point to and nothing was given
 */
export function exemplarLabels(
  context: SpanContext | undefined,
  own: Readonly<Record<string, unknown>> | undefined,
): ExemplarLabels | undefined {
  const isSampled = context !== undefined && (context.traceFlags & FLAG_SAMPLED) !== 0;
  const labels: ExemplarLabels = isSampled ? { trace_id: context.traceId, span_id: context.spanId } : {};
  if (own === undefined || own === null) return isSampled ? labels : undefined;
  let length = lengthOf(labels);
  for (const [name, given] of Object.entries(own)) {
    const value = String(given);
    const replaced = labels[name];
    const added = name.length + value.length - (replaced === undefined ? 0 : name.length + replaced.length);
    // prom-client counts the value, then throws for a label set that is too long, and leaves a broken exemplar behind.
    if (length + added > MAX_LENGTH) continue;
    labels[name] = value;
    length += added;
  }
  return length === 0 ? undefined : labels;
}

function lengthOf({ trace_id: traceId, span_id: spanId }: ExemplarLabels): number {
  const isNamed = traceId !== undefined && spanId !== undefined;
  return isNamed ? 'trace_id'.length + traceId.length + 'span_id'.length + spanId.length : 0;
}
