/**
 * The three back ends that every plugin's tests run on: Clew's provider, the official SDK (its provider, context
 * manager and propagators registered globally), and none at all.
 */
import { type CollectedSpan, SpanCollector } from '@clew/core/testing';
import { startTracing } from '@clew/core';
import { context, propagation, type TracerProvider, trace } from '@opentelemetry/api';
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
  /** The share of traces that is sampled, 0 to 1. Default 1. */
  sampler?: number;
}

/** A running back end. */
export interface Backend {
  readonly kind: BackendKind;
  /** Whether spans are made at all. */
  readonly records: boolean;
  /** The registered provider; `undefined` for `none`. Plugins find it by themselves. */
  readonly provider: TracerProvider | undefined;
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
  const ratio = options.sampler ?? 1;
  const provider =
    kind === 'clew' ? startClew(t, collector, ratio) : kind === 'sdk' ? startSdk(t, collector, ratio) : undefined;
  t.after(() => collector.assertNone());
  return {
    kind,
    records: kind !== 'none',
    provider,
    take: (which, timeoutMs) => collector.take(which, timeoutMs),
    all: () => collector.all(),
  };
}

function startClew(t: TestContext, collector: SpanCollector, sampler: number): TracerProvider {
  const tracing = startTracing({ serviceName: 'test', exporter: 'none', spanProcessors: [collector], sampler });
  t.after(() => tracing.shutdown());
  return tracing.provider;
}

function startSdk(t: TestContext, collector: SpanCollector, ratio: number): TracerProvider {
  // Our collector takes any object of ReadableSpan's shape, which is what the SDK hands over.
  const provider = new SdkTracerProvider({
    spanProcessors: [collector as never],
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
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
