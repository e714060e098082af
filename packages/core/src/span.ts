/** The recording span: collects what happened, and hands itself to the processors when it ends. */
import {
  type Attributes,
  type AttributeValue,
  diag,
  type Exception,
  type HrTime,
  type Link,
  type Span,
  type SpanContext,
  type SpanKind,
  type SpanStatus,
  type SpanStatusCode,
  type TimeInput,
  type TraceState,
} from '@opentelemetry/api';
import {
  type AttributeGroup,
  attributeNames,
  type FlatAttributes,
  flatten,
  reportInvalid,
  toAttributes,
  truncate,
} from './attributes.ts';
import { type Anchor, exactTime, fromTimeInput, monotonicMs, toHrTime } from './clock.ts';
import { exceptionAttributes } from './exception.ts';
import type { SpanResource } from './export/readable-span.ts';
import { reportFault } from './faults.ts';
import { type AttributeHolder, countAttributes, putAttribute, reportLimit } from './span-attributes.ts';
import { OURS, RECORDING, type SpanIdentity, toSpanContext } from './span-context.ts';
import type { InstrumentationScope, SpanExtras, SpanLimits } from './span-data.ts';
import { isTimeInput, readLinkAttributes, readStatus, readTarget, toName } from './span-input.ts';

/** What a span needs of its tracer. */
export interface SpanOwner {
  readonly scope: InstrumentationScope;
  readonly limits: SpanLimits;
  /** The resource, in the official SDK's shape. */
  readonly resource: SpanResource;
  /** Called by `end()` while the span can still be changed; `undefined` when nobody asks for it. Must not throw. */
  readonly spanEnding: ((span: RecordingSpan) => void) | undefined;
  /** Called once, by `end()`. Must not throw. */
  spanEnded(span: RecordingSpan): void;
}

const NOT_ENDED = Number.NEGATIVE_INFINITY;
/** In `parentFlags`: the parent is in another process. */
export const PARENT_IS_REMOTE = 0x100;
// A sparse list can have four billion places.
const MAX_LINKS_AT_ONCE = 4096;

// The API's numbers. Reading them from its enumerations costs more than a field of a span does.
const UNSET: SpanStatusCode.UNSET = 0;
const OK: SpanStatusCode.OK = 1;
const ERROR: SpanStatusCode.ERROR = 2;

/**
 * A span that is recorded. Its public surface is the API's `Span` and the official SDK's `ReadableSpan` (lazily, by
 * getters); its fields are read by the encoders of this package. No private fields and methods: V8 has to define and to
 * mark them on every object.
 */
export class RecordingSpan implements Span, SpanIdentity, AttributeHolder {
  readonly t0: number;
  readonly t1: number;
  readonly t2: number;
  readonly t3: number;
  readonly s0: number;
  readonly s1: number;
  readonly traceFlags: number;
  readonly traceState: TraceState | undefined;
  /** The parent's span id; both words are 0 for a root. Ids only: the parent itself would chain all spans of a loop. */
  readonly p0: number;
  readonly p1: number;
  /** The parent's W3C flags, and `PARENT_IS_REMOTE`. */
  readonly parentFlags: number;
  readonly owner: SpanOwner;
  readonly anchor: Anchor;
  readonly startMs: number;
  endMs: number;
  name: string;
  readonly kind: SpanKind;
  statusCode: SpanStatusCode;
  flat: FlatAttributes | undefined;
  startGroup: AttributeGroup | undefined;
  endGroup: AttributeGroup | undefined;
  extras: SpanExtras | undefined;
  droppedAttributesCount: number;
  index: Map<string, number> | undefined;
  /** Whether attributes were set one by one. */
  isTouched: boolean;

  /**
   * One number after the other, so that it is compiled into its callers: an object of ids would have to be made.
   *
   * @param parentFlags  of the parent, with `PARENT_IS_REMOTE`; 0 for a root, whose parent's id is 0 too
   * @param flat   start attributes, unique and already coerced; the span keeps the array
   * @param group  start attributes shared with other spans, with keys that are not in `flat`
   */
  constructor(
    owner: SpanOwner,
    t0: number,
    t1: number,
    t2: number,
    t3: number,
    s0: number,
    s1: number,
    traceFlags: number,
    traceState: TraceState | undefined,
    p0: number,
    p1: number,
    parentFlags: number,
    name: string,
    kind: SpanKind,
    anchor: Anchor,
    startMs: number,
    flat: FlatAttributes | undefined,
    group: AttributeGroup | undefined,
  ) {
    this.t0 = t0;
    this.t1 = t1;
    this.t2 = t2;
    this.t3 = t3;
    this.s0 = s0;
    this.s1 = s1;
    this.traceFlags = traceFlags;
    this.traceState = traceState;
    this.p0 = p0;
    this.p1 = p1;
    this.parentFlags = parentFlags;
    this.owner = owner;
    this.anchor = anchor;
    this.startMs = startMs;
    this.endMs = NOT_ENDED;
    this.name = name;
    this.kind = kind;
    this.statusCode = UNSET;
    this.flat = flat;
    this.startGroup = group;
    this.endGroup = undefined;
    this.extras = undefined;
    this.droppedAttributesCount = 0;
    this.index = undefined;
    this.isTouched = false;
  }

  get isRemote(): false {
    return false;
  }

  /** Whether the parent is in another process. */
  get parentIsRemote(): boolean {
    return (this.parentFlags & PARENT_IS_REMOTE) !== 0;
  }

  spanContext(): SpanContext {
    return toSpanContext(this);
  }

  isRecording(): boolean {
    return this.endMs === NOT_ENDED;
  }

  setAttribute(key: string, value: AttributeValue): this {
    if (refuses(this, 'setAttribute')) return this;
    this.isTouched = true;
    putAttribute(this, key, value);
    return this;
  }

  setAttributes(attributes: Attributes): this {
    if (refuses(this, 'setAttributes') || attributes === null || typeof attributes !== 'object') return this;
    this.isTouched = true;
    for (const key of attributeNames(attributes)) {
      let value: unknown;
      try {
        value = attributes[key];
      } catch {
        reportInvalid(key);
        continue;
      }
      putAttribute(this, key, value);
    }
    return this;
  }

  /**
   * Add attributes that are known when the span ends, encoded once for all spans that share the group.
   * Keys that the application has set meanwhile are overwritten.
   */
  setEndGroup(group: AttributeGroup): void {
    if (this.endMs !== NOT_ENDED) return;
    const isFirst = !this.isTouched && this.endGroup === undefined;
    if (isFirst && countAttributes(this) + group.size <= this.owner.limits.attributeCountLimit) {
      this.endGroup = group;
      return;
    }
    for (let i = 0; i < group.flat.length; i += 2) putAttribute(this, group.flat[i], group.flat[i + 1]);
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    if (refuses(this, 'addEvent')) return this;
    const isTime = isTimeInput(attributesOrTime);
    const given = time ?? (isTime ? attributesOrTime : undefined);
    const { limits } = this.owner;
    const extras = extrasOf(this);
    if (extras.events.length >= limits.eventCountLimit) {
      if (extras.droppedEvents++ === 0) reportLimit('an event');
      return this;
    }
    const { flat, dropped } = flatten(
      isTime ? undefined : (attributesOrTime as Attributes | undefined),
      limits.attributePerEventCountLimit,
      limits.attributeValueLengthLimit,
    );
    const atMs = timeOr(this, given);
    const exact = given === undefined ? undefined : exactTime(given);
    extras.events.push({ name: toName(name), atMs, time: exact, attributes: flat, dropped });
    return this;
  }

  addLink(link: Link): this {
    if (refuses(this, 'addLink')) return this;
    addLinkTo(this, link);
    return this;
  }

  addLinks(links: Link[]): this {
    if (refuses(this, 'addLinks')) return this;
    try {
      if (!Array.isArray(links)) return this;
      const count = Math.min(links.length, MAX_LINKS_AT_ONCE);
      for (let i = 0; i < count; i++) addLinkTo(this, links[i] as Link);
      if (links.length > count) extrasOf(this).droppedLinks += links.length - count;
    } catch {
      reportFault('invalid_link', 'a list of links threw when it was read');
    }
    return this;
  }

  setStatus(status: SpanStatus): this {
    if (refuses(this, 'setStatus')) return this;
    const { code, message } = readStatus(status);
    // Trace SDK, "Set Status": Ok is final, and nothing goes back to Unset.
    if (this.statusCode === OK || (code !== OK && code !== ERROR)) {
      return this;
    }
    this.statusCode = code;
    if (code === ERROR && typeof message === 'string' && message !== '') {
      extrasOf(this).statusMessage = truncate(message, this.owner.limits.attributeValueLengthLimit);
    } else if (this.extras !== undefined) {
      this.extras.statusMessage = undefined;
    }
    return this;
  }

  updateName(name: string): this {
    if (!refuses(this, 'updateName')) this.name = toName(name);
    return this;
  }

  recordException(exception: Exception, time?: TimeInput): void {
    if (refuses(this, 'recordException')) return;
    this.addEvent('exception', exceptionAttributes(exception), time);
  }

  end(time?: TimeInput): void {
    // A second `end` may come from a processor that is just told of the first.
    if (refuses(this, 'end') || this.extras?.isEnding === true) return;
    const { owner, startMs } = this;
    if (owner.spanEnding !== undefined) {
      endAfterEnding(this, owner.spanEnding, time);
    } else if (time === undefined) {
      const nowMs = monotonicMs();
      this.endMs = nowMs > startMs ? nowMs : startMs;
    } else {
      this.endMs = endAt(this, time);
    }
    owner.spanEnded(this);
  }

  // The official SDK's ReadableSpan, for processors and exporters made for it.

  get ended(): boolean {
    return this.endMs !== NOT_ENDED;
  }
  get attributes(): Attributes {
    return toAttributes(this.startGroup?.flat, this.flat, this.endGroup?.flat);
  }
  get status(): SpanStatus {
    const message = this.extras?.statusMessage;
    return message === undefined ? { code: this.statusCode } : { code: this.statusCode, message };
  }
  get startTime(): HrTime {
    return this.extras?.startTime ?? toHrTime(this.anchor, this.startMs);
  }
  get endTime(): HrTime {
    if (!this.ended && this.extras?.isEnding !== true) return [0, 0];
    return this.extras?.endTime ?? toHrTime(this.anchor, this.endMs);
  }
  get duration(): HrTime {
    if (!this.ended && this.extras?.isEnding !== true) return [-1, 0];
    const [startSeconds, startNanos] = this.startTime;
    const [endSeconds, endNanos] = this.endTime;
    const borrow = endNanos < startNanos ? 1 : 0;
    return [endSeconds - startSeconds - borrow, endNanos - startNanos + borrow * 1e9];
  }
  get events(): Array<{ name: string; time: HrTime; attributes: Attributes; droppedAttributesCount: number }> {
    return (this.extras?.events ?? []).map((event) => ({
      name: event.name,
      time: event.time ?? toHrTime(this.anchor, event.atMs),
      attributes: toAttributes(event.attributes),
      droppedAttributesCount: event.dropped,
    }));
  }
  get links(): Link[] {
    return (this.extras?.links ?? []).map((link) => ({
      context: link.target.spanContext(),
      attributes: toAttributes(link.attributes),
      droppedAttributesCount: link.dropped,
    }));
  }
  get parentSpanContext(): SpanContext | undefined {
    if ((this.p0 | this.p1) === 0) return undefined;
    const { t0, t1, t2, t3, p0, p1, parentFlags, parentIsRemote: isRemote, extras } = this;
    const traceState = extras?.parentTraceState ?? this.traceState;
    return toSpanContext({ t0, t1, t2, t3, s0: p0, s1: p1, traceFlags: parentFlags & 0xff, isRemote, traceState });
  }
  get parentSpanId(): string | undefined {
    return this.parentSpanContext?.spanId;
  }
  get resource(): SpanResource {
    return this.owner.resource;
  }
  get instrumentationScope(): InstrumentationScope {
    return this.owner.scope;
  }
  get instrumentationLibrary(): InstrumentationScope {
    return this.owner.scope;
  }
  get droppedEventsCount(): number {
    return this.extras?.droppedEvents ?? 0;
  }
  get droppedLinksCount(): number {
    return this.extras?.droppedLinks ?? 0;
  }

  /** Keep the start time that a user gave, exactly; the tracer has checked it. */
  setExactStart(time: HrTime | undefined): void {
    if (time !== undefined) extrasOf(this).startTime = time;
  }

  /** Keep the trace state of a parent whose child was given another one by its sampler. */
  setParentTraceState(traceState: TraceState | undefined): void {
    extrasOf(this).parentTraceState = traceState;
  }
}

Object.defineProperty(RecordingSpan.prototype, OURS, { value: RECORDING });

/** Whether a span is a recording one of ours, ended or not. Never throws. */
export function isRecordingSpan(span: object): span is RecordingSpan {
  try {
    return (span as { [OURS]?: number })[OURS] === RECORDING;
  } catch {
    // A proxy of the application's.
    return false;
  }
}

function endAt(span: RecordingSpan, time: TimeInput): number {
  const endMs = timeOr(span, time);
  if (endMs >= span.startMs) {
    const exact = exactTime(time);
    if (exact !== undefined) extrasOf(span).endTime = exact;
    return endMs;
  }
  reportFault('invalid_time', 'a span was ended before its start; the end was moved');
  if (span.extras !== undefined) span.extras.endTime = span.extras.startTime;
  return span.startMs;
}

// Trace SDK, "OnEnding": the end time is known then, and the span can still be changed.
function endAfterEnding(span: RecordingSpan, ending: (span: RecordingSpan) => void, time: TimeInput | undefined): void {
  const extras = extrasOf(span);
  const endMs = time === undefined ? Math.max(monotonicMs(), span.startMs) : endAt(span, time);
  extras.endTime ??= toHrTime(span.anchor, endMs);
  extras.isEnding = true;
  ending(span);
  extras.isEnding = false;
  span.endMs = endMs;
}

function refuses(span: RecordingSpan, method: string): boolean {
  if (span.endMs === NOT_ENDED) return false;
  try {
    diag.debug(`clew: ${method} on a span that has ended: ${span.name}`);
  } catch {
    // A logger of the application that throws must not reach the code that ended the span.
  }
  return true;
}

function extrasOf(span: RecordingSpan): SpanExtras {
  span.extras ??= {
    events: [],
    links: [],
    droppedEvents: 0,
    droppedLinks: 0,
    statusMessage: undefined,
    startTime: undefined,
    endTime: undefined,
    parentTraceState: undefined,
    isEnding: false,
  };
  return span.extras;
}

function addLinkTo(span: RecordingSpan, link: Link): void {
  const { limits } = span.owner;
  const target = readTarget(link);
  if (target === undefined) {
    reportFault('invalid_link', 'a link without a valid span context was ignored');
    return;
  }
  const extras = extrasOf(span);
  if (extras.links.length >= limits.linkCountLimit) {
    if (extras.droppedLinks++ === 0) reportLimit('a link');
    return;
  }
  const { flat, dropped } = readLinkAttributes(link, limits);
  extras.links.push({ target, attributes: flat, dropped });
}

function timeOr(span: RecordingSpan, time: TimeInput | undefined): number {
  if (time === undefined) return monotonicMs();
  const ms = fromTimeInput(span.anchor, time);
  if (ms !== undefined) return ms;
  reportFault('invalid_time', 'a time that is no valid time was replaced by the current one');
  return monotonicMs();
}
