/** Spans of other SDKs for our encoders: our exporters work on the official provider too. */
import { flatten } from '../attributes.ts';
import { type Anchor, currentAnchor, fromTimeInput, monotonicMs } from '../clock.ts';
import { PARENT_IS_REMOTE, RecordingSpan, type SpanOwner } from '../span.ts';
import { fromSpanContext, type NonRecordingSpan } from '../span-context.ts';
import type { SpanEvent, SpanLimits, SpanLink } from '../span-data.ts';
import type { ReadableSpan, SpanResource } from './readable-span.ts';

const NO_LIMIT = Number.POSITIVE_INFINITY;
// Its own SDK has held the span to its limits.
const LIMITS: SpanLimits = {
  attributeCountLimit: NO_LIMIT,
  attributeValueLengthLimit: NO_LIMIT,
  eventCountLimit: NO_LIMIT,
  linkCountLimit: NO_LIMIT,
  attributePerEventCountLimit: NO_LIMIT,
  attributePerLinkCountLimit: NO_LIMIT,
};

// Encoders keep what they have written for an owner, so spans of one tracer share theirs.
const owners = new WeakMap<SpanResource, Map<string, SpanOwner>>();

/**
 * A copy of an ended span of another SDK, as a span of ours that has ended.
 *
 * @throws when its ids or times are not valid
 */
export function adoptSpan(span: ReadableSpan): RecordingSpan {
  const self = fromSpanContext(span.spanContext());
  if (self === undefined) throw new TypeError('its span context is not valid');
  const anchor = currentAnchor(monotonicMs());
  const startMs = toMs(anchor, span.startTime);
  const { t0, t1, t2, t3, s0, s1, traceFlags, traceState } = self;
  const parent = fromSpanContext(span.parentSpanContext);
  const [p0, p1] = parent === undefined ? [0, 0] : [parent.s0, parent.s1];
  const parentFlags = parent === undefined ? 0 : parent.traceFlags | (parent.isRemote ? PARENT_IS_REMOTE : 0);
  const { flat } = flatten(span.attributes, NO_LIMIT, NO_LIMIT);
  const { name, kind } = span;
  // biome-ignore format: one number after the other
  const copy = new RecordingSpan(ownerOf(span), t0, t1, t2, t3, s0, s1, traceFlags, traceState, p0, p1, parentFlags, name, kind, anchor, startMs, flat, undefined);
  copy.droppedAttributesCount = span.droppedAttributesCount;
  copy.statusCode = span.status.code;
  copy.extras = {
    events: span.events.map((event) => toEvent(event, anchor)),
    links: span.links.flatMap(toLink),
    droppedEvents: span.droppedEventsCount,
    droppedLinks: span.droppedLinksCount,
    statusMessage: span.status.message,
    startTime: span.startTime,
    endTime: span.endTime,
    parentTraceState: parent?.traceState,
    isEnding: false,
  };
  copy.endMs = toMs(anchor, span.endTime);
  return copy;
}

function toMs(anchor: Anchor, time: ReadableSpan['startTime']): number {
  const ms = fromTimeInput(anchor, time);
  if (ms === undefined) throw new TypeError('one of its times is not valid');
  return ms;
}

function toEvent(event: ReadableSpan['events'][number], anchor: Anchor): SpanEvent {
  const attributes = flatten(event.attributes, NO_LIMIT, NO_LIMIT).flat;
  const dropped = event.droppedAttributesCount ?? 0;
  return { name: event.name, atMs: toMs(anchor, event.time), time: event.time, attributes, dropped };
}

function toLink({ context, attributes, droppedAttributesCount }: ReadableSpan['links'][number]): SpanLink[] {
  const target: NonRecordingSpan | undefined = fromSpanContext(context, true);
  if (target === undefined) return [];
  const { flat } = flatten(attributes, NO_LIMIT, NO_LIMIT);
  return [{ target, attributes: flat, dropped: droppedAttributesCount ?? 0 }];
}

function ownerOf({ resource, instrumentationScope: { name, version, schemaUrl } }: ReadableSpan): SpanOwner {
  let byScope = owners.get(resource);
  if (byScope === undefined) {
    byScope = new Map();
    owners.set(resource, byScope);
  }
  const key = JSON.stringify([name, version, schemaUrl]);
  let owner = byScope.get(key);
  if (owner === undefined) {
    const scope = {
      name,
      ...(version === undefined ? {} : { version }),
      ...(schemaUrl === undefined ? {} : { schemaUrl }),
    };
    owner = { scope, limits: LIMITS, resource, spanEnding: undefined, spanEnded: () => {} };
    byScope.set(key, owner);
  }
  return owner;
}
