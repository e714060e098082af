/**
 * The three back ends that every plugin's tests run on: Clew's provider, the official SDK (its provider, context
 * manager and propagators registered globally), and none at all.
 */
import { type CollectedSpan, SpanCollector } from '@clew/core/testing';
import { startTracing } from '@clew/core';
import {
  type Attributes,
  context,
  propagation,
  SamplingDecision,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider as SdkTracerProvider,
} from '@opentelemetry/sdk-trace';

/** Which back end a test runs on. */
export type BackendKind = 'clew' | 'sdk' | 'none';

/** All of them, for `for (const kind of BACKENDS)` around tests. */
export const BACKENDS: readonly BackendKind[] = ['clew', 'sdk', 'none'];

/** The part of a test's context that is used. */
export interface TestContext {
  after(fn: () => void | Promise<void>): void;
}

/** How a back end is set up. */
export interface BackendOptions {
  /** The share of traces that is sampled, 0 to 1, or `watched`: all, and `seenBySampler` is filled. Default 1. */
  sampler?: number | 'watched';
}

/** A running back end. */
export interface Backend {
  readonly kind: BackendKind;
  /** Whether spans are made at all. */
  readonly records: boolean;
  /** The registered provider; `undefined` for `none`. Plugins find it by themselves. */
  readonly provider: TracerProvider | undefined;
  /** The start attributes that a watched sampler was given, one object for each span. */
  readonly seenBySampler: readonly Attributes[];
  /** Wait for a finished span and take it; see `CollectedSpans.take`. */
  take(which: string | ((span: CollectedSpan) => boolean), timeoutMs?: number): Promise<CollectedSpan>;
  /** Take every finished span that was not taken yet. */
  all(): CollectedSpan[];
}

/**
 * Start a back end and register it globally for one test; ended by `t.after`, which also fails the test for spans
 * that no assertion took. Tests of one file run one after another, so they do not disturb each other.
 */
export function startBackend(t: TestContext, kind: BackendKind, options: BackendOptions = {}): Backend {
  const collector = new SpanCollector();
  const seenBySampler: Attributes[] = [];
  const { sampler: given = 1 } = options;
  const sampler = given === 'watched' ? new WatchedSampler(seenBySampler) : given;
  const provider =
    kind === 'clew' ? startClew(t, collector, sampler) : kind === 'sdk' ? startSdk(t, collector, sampler) : undefined;
  t.after(() => collector.assertNone());
  return {
    kind,
    records: kind !== 'none',
    provider,
    seenBySampler,
    take: (which, timeoutMs) => collector.take(which, timeoutMs),
    all: () => collector.all(),
  };
}

/** Takes every trace, and notes what it was told. */
class WatchedSampler {
  readonly #seen: Attributes[];

  constructor(seen: Attributes[]) {
    this.#seen = seen;
  }

  shouldSample(...[, , , , attributes]: [unknown, unknown, unknown, unknown, Attributes, ...unknown[]]): {
    decision: SamplingDecision;
  } {
    // A copy with an ordinary prototype, as assertions compare that too.
    this.#seen.push({ ...attributes });
    return { decision: SamplingDecision.RECORD_AND_SAMPLED };
  }

  toString(): string {
    return 'WatchedSampler';
  }
}

function startClew(t: TestContext, collector: SpanCollector, sampler: number | WatchedSampler): TracerProvider {
  const tracing = startTracing({ serviceName: 'test', exporter: 'none', spanProcessors: [collector], sampler });
  t.after(() => tracing.shutdown());
  return tracing.provider;
}

function startSdk(t: TestContext, collector: SpanCollector, sampler: number | WatchedSampler): TracerProvider {
  // Our collector takes any object of ReadableSpan's shape, which is what the SDK hands over.
  const provider = new SdkTracerProvider({
    spanProcessors: [collector as never],
    sampler:
      typeof sampler === 'number' ? new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampler) }) : sampler,
  });
  const manager = new AsyncLocalStorageContextManager().enable();
  const propagator = new CompositePropagator({
    propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(manager);
  propagation.setGlobalPropagator(propagator);
  t.after(async () => {
    trace.disable();
    context.disable();
    propagation.disable();
    await provider.shutdown();
  });
  return provider;
}
