/** Real meter and logger providers of the official SDK for one test, and what they have collected. */
import { type Attributes, type Context, logs, type MeterProvider, metrics } from '@opentelemetry/api';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { MeterProvider as SdkMeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { TestContext } from './backends.ts';

/** One series of a metric. */
export interface MetricPoint {
  readonly attributes: Attributes;
  /** How many measurements a histogram has; the value of a sum. */
  readonly count: number;
  /** Of a histogram's measurements; the value of a sum. */
  readonly sum: number;
  /** Upper bounds of a histogram's buckets; empty for a sum. */
  readonly boundaries: readonly number[];
}

/** One metric, as the SDK collected it. */
export interface CollectedMetric {
  readonly name: string;
  readonly unit: string;
  /** The npm package that made it. */
  readonly scope: string;
  readonly schemaUrl: string | undefined;
  readonly points: readonly MetricPoint[];
}

/** A running meter provider. */
export interface CollectedMetrics {
  readonly provider: MeterProvider;
  /** The contexts that measurements were made in, by metric. */
  readonly contexts: ReadonlyArray<readonly [metric: string, context: Context | undefined]>;
  /** Everything so far, by metric name. */
  collect(): Promise<Record<string, CollectedMetric>>;
}

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/**
 * Start the official SDK's meter provider for one test.
 *
 * @param options.register  make it the global one. Default true
 */
export function collectMetrics(t: TestContext, options: { register?: boolean } = {}): CollectedMetrics {
  const reader = new Reader();
  const contexts: Array<readonly [string, Context | undefined]> = [];
  const watched = ['http.server.request.duration', 'http.client.request.duration'];
  const provider = new SdkMeterProvider({
    readers: [reader],
    // What the SDK hands to views is what it has for exemplars.
    views: watched.map((instrumentName) => ({
      instrumentName,
      attributesProcessors: [
        {
          process(attributes, context) {
            contexts.push([instrumentName, context]);
            return attributes;
          },
        },
      ],
    })),
  });
  if (options.register !== false) metrics.setGlobalMeterProvider(provider);
  t.after(async () => {
    if (options.register !== false) metrics.disable();
    await provider.shutdown();
  });
  return { provider, contexts, collect: () => collect(reader) };
}

async function collect(reader: Reader): Promise<Record<string, CollectedMetric>> {
  const { resourceMetrics, errors } = await reader.collect();
  if (errors.length > 0) throw errors[0];
  const found: Record<string, CollectedMetric> = {};
  for (const { scope, metrics: ofScope } of resourceMetrics.scopeMetrics) {
    for (const { descriptor, dataPoints } of ofScope) {
      const { name, unit } = descriptor;
      const points = dataPoints.map(({ attributes, value }) => toPoint(attributes, value));
      found[name] = { name, unit, scope: scope.name, schemaUrl: scope.schemaUrl, points };
    }
  }
  return found;
}

function toPoint(attributes: Attributes, value: unknown): MetricPoint {
  if (typeof value === 'number') return { attributes, count: value, sum: value, boundaries: [] };
  // Only sums and histograms with fixed buckets are made here.
  const { count, sum, buckets } = value as { count: number; sum: number; buckets: { boundaries: number[] } };
  return { attributes, count, sum, boundaries: buckets.boundaries };
}

/** Register the official SDK's logger provider for one test; returns the exporter that keeps its records. */
export function collectLogs(t: TestContext): InMemoryLogRecordExporter {
  const exporter = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] });
  logs.setGlobalLoggerProvider(provider);
  t.after(async () => {
    logs.disable();
    await provider.shutdown();
  });
  return exporter;
}
