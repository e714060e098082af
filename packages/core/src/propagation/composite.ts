/** Several propagators as one, in their order. */
import type { Baggage, Context, TextMapGetter, TextMapPropagator, TextMapSetter } from '@opentelemetry/api';
import { nearestName, showValue } from '../config/options.ts';
import { baggageOf, isSuppressed, spanOf, withBaggageIn, withSpanIn } from '../context.ts';
import { ClewError } from '../errors.ts';
import { describeError, reportFault } from '../faults.ts';
import { isDecision } from '../remote-parent.ts';
import { B3Propagator } from './b3.ts';
import { BaggagePropagator, entriesOf } from './baggage.ts';
import { isHeaderSafe, isToken, writeHeader } from './carrier.ts';
import { DatadogPropagator } from './datadog.ts';
import { JaegerPropagator } from './jaeger.ts';
import { OtTracePropagator } from './ottrace.ts';
import { TraceContextPropagator } from './traceparent.ts';
import { XRayPropagator } from './xray.ts';

/** The wire formats that we know by name. */
export type PropagatorName = 'tracecontext' | 'baggage' | 'b3' | 'b3multi' | 'jaeger' | 'xray' | 'ottrace' | 'datadog';

const MAKERS: Record<PropagatorName, () => TextMapPropagator> = {
  tracecontext: () => new TraceContextPropagator(),
  baggage: () => new BaggagePropagator(),
  b3: () => new B3Propagator('single'),
  b3multi: () => new B3Propagator('multi'),
  jaeger: () => new JaegerPropagator(),
  xray: () => new XRayPropagator(),
  ottrace: () => new OtTracePropagator(),
  datadog: () => new DatadogPropagator(),
};

/** Every name that `createPropagator` takes. */
export const PROPAGATOR_NAMES: readonly PropagatorName[] = Object.keys(MAKERS) as PropagatorName[];

/**
 * One propagator that runs several in order. On extract the first one that finds a valid span wins, and baggage of all
 * is merged, a later entry replacing an earlier one of the same name. On inject each writes its own headers.
 *
 * @param propagators  names, or objects with the OpenTelemetry API's interface; a name given twice is used once.
 *   An empty list carries nothing.
 * @throws ClewError `CLEW_ERR_OPTION` for an unknown name or a value that is no propagator
 */
export function createPropagator(propagators: ReadonlyArray<PropagatorName | TextMapPropagator>): TextMapPropagator {
  const given = [...new Set(propagators)];
  return new CompositePropagator(given.map((one) => (typeof one === 'string' ? makeNamed(one) : checkForeign(one))));
}

function makeNamed(name: string): TextMapPropagator {
  if (Object.hasOwn(MAKERS, name)) return MAKERS[name as PropagatorName]();
  const nearest = nearestName(name, PROPAGATOR_NAMES);
  const hint = nearest === undefined ? `known are: ${PROPAGATOR_NAMES.join(', ')}` : `did you mean "${nearest}"?`;
  throw new ClewError('CLEW_ERR_OPTION', `there is no propagator ${showValue(name)}, ${hint}`);
}

function checkForeign(value: TextMapPropagator): TextMapPropagator {
  const isPropagator =
    typeof value === 'object' &&
    value !== null &&
    typeof value.inject === 'function' &&
    typeof value.extract === 'function';
  if (isPropagator) return new ForeignPropagator(value);
  throw new ClewError(
    'CLEW_ERR_OPTION',
    `a propagator must be a name or have inject and extract, got ${showValue(value)}`,
  );
}

/**
 * The last guard before the application: a part that throws, because a context, span or baggage of someone else does,
 * is reported, and the others still run.
 */
class CompositePropagator implements TextMapPropagator<unknown> {
  readonly #parts: readonly TextMapPropagator[];
  #fields: readonly string[] | undefined;

  constructor(parts: readonly TextMapPropagator[]) {
    this.#parts = parts;
  }

  inject<C>(context: Context, carrier: C, setter: TextMapSetter<C>): void {
    for (const part of this.#parts) {
      try {
        part.inject(context, carrier, setter);
      } catch (error) {
        reportFault('propagator_threw', `inject: ${describeError(error)}`);
      }
    }
  }

  extract<C>(context: Context, carrier: C, getter: TextMapGetter<C>): Context {
    let extracted = context;
    let found: Found = 'nothing';
    const parts = this.#parts;
    for (let i = 0; i < parts.length; i++) {
      try {
        const before = extracted;
        // A propagator written in JavaScript may return nothing.
        const after = (parts[i] as TextMapPropagator).extract(before, carrier, getter) ?? before;
        if (after === before) continue;
        const now = foundBy(before, after);
        extracted = found === 'nothing' && baggageOf(before) === undefined ? after : merge(before, after, found, now);
        if (now !== 'nothing' && found !== 'span') found = now;
      } catch (error) {
        reportFault('propagator_threw', `extract: ${describeError(error)}`);
      }
    }
    return extracted;
  }

  /** A new array at each call: callers may change it. */
  fields(): string[] {
    this.#fields ??= [...new Set(this.#parts.flatMap(fieldsOf))];
    return this.#fields.slice();
  }
}

type Found = 'nothing' | 'decision' | 'span';

/** What a propagator has added to a context. */
function foundBy(before: Context, after: Context): Found {
  const span = spanOf(after);
  if (span === undefined || span === spanOf(before)) return 'nothing';
  return isDecision(span) ? 'decision' : 'span';
}

/** What a propagator added to a context, as far as nothing better was found before it. */
function merge(before: Context, after: Context, found: Found, now: Found): Context {
  const withBaggage = mergeBaggage(before, after);
  if (now === 'nothing') return withBaggage;
  // A decision without a span gives way to a later span, and stays when there is none.
  return found === 'span' || found === now ? withSpanIn(withBaggage, spanOf(before)) : withBaggage;
}

/** Our propagators add to the baggage that is there; one that replaced it loses nothing of what was found before. */
function mergeBaggage(before: Context, after: Context): Context {
  const earlier = baggageOf(before);
  const later = baggageOf(after);
  if (earlier === undefined || earlier === later) return after;
  if (later === undefined) return withBaggageIn(after, earlier);
  let merged: Baggage = earlier;
  for (const [name, entry] of entriesOf(later)) merged = merged.setEntry(name, entry);
  return withBaggageIn(after, merged);
}

/** A propagator of someone else, held to what ours promise: nothing in a suppressed context, only legal headers. */
class ForeignPropagator implements TextMapPropagator<unknown> {
  readonly #inner: TextMapPropagator;

  constructor(inner: TextMapPropagator) {
    this.#inner = inner;
  }

  inject<C>(context: Context, carrier: C, setter: TextMapSetter<C>): void {
    if (!isSuppressed(context)) this.#inner.inject(context, carrier, new LegalSetter(setter));
  }

  extract<C>(context: Context, carrier: C, getter: TextMapGetter<C>): Context {
    return this.#inner.extract(context, carrier, getter);
  }

  fields(): string[] {
    return this.#inner.fields();
  }
}

/** Leaves out what the application's own HTTP call would throw on. */
class LegalSetter<C> implements TextMapSetter<C> {
  readonly #inner: TextMapSetter<C>;

  constructor(inner: TextMapSetter<C>) {
    this.#inner = inner;
  }

  set(carrier: C, key: string, value: string): void {
    const isLegal = typeof key === 'string' && isToken(key) && typeof value === 'string' && isHeaderSafe(value);
    if (isLegal) writeHeader(carrier, key, value, this.#inner);
    else reportFault('invalid_header', 'a propagator wrote what is no header; it was left out');
  }
}

function fieldsOf(propagator: TextMapPropagator): string[] {
  try {
    return propagator.fields().filter((field) => typeof field === 'string');
  } catch (error) {
    reportFault('propagator_threw', `fields: ${describeError(error)}`);
    return [];
  }
}
