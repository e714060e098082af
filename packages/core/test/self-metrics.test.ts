import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { metrics } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { observeTracing } from '../src/export/self-metrics.ts';
import { makeSpans, startBackend, startTest, until } from './support.ts';
import { makeSpoolDir } from './support/spool.ts';

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

type Points = Record<string, Array<[attributes: Record<string, unknown>, value: unknown]>>;

/** Registers a real meter provider and returns how to collect from it. */
function startMetrics(t: TestContext): () => Promise<Points> {
  const reader = new Reader();
  const provider = new MeterProvider({ readers: [reader] });
  metrics.setGlobalMeterProvider(provider);
  t.after(async () => {
    metrics.disable();
    await provider.shutdown();
  });
  return async () => {
    const { resourceMetrics, errors } = await reader.collect();
    assert.deepEqual(errors, []);
    const points: Points = {};
    for (const { descriptor, dataPoints } of resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)) {
      points[descriptor.name] = dataPoints.map(({ attributes, value }) => [attributes, value]);
    }
    return points;
  };
}

const of = (type: string): Record<string, string> => ({
  'otel.component.type': type,
  'otel.component.name': `${type}/0`,
});
const PROCESSOR = of('batching_span_processor');
const OTLP = of('otlp_http_exporter');

test('the numbers of the ledger are there as otel.sdk metrics', async (t) => {
  const collect = startMetrics(t);
  const backend = await startBackend(t);
  // After five batches partial_success { rejected_spans: 10 }, then an outage and a refusal.
  backend.respond = (response, count) => {
    if (count === 6) response.end(Buffer.from([0x0a, 0x02, 0x08, 10]));
    else response.writeHead(count === 7 ? 503 : count === 9 ? 400 : 200).end();
  };
  const tracing = startTest(t, { endpoint: backend.url, batch: { maxQueueSpans: 100, scheduledDelayMs: 60_000 } });
  // Four batches under way at once, one in the queue.
  for (const count of [600, 30, 30, 5]) {
    makeSpans(tracing, count);
    await tracing.forceFlush();
  }
  makeSpans(tracing, 3);
  const live = tracing.provider.getTracer('t').startSpan('live');
  const points = await collect();
  assert.deepEqual(points['otel.sdk.span.started'], [[{}, 669]]);
  assert.deepEqual(points['otel.sdk.span.live'], [[{}, 1]]);
  assert.deepEqual(points['otel.sdk.processor.span.queue.size'], [[PROCESSOR, 3]]);
  assert.deepEqual(points['otel.sdk.processor.span.queue.capacity'], [[PROCESSOR, 100]]);
  assert.deepEqual(points['otel.sdk.processor.span.processed'], [
    [{ ...PROCESSOR, 'error.type': 'queue_full' }, 100],
    [PROCESSOR, 565],
  ]);
  assert.deepEqual(points['otel.sdk.exporter.span.inflight'], [[OTLP, 0]]);
  assert.deepEqual(points['otel.sdk.exporter.span.exported'], [
    [OTLP, 550],
    [{ ...OTLP, 'error.type': 'rejected' }, 10],
    [{ ...OTLP, 'error.type': 'http_400' }, 5],
  ]);
  assert.deepEqual(points['clew.exporter.retries'], [[OTLP, 1]]);
  const counts = points['otel.sdk.exporter.operation.duration']?.map(([attributes, value]) => [
    attributes['error.type'],
    (value as { count: number }).count,
  ]);
  assert.deepEqual(counts, [
    [undefined, 7],
    ['retry', 1],
    ['http_400', 1],
  ]);
  const delivered = backend.received
    .filter((_, i) => i !== 6 && i !== 8)
    .reduce((sum, { body }) => sum + body.length, 0);
  assert.deepEqual(points['clew.exporter.bytes'], [[OTLP, delivered]]);
  live.end();
  assert.deepEqual((await collect())['otel.sdk.span.live'], [[{}, 0]]);
  await tracing.shutdown();
});

test('during an outage the waiting spans are in flight', async (t) => {
  const collect = startMetrics(t);
  const backend = await startBackend(t);
  backend.respond = (response) => response.writeHead(503).end();
  const tracing = startTest(t, { exporter: 'zipkin', endpoint: backend.url });
  makeSpans(tracing, 4);
  await until(() => backend.received.length > 0, 'an attempt');
  const points = await collect();
  assert.deepEqual(points['otel.sdk.exporter.span.inflight'], [[of('zipkin_http_exporter'), 4]]);
  backend.respond = (response) => response.end();
  await tracing.shutdown();
  assert.equal(tracing.stats().exporters[0]?.exported, 4);
});

test('what is on disk is measured, and what was removed from there unsent', async (t) => {
  const collect = startMetrics(t);
  const backend = await startBackend(t);
  backend.respond = (response) => response.writeHead(503).end();
  const spool = { dir: makeSpoolDir(t), maxBytes: 2000 };
  const tracing = startTest(t, { endpoint: backend.url, spool, batch: { maxRetryElapsedMs: 1 } });
  for (let i = 1; i <= 5; i++) {
    makeSpans(tracing, 10);
    const settled = (): number => {
      const { spooled = 0, dropped = {} } = tracing.stats().exporters[0] ?? {};
      // The oldest file makes room, unless it is just being sent: then the new batch is lost, for its own reason.
      return spooled + (dropped.spool_evicted ?? 0) + (dropped.retry_gave_up ?? 0);
    };
    await until(() => settled() === 10 * i, 'the file');
  }
  const { spooled, dropped, spool: onDisk } = tracing.stats().exporters[0] ?? assert.fail();
  const points = await collect();
  assert.deepEqual(points['clew.spool.files'], [[OTLP, spooled / 10]]);
  assert.deepEqual(points['clew.spool.bytes'], [[OTLP, onDisk?.bytes]]);
  assert.deepEqual(points['clew.spool.evicted'], [[OTLP, 50 - spooled - (dropped.retry_gave_up ?? 0)]]);
  assert.ok(spooled > 0 && (dropped.spool_evicted ?? 0) > 0, JSON.stringify({ spooled, dropped }));
  await tracing.shutdown();
});

test('once stopped, nothing is asked for its numbers any more', async (t) => {
  const collect = startMetrics(t);
  let asked = 0;
  const spans = (): { started: number; ended: number } => ({ started: ++asked, ended: 0 });
  const stop = observeTracing({ spans, exporters: () => [] });
  await collect();
  assert.equal(asked, 2, 'by two instruments');
  stop();
  await collect();
  assert.equal(asked, 2);
});
