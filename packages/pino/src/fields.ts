/** The correlation fields of one log line. Pure. */
import type { SpanContext } from '@clew/core';

/** Names of the fields, as they stand in the line. */
export interface FieldNames {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: string;
}

/** Names as the log data model sets them for formats without trace fields of their own. */
export const DEFAULT_FIELDS: FieldNames = { traceId: 'trace_id', spanId: 'span_id', traceFlags: 'trace_flags' };

const FLAG_TEXTS = Array.from({ length: 256 }, (_, flags) => flags.toString(16).padStart(2, '0'));

/**
 * A new object at each call: pino adds the fields of the log call to what a mixin returns.
 *
 * @returns the three fields, or no field when `context` is undefined
 */
export function correlationFields(context: SpanContext | undefined, names: FieldNames): Record<string, unknown> {
  if (context === undefined) return {};
  // Names that vary make the object slower, here and wherever pino reads it.
  if (names === DEFAULT_FIELDS) {
    return { trace_id: context.traceId, span_id: context.spanId, trace_flags: formatFlags(context.traceFlags) };
  }
  return {
    [names.traceId]: context.traceId,
    [names.spanId]: context.spanId,
    [names.traceFlags]: formatFlags(context.traceFlags),
  };
}

// The whole byte and not the sampled bit alone: level 2 of Trace Context defines another one.
function formatFlags(flags: number): string {
  return FLAG_TEXTS[flags & 0xff] as string;
}
