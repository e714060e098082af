/** Datadog's headers: decimal ids of 64 bits, a priority, and tags that travel along unchanged. */
import {
  type Context,
  createContextKey,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
} from '@opentelemetry/api';
import { withSpanIn } from '../context.ts';
import { spanIdHex } from '../ids.ts';
import { isDeferred, makeRemoteParent } from '../remote-parent.ts';
import { FLAG_SAMPLED, type NonRecordingSpan, type SpanIdentity } from '../span-context.ts';
import { isHeaderSafe, readSingleHeader, trimBlanks, writeHeader } from './carrier.ts';
import { isSameTrace } from './debug-trace.ts';
import { identityToInject } from './traceparent.ts';

const TRACE_ID = 'x-datadog-trace-id';
const PARENT_ID = 'x-datadog-parent-id';
const PRIORITY = 'x-datadog-sampling-priority';
const ORIGIN = 'x-datadog-origin';
const TAGS = 'x-datadog-tags';

/** Datadog drops a longer header whole. Characters. */
const MAX_TAGS_LENGTH = 512;
const MAX_ORIGIN_LENGTH = 128;
/** The upper half of a trace id of 128 bits travels as a tag. */
const UPPER_HALF_TAG = '_dd.p.tid';
const TAG = /^(_dd\.p\.[\x21-\x2b\x2d-\x3c\x3e-\x7e]+)=([\x20-\x2b\x2d-\x7e]+)$/;
const DECIMAL = /^\d{1,20}$/;
const MAX_UINT64 = 2n ** 64n - 1n;
const ZERO_HALF = '0'.repeat(16);

const DATADOG_KEY = createContextKey('Clew Datadog trace');

/** What the caller sent beside the ids; sent on for spans of the same trace. */
interface DatadogTrace {
  parent: SpanIdentity;
  priority: -1 | 0 | 1 | 2 | undefined;
  origin: string | undefined;
  /** `_dd.p.*` without the upper half of the trace id. */
  tags: ReadonlyMap<string, string>;
}

/**
 * Carries Datadog's headers. Origin and `_dd.p.*` tags of the caller are sent on.
 *
 * @see https://docs.datadoghq.com/tracing/trace_collection/trace_context_propagation/
 */
export class DatadogPropagator implements TextMapPropagator<unknown> {
  inject<C>(context: Context, carrier: C, setter: TextMapSetter<C>): void {
    const identity = identityToInject(context);
    // An id whose lower half is zero would leave as an invalid one.
    if (identity === undefined || (identity.t2 | identity.t3) === 0) return;
    const trace = traceIn(context, identity);
    writeHeader(carrier, TRACE_ID, decimalOf(identity.t2, identity.t3), setter);
    writeHeader(carrier, PARENT_ID, decimalOf(identity.s0, identity.s1), setter);
    const priority = priorityOf(identity, trace);
    if (priority !== undefined) writeHeader(carrier, PRIORITY, String(priority), setter);
    if (trace?.origin !== undefined) writeHeader(carrier, ORIGIN, trace.origin, setter);
    const tags = formatTags(identity, trace?.tags);
    if (tags !== '') writeHeader(carrier, TAGS, tags, setter);
  }

  extract<C>(context: Context, carrier: C, getter: TextMapGetter<C>): Context {
    const read = (name: string): string | undefined => {
      const value = readSingleHeader(carrier, name, getter);
      return value === undefined ? undefined : trimBlanks(value);
    };
    const lowerHalf = hexOfDecimal(read(TRACE_ID));
    const spanId = hexOfDecimal(read(PARENT_ID));
    // Zero is no id, whatever the upper half is: Datadog's own tracers restart the trace then.
    if (lowerHalf === undefined || spanId === undefined || lowerHalf === ZERO_HALF) return context;
    const tags = parseTags(read(TAGS) ?? '');
    const priority = parsePriority(read(PRIORITY));
    const parent = makeParent(tags.get(UPPER_HALF_TAG), lowerHalf, spanId, priority);
    if (parent === undefined) return context;
    tags.delete(UPPER_HALF_TAG);
    const origin = read(ORIGIN);
    const isOriginUsable =
      origin !== undefined && origin !== '' && origin.length <= MAX_ORIGIN_LENGTH && isHeaderSafe(origin);
    const trace: DatadogTrace = { parent, priority, origin: isOriginUsable ? origin : undefined, tags };
    return withSpanIn(context, parent).setValue(DATADOG_KEY, trace);
  }

  fields(): string[] {
    return [TRACE_ID, PARENT_ID, PRIORITY, ORIGIN, TAGS];
  }
}

function makeParent(
  upperHalf: string | undefined,
  lowerHalf: string,
  spanId: string,
  priority: DatadogTrace['priority'],
): NonRecordingSpan | undefined {
  const upper = upperHalf !== undefined && /^[0-9a-f]{16}$/.test(upperHalf) ? upperHalf : ZERO_HALF;
  return makeRemoteParent(upper + lowerHalf, spanId, priority === undefined ? undefined : priority >= 1);
}

/** What the caller of this very trace sent. */
function traceIn(context: Context, identity: SpanIdentity): DatadogTrace | undefined {
  // The cast holds: the key is ours, and only `extract` sets it.
  const trace = context.getValue(DATADOG_KEY) as DatadogTrace | undefined;
  return trace !== undefined && isSameTrace(trace.parent, identity) ? trace : undefined;
}

function priorityOf(identity: SpanIdentity, trace: DatadogTrace | undefined): DatadogTrace['priority'] {
  if (isDeferred(identity)) return undefined;
  const isSampled = (identity.traceFlags & FLAG_SAMPLED) !== 0;
  // The caller's own word (2 = a person, -1 = a person refused) is kept as long as our decision is the same.
  if (trace?.priority !== undefined && trace.priority >= 1 === isSampled) return trace.priority;
  return isSampled ? 1 : 0;
}

function parsePriority(text: string | undefined): DatadogTrace['priority'] {
  return text === '-1' ? -1 : text === '0' ? 0 : text === '1' ? 1 : text === '2' ? 2 : undefined;
}

function parseTags(header: string): Map<string, string> {
  const tags = new Map<string, string>();
  if (header.length > MAX_TAGS_LENGTH) return tags;
  for (const member of header.split(',')) {
    const [, key, value] = TAG.exec(trimBlanks(member)) ?? [];
    if (key !== undefined && value !== undefined) tags.set(key, value);
  }
  return tags;
}

function formatTags(identity: SpanIdentity, kept: ReadonlyMap<string, string> | undefined): string {
  const upperHalf = spanIdHex(identity.t0, identity.t1);
  const members = upperHalf === ZERO_HALF ? [] : [`${UPPER_HALF_TAG}=${upperHalf}`];
  for (const [key, value] of kept ?? []) members.push(`${key}=${value}`);
  const header = members.join(',');
  // Without the other tags rather than without the upper half of the id.
  return header.length > MAX_TAGS_LENGTH ? (members[0] ?? '') : header;
}

function decimalOf(high: number, low: number): string {
  return ((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString();
}

function hexOfDecimal(text: string | undefined): string | undefined {
  if (text === undefined || !DECIMAL.test(text)) return undefined;
  const value = BigInt(text);
  return value > MAX_UINT64 ? undefined : value.toString(16).padStart(16, '0');
}
