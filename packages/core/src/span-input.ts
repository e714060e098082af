/** What callers hand to a span may be anything, a proxy that throws included: here it is read so that nothing throws. */
import { type Link, type SpanStatus, SpanStatusCode, type TimeInput } from '@opentelemetry/api';
import { type FlatAttributes, flatten, reportInvalid } from './attributes.ts';
import { KnownLink } from './known-link.ts';
import { fromSpanContext, NonRecordingSpan } from './span-context.ts';
import type { SpanLimits } from './span-data.ts';

/** The span that a link points to; `undefined` when it names none. */
export function readTarget(link: Link): NonRecordingSpan | undefined {
  try {
    if (link instanceof KnownLink && link.span instanceof NonRecordingSpan) return link.span;
    return fromSpanContext(link.context) ?? partialTarget(link);
  } catch {
    return undefined;
  }
}

// API, "Link": an id that is all zero does not make a link worthless that has attributes or a trace state.
function partialTarget({ context, attributes }: Link): NonRecordingSpan | undefined {
  const says = Object.keys(attributes ?? {}).length > 0 || (context.traceState?.serialize() ?? '') !== '';
  return says ? fromSpanContext(context, true) : undefined;
}

/** What a link says about its target. */
export function readLinkAttributes(link: Link, limits: SpanLimits): { flat: FlatAttributes; dropped: number } {
  const { attributePerLinkCountLimit, attributeValueLengthLimit } = limits;
  try {
    if (link instanceof KnownLink && attributeValueLengthLimit === Number.POSITIVE_INFINITY) {
      const flat = link.flatAttributes();
      if (flat.length <= attributePerLinkCountLimit * 2) return { flat, dropped: 0 };
    }
    return flatten(link.attributes, attributePerLinkCountLimit, attributeValueLengthLimit);
  } catch {
    reportInvalid(undefined);
    return { flat: [], dropped: 0 };
  }
}

/** Code and message of a status; Unset when it throws. */
export function readStatus(status: SpanStatus): { code: unknown; message?: unknown } {
  try {
    return { code: status.code, message: status.message };
  } catch {
    return { code: SpanStatusCode.UNSET };
  }
}

/** Whether a value stands where either attributes or a time may stand, and is meant as a time. */
export function isTimeInput(value: unknown): value is TimeInput {
  if (typeof value === 'number') return true;
  try {
    return value instanceof Date || Array.isArray(value);
  } catch {
    return false;
  }
}

/** A span name from whatever was given. */
export function toName(name: unknown): string {
  if (typeof name === 'string') return name;
  try {
    // The text of a list that holds another one twice, and so on, is endless.
    return name === undefined || typeof name === 'symbol' || Array.isArray(name) ? 'unknown' : String(name);
  } catch {
    return 'unknown';
  }
}
