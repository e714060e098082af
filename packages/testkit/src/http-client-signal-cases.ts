/** The cases of the HTTP client suite about single attributes, metrics, and exceptions as log records. */
import assert from 'node:assert/strict';
import { trace } from '@clew/core';
import type { Attributes } from '@opentelemetry/api';
import type { ClientBench, HttpClientCase } from './http-client-bench.ts';
import { collectLogs, collectMetrics, type MetricPoint } from './signals.ts';

const REFUSED = 'http://127.0.0.1:2/';
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** Names that no current attribute has. */
const OLD_NAME = /^(net\.|http\.(method|status_code|url|flavor)$)/;

/** What holds where spans are made. */
export const HTTP_CLIENT_SIGNAL_CASES: readonly HttpClientCase[] = [
  ['samplers see what is known at the start, and no more', startAttributes, 'watched'],
  ['signatures are redacted each time they occur, and the rest stays byte for byte', redaction],
  ['a template that is given is recorded and part of the name', template],
  ['listed response headers are recorded as lists, and secrets stay secret', headers],
  ['in dup mode the old names stand beside the new ones with the same redacted values', oldNames],
  ['a duration is a series for status and error, as long as its span', durations],
  ['requests that are not sampled are measured too', measured, 0],
  ['the durations of before 1.23 are there in dup mode', oldDurations],
  ['active requests are counted while they last, when asked for', activeRequests],
  ['hooks that reject or never settle change nothing', asyncHooks],
  ['exceptions are log records instead of events when asked for', exceptionLogs],
];

/** What holds without a tracer provider. */
export const HTTP_CLIENT_SIGNAL_CASES_WITHOUT_PROVIDER: readonly HttpClientCase[] = [
  ['requests are measured', measured],
];

function portOf({ origin }: ClientBench): number {
  return Number(new URL(origin.url).port);
}

async function startAttributes(bench: ClientBench): Promise<void> {
  await bench.client().request(`${bench.origin.url}/items?sig=secret`);
  await bench.take();
  assert.deepEqual(bench.backend.seenBySampler, [
    {
      'http.request.method': 'GET',
      'url.full': `${bench.origin.url}/items?sig=REDACTED`,
      'server.address': '127.0.0.1',
      'server.port': portOf(bench),
    },
  ]);
}

async function redaction(bench: ClientBench): Promise<void> {
  const rest = 'q=%7e+x%20y&Sig=kept&my-sig=kept&q=2';
  await bench.client().request(`${bench.origin.url}/a?sig=a&${rest}&sig=b&X-Goog-Signature=c`);
  assert.equal(
    (await bench.take()).attributes['url.full'],
    `${bench.origin.url}/a?sig=REDACTED&${rest}&sig=REDACTED&X-Goog-Signature=REDACTED`,
  );
  await bench.closeClients();
  await bench.client({ redactQueryKeys: ['token'] }).request(`${bench.origin.url}/a?sig=shown&token=t`);
  assert.equal((await bench.take()).attributes['url.full'], `${bench.origin.url}/a?sig=shown&token=REDACTED`);
}

async function template(bench: ClientBench): Promise<void> {
  await bench.client({ urlTemplate: () => '/items/{id}' }).request(`${bench.origin.url}/items/7`);
  const { name, attributes } = await bench.take();
  assert.deepEqual([name, attributes['url.template']], ['GET /items/{id}', '/items/{id}']);
}

async function headers(bench: ClientBench): Promise<void> {
  for (const allowSensitiveHeaders of [false, true]) {
    const client = bench.client({ captureResponseHeaders: ['Set-Cookie', 'x-missing'], allowSensitiveHeaders });
    await client.request(bench.origin.url);
    const { attributes } = await bench.take();
    const seen = Object.entries(attributes).filter(([key]) => key.startsWith('http.response.header.'));
    assert.deepEqual(seen, [['http.response.header.set-cookie', [allowSensitiveHeaders ? 'a=1' : 'REDACTED']]]);
    await bench.closeClients();
  }
}

async function oldNames(bench: ClientBench): Promise<void> {
  await bench.client({ semconv: 'dup' }).request(`${bench.origin.url}/items?sig=secret`);
  const { attributes } = await bench.take();
  // Who sees the socket adds what it knows of it.
  const {
    'net.peer.ip': ip,
    'net.transport': transport,
    ...old
  } = Object.fromEntries(Object.entries(attributes).filter(([key]) => OLD_NAME.test(key)));
  assert.deepEqual(old, {
    'http.method': 'GET',
    'http.status_code': 200,
    'http.url': `${bench.origin.url}/items?sig=REDACTED`,
    'net.peer.name': '127.0.0.1',
    'net.peer.port': portOf(bench),
  });
  const seesSocket = attributes['network.peer.address'] !== undefined;
  assert.deepEqual([ip, transport], seesSocket ? ['127.0.0.1', 'ip_tcp'] : [undefined, undefined]);
}

/** One series of `http.client.request.duration` for requests to the origin. */
function series(bench: ClientBench, more: Attributes): Attributes {
  return { 'http.request.method': 'GET', 'server.address': '127.0.0.1', 'server.port': portOf(bench), ...more };
}

function byAttributes(points: readonly MetricPoint[] | undefined): unknown[] {
  return (points ?? []).map(({ attributes, count }) => [attributes, count]);
}

async function durations(bench: ClientBench): Promise<void> {
  const collected = collectMetrics(bench.t);
  const client = bench.client();
  let spanSeconds = 0;
  const spanIds: string[] = [];
  for (const url of [bench.origin.url, `${bench.origin.url}/status/404`, REFUSED]) {
    await client.request(url).catch(() => undefined);
    const { span, spanId } = await bench.take();
    spanSeconds += span.duration[0] + span.duration[1] / 1e9;
    spanIds.push(spanId);
  }
  const metric = (await collected.collect())['http.client.request.duration'];
  assert.deepEqual([metric?.unit, metric?.scope], ['s', bench.scope]);
  assert.deepEqual(metric?.points[0]?.boundaries, BUCKETS);
  assert.deepEqual(byAttributes(metric?.points), [
    [series(bench, { 'http.response.status_code': 200 }), 1],
    [series(bench, { 'http.response.status_code': 404, 'error.type': '404' }), 1],
    [series(bench, { 'server.port': 2, 'error.type': 'ECONNREFUSED' }), 1],
  ]);
  const sum = metric?.points.reduce((all, point) => all + point.sum, 0) ?? 0;
  assert.ok(Math.abs(sum - spanSeconds) < 1e-6, `${sum} s measured, ${spanSeconds} s in spans`);
  const contexts = collected.contexts.map(([, context]) => context && trace.getSpanContext(context)?.spanId);
  assert.deepEqual(contexts, spanIds);
}

async function measured(bench: ClientBench): Promise<void> {
  const collected = collectMetrics(bench.t);
  const client = bench.client();
  for (const path of ['/a', '/b', '/status/503']) await client.request(bench.origin.url + path);
  await client.request(REFUSED).catch(() => undefined);
  const cancelled = new AbortController();
  const call = client.request(`${bench.origin.url}/silent`, { signal: cancelled.signal });
  setTimeout(() => cancelled.abort(), 20);
  await assert.rejects(call);
  const metric = (await collected.collect())['http.client.request.duration'];
  assert.deepEqual(byAttributes(metric?.points), [
    [series(bench, { 'http.response.status_code': 200 }), 2],
    [series(bench, { 'http.response.status_code': 503, 'error.type': '503' }), 1],
    [series(bench, { 'server.port': 2, 'error.type': 'ECONNREFUSED' }), 1],
    // Cancelled by the caller, which is no error.
    [series(bench, {}), 1],
  ]);
  assert.deepEqual(bench.backend.all(), []);
}

async function oldDurations(bench: ClientBench): Promise<void> {
  const collected = collectMetrics(bench.t);
  await bench.client({ semconv: 'dup' }).request(bench.origin.url);
  await bench.take();
  const all = await collected.collect();
  const old = all['http.client.duration'];
  assert.equal(old?.unit, 'ms');
  assert.deepEqual(old.points[0]?.attributes, {
    'http.method': 'GET',
    'http.scheme': 'http',
    'http.status_code': 200,
    'net.peer.name': '127.0.0.1',
    'net.peer.port': portOf(bench),
  });
  assert.equal(old.points[0]?.sum, (all['http.client.request.duration']?.points[0]?.sum ?? 0) * 1000);
}

async function activeRequests(bench: ClientBench): Promise<void> {
  const { provider, collect } = collectMetrics(bench.t, { register: false });
  const client = bench.client({
    meterProvider: provider,
    activeRequestsMetric: true,
    durationMetric: false,
    urlTemplate: () => '/t',
  });
  const call = client.request(bench.origin.url);
  const active = async (): Promise<unknown> => byAttributes((await collect())['http.client.active_requests']?.points);
  const before = active();
  await call;
  await bench.take();
  const attributes = series(bench, { 'url.template': '/t' });
  assert.deepEqual([await before, await active()], [[[attributes, 1]], [[attributes, 0]]]);
  assert.deepEqual(Object.keys(await collect()), ['http.client.active_requests']);
}

async function asyncHooks(bench: ClientBench): Promise<void> {
  const hooks: Array<() => unknown> = [() => Promise.reject(new Error('mine')), () => new Promise(() => undefined)];
  for (const hook of hooks) {
    // JavaScript lets an application give such functions, whatever their types say.
    const given = hook as () => never;
    const client = bench.client({
      ignore: given,
      urlTemplate: given,
      requestAttributes: given,
      responseAttributes: given,
    });
    assert.deepEqual(await client.request(`${bench.origin.url}/x`), { status: 200, body: 'GET /x' });
    const { name, status } = await bench.take();
    assert.deepEqual([name, status.code], ['GET', 0]);
    await bench.closeClients();
  }
}

async function exceptionLogs(bench: ClientBench): Promise<void> {
  process.env.OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN = 'logs';
  bench.t.after(() => {
    delete process.env.OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN;
  });
  const exporter = collectLogs(bench.t);
  await assert.rejects(bench.client().request(REFUSED));
  const span = await bench.take();
  assert.deepEqual([span.events, span.attributes['error.type']], [[], 'ECONNREFUSED']);
  const records = exporter.getFinishedLogRecords();
  assert.deepEqual(
    records.map((one) => [one.eventName, one.severityNumber, one.instrumentationScope.name, one.spanContext?.spanId]),
    [['http.client.request.exception', 13, bench.scope, span.spanId]],
  );
}
