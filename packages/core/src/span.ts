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
  SpanStatusCode,
  type TimeInput,
  type TraceState,
} from '@opentelemetry/api';
import {
  type AttributeGroup,
  attributeNames,
  coerceKey,
  coerceValue,
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
import { type SpanIdentity, toSpanContext } from './span-context.ts';
import type { InstrumentationScope, SpanExtras, SpanLimits, SpanStart } from './span-data.ts';
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

// Searching a flat array beats a Map up to about this many attributes.
const INDEX_FROM = 16;
const NOT_ENDED = Number.NEGATIVE_INFINITY;
const PARENT_IS_REMOTE = 0x100;
// A sparse list can have four billion places.
const MAX_LINKS_AT_ONCE = 4096;

/**
 * A span that is recorded. Its public surface is the API's `Span` and the official SDK's `ReadableSpan` (lazily, by
 * getters); its fields are read by the encoders of this package.
 */
export class RecordingSpan implements Span, SpanIdentity {
  readonly t0: number;
  readonly t1: number;
  readonly t2: number;
  readonly t3: number;
  readonly s0: number;
  readonly s1: number;
  readonly traceFlags: number;
  readonly traceState: TraceState | undefined;
  /** The parent's span id; both words are 0 for a root. */
  readonly p0: number;
  readonly p1: number;
  /** The parent's W3C flags, and `PARENT_IS_REMOTE`. */
  readonly parentFlags: number;
  readonly owner: SpanOwner;
  readonly anchor: Anchor;
  readonly startMs: number;
  endMs: number = NOT_ENDED;
  name: string;
  readonly kind: SpanKind;
  statusCode: SpanStatusCode = SpanStatusCode.UNSET;
  flat: FlatAttributes | undefined;
  startGroup: AttributeGroup | undefined;
  endGroup: AttributeGroup | undefined = undefined;
  extras: SpanExtras | undefined = undefined;
  droppedAttributesCount = 0;
  #index: Map<string, number> | undefined = undefined;
  #touched = false;

  /**
   * @param flat   start attributes, unique and already coerced; the span keeps the array
   * @param group  start attributes shared with other spans, with keys that are not in `flat`
   */
  constructor(
    owner: SpanOwner,
    start: SpanStart,
    parent: SpanIdentity | undefined,
    name: string,
    kind: SpanKind,
    anchor: Anchor,
    startMs: number,
    flat: FlatAttributes | undefined,
    group: AttributeGroup | undefined,
  ) {
    this.t0 = start.t0;
    this.t1 = start.t1;
    this.t2 = start.t2;
    this.t3 = start.t3;
    this.s0 = start.s0;
    this.s1 = start.s1;
    this.traceFlags = start.traceFlags;
    this.traceState = start.traceState;
    // Ids only: holding the parent itself would chain all spans of an endless loop together.
    this.p0 = parent === undefined ? 0 : parent.s0;
    this.p1 = parent === undefined ? 0 : parent.s1;
    this.parentFlags = parent === undefined ? 0 : parent.traceFlags | (parent.isRemote ? PARENT_IS_REMOTE : 0);
    this.owner = owner;
    this.anchor = anchor;
    this.startMs = startMs;
    this.name = name;
    this.kind = kind;
    this.flat = flat;
    this.startGroup = group;
    // Only a sampler makes the two differ, and most do not.
    if (parent !== undefined && parent.traceState !== start.traceState) {
      this.#extras().parentTraceState = parent.traceState;
    }
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
    if (this.#refuses('setAttribute')) return this;
    this.#touched = true;
    this.#put(key, value);
    return this;
  }

  setAttributes(attributes: Attributes): this {
    if (this.#refuses('setAttributes') || attributes === null || typeof attributes !== 'object') return this;
    this.#touched = true;
    for (const key of attributeNames(attributes)) {
      let value: unknown;
      try {
        value = attributes[key];
      } catch {
        reportInvalid(key);
        continue;
      }
      this.#put(key, value);
    }
    return this;
  }

  /**
   * Add attributes that are known when the span ends, encoded once for all spans that share the group.
   * Keys that the application has set meanwhile are overwritten.
   */
  setEndGroup(group: AttributeGroup): void {
    if (this.endMs !== NOT_ENDED) return;
    const count = (this.flat === undefined ? 0 : this.flat.length / 2) + (this.startGroup?.size ?? 0) + group.size;
    if (!this.#touched && this.endGroup === undefined && count <= this.owner.limits.attributeCountLimit) {
      this.endGroup = group;
      return;
    }
    for (let i = 0; i < group.flat.length; i += 2) this.#put(group.flat[i], group.flat[i + 1]);
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    if (this.#refuses('addEvent')) return this;
    const isTime = isTimeInput(attributesOrTime);
    const given = time ?? (isTime ? attributesOrTime : undefined);
    const { limits } = this.owner;
    const extras = this.#extras();
    if (extras.events.length >= limits.eventCountLimit) {
      if (extras.droppedEvents++ === 0) reportLimit('an event');
      return this;
    }
    const { flat, dropped } = flatten(
      isTime ? undefined : (attributesOrTime as Attributes | undefined),
      limits.attributePerEventCountLimit,
      limits.attributeValueLengthLimit,
    );
    const atMs = this.#timeOr(given);
    const exact = given === undefined ? undefined : exactTime(given);
    extras.events.push({ name: toName(name), atMs, time: exact, attributes: flat, dropped });
    return this;
  }

  addLink(link: Link): this {
    if (this.#refuses('addLink')) return this;
    this.#link(link);
    return this;
  }

  addLinks(links: Link[]): this {
    if (this.#refuses('addLinks')) return this;
    try {
      if (!Array.isArray(links)) return this;
      const count = Math.min(links.length, MAX_LINKS_AT_ONCE);
      for (let i = 0; i < count; i++) this.#link(links[i] as Link);
      if (links.length > count) this.#extras().droppedLinks += links.length - count;
    } catch {
      reportFault('invalid_link', 'a list of links threw when it was read');
    }
    return this;
  }

  setStatus(status: SpanStatus): this {
    if (this.#refuses('setStatus')) return this;
    const { code, message } = readStatus(status);
    // Trace SDK, "Set Status": Ok is final, and nothing goes back to Unset.
    if (this.statusCode === SpanStatusCode.OK || (code !== SpanStatusCode.OK && code !== SpanStatusCode.ERROR)) {
      return this;
    }
    this.statusCode = code;
    if (code === SpanStatusCode.ERROR && typeof message === 'string' && message !== '') {
      this.#extras().statusMessage = truncate(message, this.owner.limits.attributeValueLengthLimit);
    } else if (this.extras !== undefined) {
      this.extras.statusMessage = undefined;
    }
    return this;
  }

  updateName(name: string): this {
    if (!this.#refuses('updateName')) this.name = toName(name);
    return this;
  }

  recordException(exception: Exception, time?: TimeInput): void {
    if (this.#refuses('recordException')) return;
    this.addEvent('exception', exceptionAttributes(exception), time);
  }

  end(time?: TimeInput): void {
    // A second `end` may come from a processor that is just told of the first.
    if (this.#refuses('end') || this.extras?.isEnding === true) return;
    if (this.owner.spanEnding !== undefined) this.#endAfterEnding(this.owner.spanEnding, time);
    else if (time === undefined) this.endMs = Math.max(monotonicMs(), this.startMs);
    else this.endMs = this.#endAt(time);
    this.owner.spanEnded(this);
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
    if (time !== undefined) this.#extras().startTime = time;
  }

  #endAt(time: TimeInput): number {
    const endMs = this.#timeOr(time);
    if (endMs >= this.startMs) {
      const exact = exactTime(time);
      if (exact !== undefined) this.#extras().endTime = exact;
      return endMs;
    }
    reportFault('invalid_time', 'a span was ended before its start; the end was moved');
    if (this.extras !== undefined) this.extras.endTime = this.extras.startTime;
    return this.startMs;
  }

  // Trace SDK, "OnEnding": the end time is known then, and the span can still be changed.
  #endAfterEnding(ending: (span: RecordingSpan) => void, time: TimeInput | undefined): void {
    const extras = this.#extras();
    const endMs = time === undefined ? Math.max(monotonicMs(), this.startMs) : this.#endAt(time);
    extras.endTime ??= toHrTime(this.anchor, endMs);
    extras.isEnding = true;
    ending(this);
    extras.isEnding = false;
    this.endMs = endMs;
  }

  #refuses(method: string): boolean {
    if (this.endMs === NOT_ENDED) return false;
    try {
      diag.debug(`clew: ${method} on a span that has ended: ${this.name}`);
    } catch {
      // A logger of the application that throws must not reach the code that ended the span.
    }
    return true;
  }

  #put(givenKey: unknown, given: unknown): void {
    const key = coerceKey(givenKey);
    if (key === undefined) {
      reportInvalid(undefined);
      return;
    }
    if (this.startGroup?.has(key) === true || this.endGroup?.has(key) === true) this.#ungroup();
    if (given === undefined || given === null) {
      this.#remove(key);
      return;
    }
    const value = coerceValue(given, this.owner.limits.attributeValueLengthLimit);
    if (value === undefined) {
      reportInvalid(key);
      return;
    }
    this.flat ??= [];
    const { flat } = this;
    const at = this.#find(flat, key);
    if (at >= 0) {
      flat[at + 1] = value;
      return;
    }
    const count = flat.length / 2 + (this.startGroup?.size ?? 0) + (this.endGroup?.size ?? 0);
    if (count >= this.owner.limits.attributeCountLimit) {
      if (this.droppedAttributesCount++ === 0) reportLimit('an attribute');
      return;
    }
    this.#index?.set(key, flat.length);
    flat.push(key, value);
  }

  #find(flat: FlatAttributes, key: string): number {
    if (flat.length <= INDEX_FROM * 2) {
      for (let i = 0; i < flat.length; i += 2) if (flat[i] === key) return i;
      return -1;
    }
    if (this.#index === undefined) {
      this.#index = new Map();
      for (let i = 0; i < flat.length; i += 2) this.#index.set(flat[i] as string, i);
    }
    return this.#index.get(key) ?? -1;
  }

  #remove(key: string): void {
    const at = this.flat === undefined ? -1 : this.#find(this.flat, key);
    if (at < 0) return;
    this.flat?.splice(at, 2);
    this.#index = undefined;
  }

  // A key of a shared group is about to change on this span alone: give the span its own copy of all of them.
  #ungroup(): void {
    this.flat = [...(this.startGroup?.flat ?? []), ...(this.flat ?? []), ...(this.endGroup?.flat ?? [])];
    this.startGroup = undefined;
    this.endGroup = undefined;
    this.#index = undefined;
  }

  #extras(): SpanExtras {
    this.extras ??= {
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
    return this.extras;
  }

  #link(link: Link): void {
    const { limits } = this.owner;
    const target = readTarget(link);
    if (target === undefined) {
      reportFault('invalid_link', 'a link without a valid span context was ignored');
      return;
    }
    const extras = this.#extras();
    if (extras.links.length >= limits.linkCountLimit) {
      if (extras.droppedLinks++ === 0) reportLimit('a link');
      return;
    }
    const { flat, dropped } = readLinkAttributes(link, limits);
    extras.links.push({ target, attributes: flat, dropped });
  }

  #timeOr(time: TimeInput | undefined): number {
    if (time === undefined) return monotonicMs();
    const ms = fromTimeInput(this.anchor, time);
    if (ms !== undefined) return ms;
    reportFault('invalid_time', 'a time that is no valid time was replaced by the current one');
    return monotonicMs();
  }
}

function reportLimit(what: string): void {
  reportFault('span_limit', `${what} over the limit of its span was left out`);
}
