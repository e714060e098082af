/** The tracer: finds the parent, asks the sampler, and makes a recording or a non-recording span. */
import type { Attributes, Context, Link, Span, SpanOptions, Tracer } from '@opentelemetry/api';
import { SpanKind } from '@opentelemetry/api';
import { type AttributeGroup, type FlatAttributes, flatten, toAttributes } from './attributes.ts';
import { addBaggage } from './baggage-attributes.ts';
import { currentAnchor, exactTime, fromTimeInput, monotonicMs } from './clock.ts';
import { activeContext, isSuppressed, runInContext, spanOf, withSpanIn } from './context.ts';
import type { SpanResource } from './export/readable-span.ts';
import { reportFault } from './faults.ts';
import { takeWords, traceIdHex, words } from './ids.ts';
import { isDecision } from './remote-parent.ts';
import { askSampler, type SamplerSettings } from './sampler/ask-sampler.ts';
import { NOTHING_FOREGONE } from './sampler/foregone.ts';
import { decide, traceStateAfter } from './sampler/intent.ts';
import {
  NOT_RECORD,
  RECORD_AND_SAMPLED,
  type SamplingDecision,
  type SamplingRequest,
  type SamplingResult,
} from './sampler/types.ts';
import { isRecordingSpan, PARENT_IS_REMOTE, RecordingSpan, type SpanOwner } from './span.ts';
import type { InstrumentationScope, SpanLimits } from './span-data.ts';
import { toName } from './span-input.ts';
import {
  dropBelow,
  dropRoot,
  fillIds,
  type IdGenerator,
  makeNonRecording,
  spareIds,
  start,
  withIdsKept,
} from './span-start.ts';
import {
  FLAG_RANDOM,
  FLAG_SAMPLED,
  identityOf,
  isOwnSpan,
  isValidIdentity,
  NonRecordingSpan,
  type SpanIdentity,
} from './span-context.ts';

/** What all tracers of one provider share. */
export interface TracerShared extends SamplerSettings {
  readonly limits: SpanLimits;
  readonly resource: SpanResource;
  readonly idGenerator: IdGenerator | undefined;
  /** Baggage entries that become attributes of every span; `undefined` when there are none. */
  readonly baggageSpanKeys: readonly string[] | undefined;
  /** Processors that want to see spans start; `undefined` when there are none, which is the fast way. */
  readonly spanStarted: ((span: RecordingSpan, context: Context) => void) | undefined;
  /** Processors that want to change spans at their end; `undefined` when there are none. Must not throw. */
  readonly spanEnding: ((span: RecordingSpan) => void) | undefined;
  /** Must not throw. */
  readonly spanEnded: (span: RecordingSpan) => void;
  /** Set by `shutdown`: every span is a non-recording one from then on. */
  stopped: boolean;
  /** How many recording spans were started. */
  started: number;
}

const INVALID = new NonRecordingSpan(0, 0, 0, 0, 0, 0, 0, false, undefined);

/** A tracer of Clew's provider. */
export class ClewTracer implements Tracer, SpanOwner {
  readonly scope: InstrumentationScope;
  readonly limits: SpanLimits;
  readonly resource: SpanResource;
  readonly spanEnding: ((span: RecordingSpan) => void) | undefined;
  readonly #shared: TracerShared;
  readonly #baggageKeys: readonly string[] | undefined;
  // Whether nothing has to be asked about the spans of a kind: no sampler, no generator of ids, nobody who sees them start.
  readonly #keepsRoots: boolean;
  readonly #keepsChildren: boolean;
  readonly #dropsRoots: boolean;
  readonly #dropsChildren: boolean;

  /** @param baggageSpanKeys  of the plugin whose tracer it is; default: the provider's */
  constructor(
    scope: InstrumentationScope,
    shared: TracerShared,
    baggageSpanKeys: readonly string[] | undefined = shared.baggageSpanKeys,
  ) {
    this.scope = scope;
    this.limits = shared.limits;
    this.resource = shared.resource;
    this.spanEnding = shared.spanEnding;
    this.#shared = shared;
    this.#baggageKeys = baggageSpanKeys?.length === 0 ? undefined : baggageSpanKeys;
    const { root, belowSampled, belowUnsampled } = shared.clewSampler?.rule.foregone ?? NOTHING_FOREGONE;
    const hasOwnIds = shared.idGenerator === undefined;
    const isUnseen = hasOwnIds && shared.spanStarted === undefined && this.#baggageKeys === undefined;
    this.#keepsRoots = isUnseen && root === RECORD_AND_SAMPLED;
    this.#keepsChildren = isUnseen && belowSampled === RECORD_AND_SAMPLED;
    this.#dropsRoots = hasOwnIds && root === NOT_RECORD;
    this.#dropsChildren = hasOwnIds && belowUnsampled === NOT_RECORD;
  }

  spanEnded(span: RecordingSpan): void {
    this.#shared.spanEnded(span);
  }

  startSpan(name: string, options?: SpanOptions, context: Context = activeContext()): Span {
    if (options === undefined) return this.startFlat(toName(name), SpanKind.INTERNAL, context, undefined);
    const { root, attributes, links, kind, startTime } = readOptions(options);
    const parentContext = root === true ? withSpanIn(context, undefined) : context;
    const { attributeCountLimit, attributeValueLengthLimit } = this.limits;
    const { flat, dropped } =
      attributes === undefined
        ? { flat: undefined, dropped: 0 }
        : flatten(attributes, attributeCountLimit, attributeValueLengthLimit);
    const span = this.startFlat(toName(name), toKind(kind), parentContext, flat, undefined, startTime, links);
    if (dropped > 0 && isRecordingSpan(span)) span.droppedAttributesCount += dropped;
    return span;
  }

  /**
   * Start a span from attributes in flat form; what plugins use.
   *
   * @param flat   unique keys, coerced values; the span keeps the array
   * @param group  constants shared with other spans; keys that are not in `flat`
   */
  startFlat(
    name: string,
    kind: SpanKind,
    context: Context,
    flat: FlatAttributes | undefined,
    group?: AttributeGroup,
    startTime?: SpanOptions['startTime'],
    links?: Link[],
  ): Span {
    if (links === undefined && startTime === undefined && !this.#shared.stopped && !isSuppressed(context)) {
      const activeSpan = spanOf(context);
      if (activeSpan === undefined) {
        if (this.#keepsRoots) return this.#startRoot(name, kind, flat, group);
      } else if (this.#keepsChildren && isRecordingSpan(activeSpan) && isPlainSampled(activeSpan)) {
        return this.#startBelow(activeSpan, name, kind, flat, group);
      }
    }
    return this.#startAny(name, kind, context, flat, group, startTime, links);
  }

  // Nearly all spans are one of these two: the first of a trace, or below a recorded one, and kept by every sampler.
  #startRoot(
    name: string,
    kind: SpanKind,
    flat: FlatAttributes | undefined,
    group: AttributeGroup | undefined,
  ): RecordingSpan {
    this.#shared.started++;
    const startMs = monotonicMs();
    const at = takeWords(6);
    const t0 = words[at] as number;
    const t1 = words[at + 1] as number;
    const t2 = words[at + 2] as number;
    // An id that is all zero is not valid; one in 2^128 would be.
    const t3 = (words[at + 3] as number) || 1;
    const s0 = words[at + 4] as number;
    const s1 = (words[at + 5] as number) || 1;
    const anchor = currentAnchor(startMs);
    // biome-ignore format: one number after the other
    return new RecordingSpan(this, t0, t1, t2, t3, s0, s1, FLAG_SAMPLED | FLAG_RANDOM, undefined, 0, 0, 0, name, kind, anchor, startMs, flat, group);
  }

  #startBelow(
    parent: RecordingSpan,
    name: string,
    kind: SpanKind,
    flat: FlatAttributes | undefined,
    group: AttributeGroup | undefined,
  ): RecordingSpan {
    this.#shared.started++;
    const startMs = monotonicMs();
    const { t0, t1, t2, t3, s0: p0, s1: p1, traceFlags, anchor } = parent;
    const at = takeWords(2);
    const s0 = words[at] as number;
    const s1 = (words[at + 1] as number) || 1;
    // biome-ignore format: one number after the other
    return new RecordingSpan(this, t0, t1, t2, t3, s0, s1, traceFlags, undefined, p0, p1, traceFlags, name, kind, anchor, startMs, flat, group);
  }

  #startAny(
    name: string,
    kind: SpanKind,
    context: Context,
    flat: FlatAttributes | undefined,
    group: AttributeGroup | undefined,
    startTime: SpanOptions['startTime'] | undefined,
    links: Link[] | undefined,
  ): Span {
    const shared = this.#shared;
    const activeSpan = spanOf(context);
    let parent = activeSpan === undefined ? undefined : identityOf(activeSpan);
    // Whom the sampler follows: the parent, or the decision that a caller sent without naming a parent.
    let followed = parent;
    if (parent !== undefined && !isValidIdentity(parent)) {
      followed = isDecision(parent) ? parent : undefined;
      parent = undefined;
    }
    if (shared.stopped || isSuppressed(context)) return passThrough(activeSpan, parent);
    fillIds(parent, shared.idGenerator);

    let traceState = parent?.traceState;
    let decision: SamplingDecision;
    let added: Attributes | undefined;
    const intent = shared.clewSampler?.rule.byIds(followed, start.t2, start.t3);
    if (intent !== undefined) {
      decision = decide(intent, followed, start.t2, start.t3);
      if (decision === RECORD_AND_SAMPLED) added = intent.attributes;
      if (decision !== NOT_RECORD || traceState !== undefined) {
        traceState = traceStateAfter(intent, decision, traceState);
      }
    } else {
      if (this.#baggageKeys !== undefined) {
        flat ??= [];
        addBaggage(flat, group, context, this.#baggageKeys, this.limits);
      }
      const attributes = toAttributes(group?.flat, flat);
      const result = sample(shared, followed, { context, name, kind, attributes, links: links ?? [] });
      decision = result.decision;
      added = result.attributes;
      traceState = result.traceState ?? traceState;
    }
    const random = randomBit(parent, shared.idGenerator);
    if (decision === NOT_RECORD) return makeNonRecording(random, traceState);

    const traceFlags = decision === RECORD_AND_SAMPLED ? random | FLAG_SAMPLED : random;
    shared.started++;
    const nowMs = monotonicMs();
    const anchor =
      parent !== undefined && activeSpan !== undefined && isRecordingSpan(activeSpan)
        ? activeSpan.anchor
        : currentAnchor(nowMs);
    let startMs = nowMs;
    if (startTime !== undefined) {
      const ms = fromTimeInput(anchor, startTime);
      if (ms === undefined) reportFault('invalid_time', 'a start time that is no valid time was ignored');
      else startMs = ms;
    }
    let dropped = 0;
    if (this.#baggageKeys !== undefined) {
      flat ??= [];
      dropped = addBaggage(flat, group, context, this.#baggageKeys, this.limits);
    }
    const { t0, t1, t2, t3, s0, s1 } = start;
    const p0 = parent === undefined ? 0 : parent.s0;
    const p1 = parent === undefined ? 0 : parent.s1;
    const parentFlags = parent === undefined ? 0 : parent.traceFlags | (parent.isRemote ? PARENT_IS_REMOTE : 0);
    // biome-ignore format: one number after the other
    const span = new RecordingSpan(this, t0, t1, t2, t3, s0, s1, traceFlags, traceState, p0, p1, parentFlags, name, kind, anchor, startMs, flat, group);
    // Only a sampler makes the two differ, and most do not.
    if (parent !== undefined && parent.traceState !== traceState) span.setParentTraceState(parent.traceState);
    if (startTime !== undefined && startMs !== nowMs) span.setExactStart(exactTime(startTime));
    if (dropped > 0) span.droppedAttributesCount = dropped;
    if (added !== undefined) span.setAttributes(added);
    if (links !== undefined) span.addLinks(links);
    if (shared.spanStarted !== undefined) shared.spanStarted(span, context);
    return span;
  }

  /**
   * The span of something that will not be recorded, where this shows by ids alone: nobody needs its name and attributes.
   *
   * @returns `undefined` when it will be recorded, or more has to be known: then start it
   */
  refuse(context: Context): Span | undefined {
    const activeSpan = spanOf(context);
    if (activeSpan === undefined) {
      if (this.#keepsRoots) return undefined;
      if (this.#dropsRoots && !this.#shared.stopped && !isSuppressed(context)) return dropRoot();
    } else if (isRecordingSpan(activeSpan)) {
      // What follows a recorded span is nearly always recorded too.
      return undefined;
    } else if (this.#dropsBelow(activeSpan)) {
      return this.#shared.stopped || isSuppressed(context) ? undefined : dropBelow(activeSpan);
    }
    return this.#refuseByIds(activeSpan, context);
  }

  /** Whether `refuse` gives a span; for what nobody ever sees the ids of. */
  refuses(context: Context): boolean {
    const activeSpan = spanOf(context);
    if (activeSpan !== undefined && this.#dropsBelow(activeSpan))
      return !this.#shared.stopped && !isSuppressed(context);
    return this.refuse(context) !== undefined;
  }

  #dropsBelow(activeSpan: Span): activeSpan is Span & SpanIdentity {
    return this.#dropsChildren && !isRecordingSpan(activeSpan) && isOwnSpan(activeSpan) && isPlainUnsampled(activeSpan);
  }

  #refuseByIds(activeSpan: Span | undefined, context: Context): Span | undefined {
    const shared = this.#shared;
    const parent = activeSpan === undefined ? undefined : identityOf(activeSpan);
    if (shared.stopped || isSuppressed(context) || (parent !== undefined && !isValidIdentity(parent))) return undefined;
    fillIds(parent, shared.idGenerator);
    const intent = shared.clewSampler?.rule.byIds(parent, start.t2, start.t3);
    if (intent !== undefined && decide(intent, parent, start.t2, start.t3) === NOT_RECORD) {
      const state = parent?.traceState;
      return makeNonRecording(
        randomBit(parent, shared.idGenerator),
        state === undefined ? undefined : traceStateAfter(intent, NOT_RECORD, state),
      );
    }
    spareIds(parent === undefined);
    return undefined;
  }

  startActiveSpan<F extends (span: Span) => unknown>(name: string, fn: F): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(name: string, options: SpanOptions, fn: F): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    options: SpanOptions,
    context: Context,
    fn: F,
  ): ReturnType<F>;
  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    ...rest: [F] | [SpanOptions, F] | [SpanOptions, Context, F]
  ): ReturnType<F> {
    // The overloads fix which type stands where; the last one is always the function.
    const fn = rest[rest.length - 1] as F;
    const options = rest.length > 1 ? (rest[0] as SpanOptions) : undefined;
    const context = rest.length > 2 ? (rest[1] as Context) : activeContext();
    const span = this.startSpan(name, options, context);
    return runInContext(withSpanIn(context, span), fn, undefined, span) as ReturnType<F>;
  }
}

// Exporters write the number as it is, so one that is no kind must not get to them.
function toKind(kind: SpanKind | undefined): SpanKind {
  const isKind =
    typeof kind === 'number' && (kind | 0) === kind && kind >= SpanKind.INTERNAL && kind <= SpanKind.CONSUMER;
  return isKind ? kind : SpanKind.INTERNAL;
}

function readOptions(options: SpanOptions): SpanOptions {
  try {
    const { root, attributes, links, kind, startTime } = options;
    return { root, attributes, links: Array.isArray(links) ? links : undefined, kind, startTime } as SpanOptions;
  } catch {
    reportFault('invalid_attribute', 'the options of a span threw when they were read, or are no object');
    return {};
  }
}

// API, "Behavior of the API in the absence of an installed SDK": the parent's context goes on, and no trace is started.
function passThrough(activeSpan: Span | undefined, parent: SpanIdentity | undefined): Span {
  if (parent === undefined) return INVALID;
  try {
    if (activeSpan?.isRecording() === false) return activeSpan;
  } catch {
    // A span of the application's that threw: its ids go on without it.
  }
  const { t0, t1, t2, t3, s0, s1, traceFlags, isRemote, traceState } = parent;
  return new NonRecordingSpan(t0, t1, t2, t3, s0, s1, traceFlags, isRemote, traceState);
}

function isPlainSampled({ traceState, traceFlags }: RecordingSpan): boolean {
  return traceState === undefined && (traceFlags & FLAG_SAMPLED) !== 0;
}

// Of this process: what a caller has not sampled may be recorded here all the same.
function isPlainUnsampled(parent: SpanIdentity): boolean {
  return (
    (parent.traceFlags & FLAG_SAMPLED) === 0 &&
    !parent.isRemote &&
    parent.traceState === undefined &&
    isValidIdentity(parent)
  );
}

// The parent's, and ours on traces that we start ourselves.
function randomBit(parent: SpanIdentity | undefined, generator: IdGenerator | undefined): number {
  if (parent !== undefined) return parent.traceFlags & FLAG_RANDOM;
  return generator === undefined || generator.makesRandomTraceIds === true ? FLAG_RANDOM : 0;
}

// A sampler of the application may itself start spans, so the ids are kept aside while it runs.
function sample(
  shared: TracerShared,
  followed: SpanIdentity | undefined,
  given: Omit<SamplingRequest, 'traceId' | 'serviceName'>,
): SamplingResult {
  const context = followed === undefined ? withSpanIn(given.context, undefined) : given.context;
  const serviceName = serviceNameOf(shared.resource);
  return withIdsKept(({ t0, t1, t2, t3 }) =>
    askSampler(shared, { ...given, context, traceId: traceIdHex(t0, t1, t2, t3), serviceName }),
  );
}

function serviceNameOf({ attributes }: SpanResource): string | undefined {
  const name = attributes['service.name'];
  return typeof name === 'string' ? name : undefined;
}
