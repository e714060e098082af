/** Several propagators as one, in their order. */
import type { Baggage, Context, TextMapGetter, TextMapPropagator, TextMapSetter } from '@opentelemetry/api';
import { nearestName, showValue } from '../config/options.ts';
import { baggageOf, spanOf, withBaggageIn, withSpanIn } from '../context.ts';
import { ClewError } from '../errors.ts';
import { describeError, reportFault } from '../faults.ts';
import { isDecision } from '../remote-parent.ts';
import { B3Propagator } from './b3.ts';
import { BaggagePropagator } from './baggage.ts';
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
  const parts = [...new Set(propagators)].map((one) => (typeof one === 'string' ? makeNamed(one) : checkForeign(one)));
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : new CompositePropagator(parts);
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
  if (isPropagator) return new GuardedPropagator(value);
  throw new ClewError(
    'CLEW_ERR_OPTION',
    `a propagator must be a name or have inject and extract, got ${showValue(value)}`,
  );
}

class CompositePropagator implements TextMapPropagator<unknown> {
  readonly #parts: readonly TextMapPropagator[];

  constructor(parts: readonly TextMapPropagator[]) {
    this.#parts = parts;
  }

  inject<C>(context: Context, carrier: C, setter: TextMapSetter<C>): void {
    for (const part of this.#parts) part.inject(context, carrier, setter);
  }

  extract<C>(context: Context, carrier: C, getter: TextMapGetter<C>): Context {
    let extracted = context;
    let found: 'nothing' | 'decision' | 'span' = 'nothing';
    for (const part of this.#parts) {
      const before: Context = extracted;
      extracted = part.extract(before, carrier, getter);
      if (extracted === before) continue;
      const spanBefore = spanOf(before);
      const span = spanOf(extracted);
      if (span !== undefined && span !== spanBefore) {
        // A decision without a span gives way to a later span, and stays when there is none.
        const kind = isDecision(span) ? 'decision' : 'span';
        if (found === 'span' || found === kind) extracted = withSpanIn(extracted, spanBefore);
        else found = kind;
      }
      extracted = mergeBaggage(before, extracted);
    }
    return extracted;
  }

  fields(): string[] {
    return [...new Set(this.#parts.flatMap((part) => part.fields()))];
  }
}

/** Our propagators add to the baggage that is there; one that replaced it loses nothing of what was found before. */
function mergeBaggage(before: Context, after: Context): Context {
  const earlier = baggageOf(before);
  const later = baggageOf(after);
  if (earlier === undefined || earlier === later) return after;
  let merged: Baggage = earlier;
  for (const [name, entry] of later?.getAllEntries() ?? []) merged = merged.setEntry(name, entry);
  return withBaggageIn(after, merged);
}

/** A propagator of someone else: what it throws is reported, and the others still run. */
class GuardedPropagator implements TextMapPropagator<unknown> {
  readonly #inner: TextMapPropagator;

  constructor(inner: TextMapPropagator) {
    this.#inner = inner;
  }

  inject<C>(context: Context, carrier: C, setter: TextMapSetter<C>): void {
    try {
      this.#inner.inject(context, carrier, setter);
    } catch (error) {
      reportFault('propagator_threw', `inject: ${describeError(error)}`);
    }
  }

  extract<C>(context: Context, carrier: C, getter: TextMapGetter<C>): Context {
    try {
      // A propagator written in JavaScript may return nothing.
      return this.#inner.extract(context, carrier, getter) ?? context;
    } catch (error) {
      reportFault('propagator_threw', `extract: ${describeError(error)}`);
      return context;
    }
  }

  fields(): string[] {
    try {
      return this.#inner.fields();
    } catch (error) {
      reportFault('propagator_threw', `fields: ${describeError(error)}`);
      return [];
    }
  }
}
