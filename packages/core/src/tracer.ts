/** The tracer: finds the parent, asks the sampler, and makes a recording or a non-recording span. */
import type { Attributes, Context, Link, Span, SpanOptions, Tracer, TraceState } from '@opentelemetry/api';
import { SpanKind } from '@opentelemetry/api';
import { type AttributeGroup, type AttributeSource, type FlatAttributes, flatten, toAttributes } from './attributes.ts';
import { addBaggage } from './baggage-attributes.ts';
import { currentAnchor, exactTime, fromTimeInput, monotonicMs } from './clock.ts';
import { activeContext, isSuppressed, runInContext, spanOf, withSpanIn } from './context.ts';
import type { SpanResource } from './export/readable-span.ts';
import { describeError, reportFault } from './faults.ts';
import { parseHexWord, takeMalformed, takeWords, traceIdHex, words } from './ids.ts';
import { isDecision } from './remote-parent.ts';
import { askSampler, type SamplerSettings } from './sampler/ask-sampler.ts';
import { decide, traceStateAfter } from './sampler/intent.ts';
import {
  NOT_RECORD,
  RECORD_AND_SAMPLED,
  type SamplingDecision,
  type SamplingRequest,
  type SamplingResult,
} from './sampler/types.ts';
import { RecordingSpan } from './span.ts';
import type { SpanOwner } from './span.ts';
import type { InstrumentationScope, SpanLimits, SpanStart } from './span-data.ts';
import { toName } from './span-input.ts';
import {
  FLAG_RANDOM,
  FLAG_SAMPLED,
  identityOf,
  isValidIdentity,
  NonRecordingSpan,
  type SpanIdentity,
} from './span-context.ts';

/** Makes ids in place of the pool of randomness; the official SDK's generators fit. */
export interface IdGenerator {
  /** 32 lower-case hex digits, not all zero. */
  generateTraceId(): string;
  /** 16 lower-case hex digits, not all zero. */
  generateSpanId(): string;
  /** Whether the last 56 bits of each trace id are random; then its traces get the random flag. Default `false`. */
  readonly makesRandomTraceIds?: boolean;
}

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

// Whether `start` has the ids of a trace that nobody has started yet; the next root span takes them.
let hasSpareIds = false;

// One object for all starts: the constructor copies it at once, and nothing in between can start another span. Numbers
// in the main: an old object that is given a young one has to be noted for the garbage collector.
const start: SpanStart = {
  t0: 0,
  t1: 0,
  t2: 0,
  t3: 0,
  s0: 0,
  s1: 0,
  traceFlags: 0,
  traceState: undefined,
};

const INVALID = new NonRecordingSpan(0, 0, 0, 0, 0, 0, 0, false, undefined);

/** A tracer of Clew's provider. */
export class ClewTracer implements Tracer, SpanOwner {
  readonly scope: InstrumentationScope;
  readonly limits: SpanLimits;
  readonly resource: SpanResource;
  readonly spanEnding: ((span: RecordingSpan) => void) | undefined;
  readonly #shared: TracerShared;
  readonly #baggageKeys: readonly string[] | undefined;

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
    if (dropped > 0 && span instanceof RecordingSpan) span.droppedAttributesCount += dropped;
    return span;
  }

  /**
   * Start a span from attributes in flat form; what plugins use.
   *
   * @param flat   unique keys, coerced values; the span keeps the array
   * @param group  constants shared with other spans; keys that are not in `flat`
   * @param source  gives both of them, when and only when they are needed
   */
  startFlat(
    name: string,
    kind: SpanKind,
    context: Context,
    flat: FlatAttributes | undefined,
    group?: AttributeGroup,
    startTime?: SpanOptions['startTime'],
    links?: Link[],
    source?: AttributeSource,
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
      if (source !== undefined) {
        flat = source.startAttributes();
        group = source.startGroup();
      }
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

    start.traceFlags = decision === RECORD_AND_SAMPLED ? random | FLAG_SAMPLED : random;
    start.traceState = traceState;
    shared.started++;
    const nowMs = monotonicMs();
    const anchor =
      parent !== undefined && activeSpan instanceof RecordingSpan ? activeSpan.anchor : currentAnchor(nowMs);
    let startMs = nowMs;
    if (startTime !== undefined) {
      const ms = fromTimeInput(anchor, startTime);
      if (ms === undefined) reportFault('invalid_time', 'a start time that is no valid time was ignored');
      else startMs = ms;
    }
    if (source !== undefined && flat === undefined) {
      flat = source.startAttributes();
      group = source.startGroup();
    }
    let dropped = 0;
    if (this.#baggageKeys !== undefined) {
      flat ??= [];
      dropped = addBaggage(flat, group, context, this.#baggageKeys, this.limits);
    }
    const span = new RecordingSpan(this, start, parent, name, kind, anchor, startMs, flat, group);
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
    const shared = this.#shared;
    const activeSpan = spanOf(context);
    // What follows a recorded span is nearly always recorded too.
    if (activeSpan instanceof RecordingSpan) return undefined;
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
    hasSpareIds = parent === undefined;
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

function makeNonRecording(traceFlags: number, traceState: TraceState | undefined): NonRecordingSpan {
  const { t0, t1, t2, t3, s0, s1 } = start;
  return new NonRecordingSpan(t0, t1, t2, t3, s0, s1, traceFlags, false, traceState);
}

function fillIds(parent: SpanIdentity | undefined, generator: IdGenerator | undefined): void {
  const isFilled = hasSpareIds && parent === undefined;
  hasSpareIds = false;
  if (isFilled) return;
  if (generator !== undefined && fillFromGenerator(parent, generator)) return;
  if (parent === undefined) {
    const at = takeWords(4);
    start.t0 = words[at] as number;
    start.t1 = words[at + 1] as number;
    start.t2 = words[at + 2] as number;
    // An id that is all zero is not valid; one in 2^128 would be.
    start.t3 = (words[at + 3] as number) || 1;
  } else {
    copyTraceId(parent);
  }
  const at = takeWords(2);
  start.s0 = words[at] as number;
  start.s1 = (words[at + 1] as number) || 1;
}

function copyTraceId(parent: SpanIdentity): void {
  start.t0 = parent.t0;
  start.t1 = parent.t1;
  start.t2 = parent.t2;
  start.t3 = parent.t3;
}

function fillFromGenerator(parent: SpanIdentity | undefined, generator: IdGenerator): boolean {
  try {
    if (parent === undefined) {
      const traceId = generator.generateTraceId();
      start.t0 = parseHexWord(traceId, 0);
      start.t1 = parseHexWord(traceId, 8);
      start.t2 = parseHexWord(traceId, 16);
      start.t3 = parseHexWord(traceId, 24);
    } else {
      copyTraceId(parent);
    }
    const spanId = generator.generateSpanId();
    start.s0 = parseHexWord(spanId, 0);
    start.s1 = parseHexWord(spanId, 8);
    if (!takeMalformed() && isValidIdentity(start as SpanStart & SpanIdentity)) return true;
    reportFault('id_generator', 'the id generator gave an id that is not valid; a random one was used');
  } catch (error) {
    takeMalformed();
    reportFault('id_generator', `the id generator threw: ${describeError(error)}`);
  }
  return false;
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
  const ids = { ...start };
  const result = askSampler(shared, {
    ...given,
    context: followed === undefined ? withSpanIn(given.context, undefined) : given.context,
    traceId: traceIdHex(ids.t0, ids.t1, ids.t2, ids.t3),
    serviceName: serviceNameOf(shared.resource),
  });
  Object.assign(start, ids);
  hasSpareIds = false;
  return result;
}

function serviceNameOf({ attributes }: SpanResource): string | undefined {
  const name = attributes['service.name'];
  return typeof name === 'string' ? name : undefined;
}
