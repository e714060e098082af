/** The cases of the HTTP server suite about metrics, and about exceptions as log records. */
import assert from 'node:assert/strict';
import { trace } from '@clew/core';
import type { MeterProvider } from '@opentelemetry/api';
import { metrics } from '@opentelemetry/api';
import type { Exchange, HttpServerBench, HttpServerCase } from './http-server-bench.ts';
import { failLater } from './http-server-end-cases.ts';
import { type CollectedMetrics, collectLogs, collectMetrics, type MetricPoint } from './signals.ts';

const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** What holds where spans are made. */
export const HTTP_SERVER_SIGNAL_CASES: readonly HttpServerCase[] = [
  ['a duration is a series for route, status and error, as long as its span', durations],
  ['a duration is recorded in the context of its span', exemplarContext],
  ['requests that are not sampled are measured too', measured, 0],
  ['the durations of before 1.23 are there in dup mode', oldDurations],
  ['a meter provider that comes later, goes, and is replaced is found', laterProvider],
  ['active requests are counted while they last, when asked for', activeRequests],
  ['what is ignored is not measured', ignoredRequests],
  ['durations can be turned off', withoutDurations],
  ['a meter provider that throws changes neither answer nor span', throwingProvider],
  ['exceptions are log records instead of events when asked for', exceptionLogs],
  ['exceptions of requests that are not sampled are log records too', exceptionLogsUnsampled, 0],
  ['exceptions are both when asked for', exceptionLogsAndEvents],
];

/** What holds without a tracer provider. */
export const HTTP_SERVER_SIGNAL_CASES_WITHOUT_PROVIDER: readonly HttpServerCase[] = [
  ['requests are measured', measured],
];

function handle({ params, send, response }: Exchange): unknown {
  if (params.id === 'fails') return failLater();
  if (params.id === 'busy') return send(503, 'busy');
  if (params.id === 'gone') return response.destroy();
  return send(200, 'ok');
}

async function pointsOf(collected: CollectedMetrics, name: string): Promise<readonly MetricPoint[]> {
  return (await collected.collect())[name]?.points ?? [];
}

/** Series by their attributes, in an order of their own. */
function byAttributes(points: readonly MetricPoint[]): unknown[] {
  return points.map(({ attributes, count }) => [attributes, count]).sort((a, b) => compare(a[0], b[0]));
}

function compare(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

const COMMON = { 'http.request.method': 'GET', 'url.scheme': 'http', 'network.protocol.version': '1.1' };

async function durations(bench: HttpServerBench): Promise<void> {
  const collected = collectMetrics(bench.t);
  const server = await bench.open(handle);
  let spanSeconds = 0;
  for (const path of ['/users/1', '/users/2', '/nothing', '/users/fails', '/users/busy']) {
    await server.request(path);
    const [seconds, nanos] = (await bench.takeServerSpan()).span.duration;
    spanSeconds += seconds + nanos / 1e9;
  }
  const request = server.open('/users/gone');
  await new Promise((resolve) => request.on('close', resolve));
  const [seconds, nanos] = (await bench.takeServerSpan()).span.duration;
  spanSeconds += seconds + nanos / 1e9;
  const metric = (await collected.collect())['http.server.request.duration'];
  assert.equal(metric?.unit, 's');
  assert.equal(metric.scope, bench.scope);
  assert.match(metric.schemaUrl ?? '', /\/1\.45\.0$/);
  assert.deepEqual(metric.points[0]?.boundaries, BUCKETS);
  const routed = { ...COMMON, 'http.route': '/users/:id' };
  const expected: Array<[Record<string, unknown>, number]> = [
    [{ ...routed, 'http.response.status_code': 200 }, 2],
    [{ ...COMMON, 'http.response.status_code': 404 }, 1],
    [{ ...routed, 'http.response.status_code': 500, 'error.type': 'OutOfStockError' }, 1],
    [{ ...routed, 'http.response.status_code': 503, 'error.type': '503' }, 1],
    [{ ...routed, 'error.type': 'response_destroyed' }, 1],
  ];
  assert.deepEqual(
    byAttributes(metric.points),
    expected.sort((a, b) => compare(a[0], b[0])),
  );
  const sum = metric.points.reduce((all, point) => all + point.sum, 0);
  assert.ok(Math.abs(sum - spanSeconds) < 1e-6, `${sum} s measured, ${spanSeconds} s in spans`);
}

async function exemplarContext(bench: HttpServerBench): Promise<void> {
  const { contexts } = collectMetrics(bench.t);
  const server = await bench.open(handle);
  await server.request('/users/1');
  const span = await bench.takeServerSpan();
  const [[, context] = []] = contexts;
  assert.ok(context);
  assert.equal(trace.getSpanContext(context)?.spanId, span.spanId);
}

async function measured(bench: HttpServerBench): Promise<void> {
  const collected = collectMetrics(bench.t);
  const server = await bench.open(handle);
  for (const id of ['1', '2', 'fails']) await server.request(`/users/${id}`);
  await server.close();
  const routed = { ...COMMON, 'http.route': '/users/:id' };
  assert.deepEqual(byAttributes(await pointsOf(collected, 'http.server.request.duration')), [
    [{ ...routed, 'http.response.status_code': 200 }, 2],
    [{ ...routed, 'http.response.status_code': 500, 'error.type': 'OutOfStockError' }, 1],
  ]);
  assert.deepEqual(bench.backend.all(), []);
}

async function oldDurations(bench: HttpServerBench): Promise<void> {
  const collected = collectMetrics(bench.t);
  const server = await bench.open(handle, { semconv: 'dup' });
  await server.request('/users/1');
  await bench.takeServerSpan();
  const all = await collected.collect();
  const [current] = all['http.server.request.duration']?.points ?? [];
  const old = all['http.server.duration'];
  assert.equal(old?.unit, 'ms');
  assert.deepEqual(byAttributes(old.points), [
    [
      {
        'http.method': 'GET',
        'http.scheme': 'http',
        'http.status_code': 200,
        'http.route': '/users/:id',
        'http.flavor': '1.1',
        'net.host.name': '127.0.0.1',
        'net.host.port': server.port,
      },
      1,
    ],
  ]);
  assert.equal(old.points[0]?.sum, (current?.sum ?? 0) * 1000);
}

async function laterProvider(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(handle);
  const request = async (): Promise<void> => {
    await server.request('/users/1');
    await bench.takeServerSpan();
  };
  await request();
  for (let i = 0; i < 2; i++) {
    const collected = collectMetrics(bench.t);
    await request();
    metrics.disable();
    await request();
    const [point, ...others] = await pointsOf(collected, 'http.server.request.duration');
    assert.equal(others.length, 0);
    assert.equal(point?.count, 1);
  }
}

async function activeRequests(bench: HttpServerBench): Promise<void> {
  const collected = collectMetrics(bench.t, { register: false });
  const counts: Array<number | undefined> = [];
  const count = async (): Promise<void> => {
    counts.push((await pointsOf(collected, 'http.server.active_requests'))[0]?.count);
  };
  const server = await bench.open(
    async (exchange) => {
      await count();
      handle(exchange);
    },
    { activeRequestsMetric: true, meterProvider: collected.provider },
  );
  await server.request('/users/1');
  await bench.takeServerSpan();
  await count();
  assert.deepEqual(counts, [1, 0]);
  const metric = (await collected.collect())['http.server.active_requests'];
  assert.equal(metric?.unit, '{request}');
  assert.deepEqual(metric.points[0]?.attributes, { 'http.request.method': 'GET', 'url.scheme': 'http' });
}

async function ignoredRequests(bench: HttpServerBench): Promise<void> {
  const collected = collectMetrics(bench.t);
  const server = await bench.open(handle, { ignore: () => true, activeRequestsMetric: true });
  await server.request('/users/1');
  await server.close();
  assert.deepEqual(await collected.collect(), {});
}

async function withoutDurations(bench: HttpServerBench): Promise<void> {
  const collected = collectMetrics(bench.t);
  const server = await bench.open(handle, { durationMetric: false, semconv: 'dup' });
  await server.request('/users/1');
  await bench.takeServerSpan();
  assert.deepEqual(await collected.collect(), {});
}

async function throwingProvider(bench: HttpServerBench): Promise<void> {
  const fail = (): never => {
    throw new Error('a meter provider failed');
  };
  const instrument = { record: fail, add: fail };
  const providers = [
    { getMeter: fail },
    { getMeter: () => ({ createHistogram: () => instrument, createUpDownCounter: () => instrument }) },
  ];
  for (const provider of providers) {
    // Only what is called of a meter provider is there.
    const meterProvider = provider as unknown as MeterProvider;
    const server = await bench.open(handle, { meterProvider, activeRequestsMetric: true });
    assert.equal((await server.request('/users/1')).body, 'ok');
    assert.equal((await bench.takeServerSpan()).name, 'GET /users/:id');
  }
}

function optIn(bench: HttpServerBench, value: string): void {
  process.env.OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN = value;
  bench.t.after(() => {
    delete process.env.OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN;
  });
}

/** A failing request, and the one log record that it leaves. */
async function failAndLog(bench: HttpServerBench, value: string): Promise<{ traceId?: string; spanId?: string }> {
  optIn(bench, value);
  const exporter = collectLogs(bench.t);
  let active: { traceId?: string; spanId?: string } = {};
  const server = await bench.open(() => {
    active = trace.getActiveSpan()?.spanContext() ?? {};
    return failLater();
  });
  await server.request('/users/1');
  await server.close();
  const [record, ...others] = exporter.getFinishedLogRecords();
  assert.equal(others.length, 0);
  assert.equal(record?.eventName, 'http.server.request.exception');
  assert.deepEqual([record.severityNumber, record.severityText], [17, 'ERROR']);
  assert.equal(record.instrumentationScope.name, bench.scope);
  const { 'exception.stacktrace': stack, ...attributes } = record.attributes;
  assert.deepEqual(attributes, { 'exception.type': 'OutOfStockError', 'exception.message': 'no pens left' });
  assert.match(String(stack), /^OutOfStockError: no pens left\n {4}at failLater/);
  assert.deepEqual([record.spanContext?.traceId, record.spanContext?.spanId], [active.traceId, active.spanId]);
  return active;
}

async function exceptionLogs(bench: HttpServerBench): Promise<void> {
  const { spanId } = await failAndLog(bench, 'logs');
  const span = await bench.takeServerSpan();
  assert.equal(span.spanId, spanId);
  assert.deepEqual(span.events, []);
  assert.equal(span.attributes['error.type'], 'OutOfStockError');
  assert.equal(span.status.message, 'no pens left');
}

async function exceptionLogsUnsampled(bench: HttpServerBench): Promise<void> {
  await failAndLog(bench, 'logs');
  assert.deepEqual(bench.backend.all(), []);
}

async function exceptionLogsAndEvents(bench: HttpServerBench): Promise<void> {
  await failAndLog(bench, 'logs/dup');
  const span = await bench.takeServerSpan();
  assert.deepEqual(
    span.events.map(({ name }) => name),
    ['exception'],
  );
}
