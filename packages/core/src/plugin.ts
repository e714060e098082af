/**
 * What a plugin needs of tracing, over whichever provider there is: Clew's own (by a short cut without intermediate
 * objects), the official SDK's or none (through the API). A plugin creates one `PluginTracing` at set-up.
 */
import {
  type Context,
  context as contextApi,
  isSpanContextValid,
  type Link,
  propagation,
  type Span,
  type SpanContext,
  type SpanKind,
  type SpanOptions,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { type AttributeGroup, type FlatAttributes, toAttributes } from './attributes.ts';
import { addBaggage } from './baggage-attributes.ts';
import { activeContext, enterStored, runInContext, spanOf } from './context.ts';
import { describeError, reportFault } from './faults.ts';
import type { PluginDefaults } from './plugin-defaults.ts';
import { ClewTracerProvider } from './provider.ts';
import {
  contextManagerIsForeign,
  registeredProvider,
  registrationGeneration,
  warnAboutInvisibleProvider,
} from './registration.ts';
import { isRecordingSpan } from './span.ts';
import { isOwnSpan, isValidIdentity, toSpanContext } from './span-context.ts';
import type { ClewTracer } from './tracer.ts';
import { VERSION } from './version.ts';

/** The conventions that our plugins follow; put on every tracer of theirs. */
export const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.45.0';

// Limits are the other provider's business.
const NO_LIMITS = { attributeCountLimit: Infinity, attributeValueLengthLimit: Infinity };

/** Options that every plugin takes. */
export interface PluginOptions {
  /** Use this provider instead of the globally registered one. */
  tracerProvider?: TracerProvider;
}

/** Tracing as one plugin sees it. */
export class PluginTracing {
  readonly #scope: { name: string; version: string };
  readonly #given: TracerProvider | undefined;
  readonly #baggageKeys: readonly string[] | undefined;
  #generation = -1;
  #clewTracer: ClewTracer | undefined;
  #propagator: TextMapPropagator | undefined;
  #defaults: PluginDefaults | undefined;
  #tracer: Tracer | undefined;
  #tracerOf: TracerProvider | undefined;
  #ownContext = false;

  /**
   * @param scope     npm name and version of the plugin
   * @param provider  the provider that the user gave, else the global one is looked up
   * @param baggageSpanKeys  what the user gave in place of the provider's default
   */
  constructor(
    scope: { name: string; version: string },
    provider?: TracerProvider,
    baggageSpanKeys?: readonly string[],
  ) {
    this.#scope = scope;
    this.#given = provider;
    this.#baggageKeys = baggageSpanKeys;
  }

  /** What `startTracing` was told for all plugins; `undefined` on another provider. */
  get defaults(): PluginDefaults | undefined {
    this.#refresh();
    return this.#defaults;
  }

  /** The context of the code that runs now. */
  active(): Context {
    this.#refresh();
    return this.#ownContext ? activeContext() : contextApi.active();
  }

  /** Run a function in a context; returns what it returns and throws what it throws. */
  run<A extends unknown[], R>(context: Context, fn: (...args: A) => R, thisArg?: unknown, ...args: A): R {
    this.#refresh();
    if (this.#ownContext) return runInContext(context, fn, thisArg, ...args);
    return contextApi.with(context, fn as (...args: unknown[]) => R, thisArg as undefined, ...args);
  }

  /**
   * Enter a context in the call that runs now, for plugins that have no function to run in it.
   *
   * @returns leaves it again; `undefined` with the context manager of somebody else, which has no way to enter
   */
  enter(context: Context): (() => void) | undefined {
    this.#refresh();
    return this.#ownContext ? enterStored(context) : undefined;
  }

  /**
   * Start a span.
   *
   * @param context  the parent's context
   * @param flat     attributes with unique keys; the span keeps the array, so do not use it again
   * @param group    constants shared with other spans; keys that are not in `flat`
   */
  startSpan(
    name: string,
    kind: SpanKind,
    context: Context,
    flat?: FlatAttributes,
    group?: AttributeGroup,
    links?: Link[],
  ): Span {
    this.#refresh();
    if (this.#clewTracer !== undefined) {
      return this.#clewTracer.startFlat(name, kind, context, flat, group, undefined, links);
    }
    const options: SpanOptions = {
      kind,
      attributes: toAttributes(group?.flat, this.#withBaggage(flat, group, context)),
    };
    if (links !== undefined) options.links = links;
    return this.#foreignTracer().startSpan(name, options, context);
  }

  /**
   * The span of something that will not be recorded, where ids alone tell: its name and attributes need not be worked out.
   *
   * @returns `undefined` when a span has to be started to know; always on another provider than ours
   */
  refuse(context: Context): Span | undefined {
    this.#refresh();
    return this.#clewTracer?.refuse(context);
  }

  /** Whether `refuse` gives a span; for what nobody ever sees the ids of. */
  refuses(context: Context): boolean {
    this.#refresh();
    return this.#clewTracer?.refuses(context) === true;
  }

  /** Start a span from the API's options as the application gave them: they may be anything. */
  startSpanWith(name: string, options: SpanOptions, context: Context): Span {
    this.#refresh();
    return (this.#clewTracer ?? this.#foreignTracer()).startSpan(name, options, context);
  }

  /** The context that a carrier's headers describe, on top of `context`; never throws. */
  extract<C>(context: Context, carrier: C, getter: TextMapGetter<C>): Context {
    this.#refresh();
    try {
      return this.#propagator === undefined
        ? propagation.extract(context, carrier, getter)
        : this.#propagator.extract(context, carrier, getter);
    } catch (error) {
      reportFault('propagator_threw', `extract failed, a new trace starts: ${describeError(error)}`);
      return context;
    }
  }

  /** Write the context's headers into a carrier; never throws. */
  inject<C>(context: Context, carrier: C, setter: TextMapSetter<C>): void {
    this.#refresh();
    try {
      if (this.#propagator === undefined) propagation.inject(context, carrier, setter);
      else this.#propagator.inject(context, carrier, setter);
    } catch (error) {
      reportFault('propagator_threw', `inject failed, headers are missing: ${describeError(error)}`);
    }
  }

  /** The names of the headers that `inject` may write, lower case; for removing or finding them. */
  propagationFields(): string[] {
    this.#refresh();
    return this.#propagator === undefined ? propagation.fields() : this.#propagator.fields();
  }

  #withBaggage(
    flat: FlatAttributes | undefined,
    group: AttributeGroup | undefined,
    context: Context,
  ): FlatAttributes | undefined {
    if (this.#baggageKeys === undefined) return flat;
    const all = flat ?? [];
    addBaggage(all, group, context, this.#baggageKeys, NO_LIMITS);
    return all;
  }

  #refresh(): void {
    const generation = registrationGeneration();
    if (this.#generation !== generation) this.#renew(generation);
  }

  // Apart, because the test before it is compiled into every caller.
  #renew(generation: number): void {
    this.#generation = generation;
    const provider = this.#given ?? registeredProvider();
    const { name, version } = this.#scope;
    if (provider instanceof ClewTracerProvider) {
      this.#clewTracer = provider.clewTracer(name, version, SCHEMA_URL, this.#baggageKeys);
      this.#propagator = provider.propagator;
      this.#defaults = provider.defaults;
      this.#ownContext = !contextManagerIsForeign();
    } else {
      this.#clewTracer = undefined;
      this.#propagator = undefined;
      this.#defaults = undefined;
      this.#ownContext = false;
      if (provider === undefined) warnAboutInvisibleProvider();
    }
  }

  // The API's tracers find a provider that is registered later, but not one that comes after `trace.disable()`.
  #foreignTracer(): Tracer {
    const provider = this.#given ?? trace.getTracerProvider();
    if (this.#tracer === undefined || this.#tracerOf !== provider) {
      const { name, version } = this.#scope;
      this.#tracer = provider.getTracer(name, version, { schemaUrl: SCHEMA_URL });
      this.#tracerOf = provider;
    }
    return this.#tracer;
  }
}

const lookup = new PluginTracing({ name: '@clew/core', version: VERSION });

/**
 * The span context that is active now, for log lines and exemplars.
 *
 * @returns `undefined` when no span is active or its ids are not valid
 */
export function activeSpanContext(): SpanContext | undefined {
  const span = spanOf(lookup.active());
  if (span === undefined) return undefined;
  try {
    // Ours are asked before their ids become texts.
    if (isOwnSpan(span)) return isValidIdentity(span) ? toSpanContext(span) : undefined;
    const context = span.spanContext();
    return isSpanContextValid(context) ? context : undefined;
  } catch {
    // Anything can be set as the span of a context.
    return undefined;
  }
}

/** Add attributes known at the end of a span: by one copy on our spans, one by one on others. */
export function setEndGroup(span: Span, group: AttributeGroup): void {
  if (isRecordingSpan(span)) span.setEndGroup(group);
  else span.setAttributes(toAttributes(group.flat));
}

/**
 * Call a user's hook so that neither an exception nor a rejected promise of it reaches the application.
 *
 * @param name  of the option, for the report
 * @returns what the hook returned, or `undefined` when it threw or returned a promise
 */
export function callHook<A extends unknown[], R>(
  name: string,
  hook: ((...args: A) => R) | undefined,
  ...args: A
): R | undefined {
  if (hook === undefined) return undefined;
  try {
    const result = hook(...args);
    if (!(result instanceof Promise)) return result;
    reportFault('hook_threw', `hook ${name} returned a promise, which nobody waits for`);
    result.catch((error: unknown) => reportFault('hook_threw', `hook ${name} rejected: ${describeError(error)}`));
    return undefined;
  } catch (error) {
    reportFault('hook_threw', `hook ${name} threw: ${describeError(error)}`);
    return undefined;
  }
}
