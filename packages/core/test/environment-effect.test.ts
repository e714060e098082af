import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { type ReadableSpan, startTracing, trace, type Tracing } from '@clew/core';
import { ROOT } from '../src/context.ts';
import type { StartTracingOptions } from '../src/start-options.ts';
import { makeAuthority, readPair } from './support/certificates.ts';
import { type Backend, makeSpans, type Received, startBackend, until } from './support.ts';

/** Tracing with these variables and nothing in code that could beat them. */
function startWith(t: TestContext, env: Record<string, string>, options: StartTracingOptions = {}): Tracing {
  Object.assign(process.env, env);
  try {
    const tracing = startTracing({ register: false, ...options });
    t.after(() => tracing.shutdown());
    return tracing;
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
  }
}

/** What a backend got of some spans. */
async function sent(t: TestContext, env: (url: string) => Record<string, string>, count = 1): Promise<Received[]> {
  const backend = await startBackend(t);
  const tracing = startWith(t, env(backend.url));
  makeSpans(tracing, count);
  await tracing.forceFlush();
  return backend.received;
}

const endpoint = (url: string, more: Record<string, string> = {}) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, ...more });

const PATHS: Array<[env: (url: string) => Record<string, string>, path: string]> = [
  [(url) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url }), '/v1/traces'],
  [(url) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/base/` }), '/base/v1/traces'],
  [(url) => ({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/as/it/is` }), '/as/it/is'],
  [(url) => ({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url }), '/'],
  [(url) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url }), '/'],
  [
    (url) => ({ OTEL_TRACES_EXPORTER: 'zipkin', OTEL_EXPORTER_ZIPKIN_ENDPOINT: `${url}/api/v2/spans` }),
    '/api/v2/spans',
  ],
  [(url) => endpoint(url, { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }), '/v1/traces'],
  [(url) => endpoint(url, { OTEL_TRACES_EXPORTER: 'jaeger' }), '/v1/traces'],
  [(url) => endpoint(url, { HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: '127.0.0.1' }), '/v1/traces'],
];
for (const [env, path] of PATHS) {
  test(`with ${JSON.stringify(env('URL'))} spans are posted to ${path}`, async (t) => {
    const received = await sent(t, env);
    assert.deepEqual(
      received.map((request) => request.path),
      [path],
    );
  });
}

test('OTEL_EXPORTER_OTLP_HEADERS: both lists arrive, percent-decoded, the one for traces wins in any case of a name', async (t) => {
  const [request] = await sent(t, (url) =>
    endpoint(url, {
      OTEL_EXPORTER_OTLP_HEADERS: 'X-Key=a%20b,x-both=general',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'X-Both=traces',
    }),
  );
  assert.deepEqual([request?.headers['x-key'], request?.headers['x-both']], ['a b', 'traces']);
});

test('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json sends JSON, the default protocol buffers', async (t) => {
  const [json] = await sent(t, (url) => endpoint(url, { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' }));
  assert.equal(json?.headers['content-type'], 'application/json');
  assert.equal(JSON.parse(String(json?.body)).resourceSpans.length, 1);
  const [proto] = await sent(t, endpoint);
  assert.equal(proto?.headers['content-type'], 'application/x-protobuf');
});

test('OTEL_EXPORTER_OTLP_COMPRESSION=gzip compresses, the default does not', async (t) => {
  const [gzip] = await sent(t, (url) => endpoint(url, { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }), 100);
  assert.equal(gzip?.headers['content-encoding'], 'gzip');
  const [plain] = await sent(t, endpoint, 100);
  assert.equal(plain?.headers['content-encoding'], undefined);
});

test('OTEL_BSP_MAX_EXPORT_BATCH_SIZE=2 sends four spans in two requests', async (t) => {
  assert.equal((await sent(t, (url) => endpoint(url, { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2' }), 4)).length, 2);
});

test('OTEL_BSP_SCHEDULE_DELAY=1 sends a single span without a flush, before one that waits for the default', async (t) => {
  const slow = await startBackend(t);
  const quick = await startBackend(t);
  const waiting = startWith(t, endpoint(slow.url));
  makeSpans(waiting, 1);
  makeSpans(startWith(t, endpoint(quick.url, { OTEL_BSP_SCHEDULE_DELAY: '1' })), 1);
  await until(() => quick.received.length === 1, 'a request');
  assert.equal(slow.received.length, 0);
  await waiting.shutdown();
});

/** A backend that takes requests and never answers. */
async function startSilent(t: TestContext): Promise<Backend> {
  const backend = await startBackend(t);
  backend.respond = () => {};
  return backend;
}

for (const name of ['OTEL_EXPORTER_OTLP_TIMEOUT', 'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_BSP_EXPORT_TIMEOUT']) {
  test(`${name}=50: an attempt without an answer is followed by another one`, async (t) => {
    const backend = await startSilent(t);
    const env = endpoint(backend.url, {
      [name]: '50',
      OTEL_BSP_SCHEDULE_DELAY: '1',
      CLEW_BATCH_INITIAL_BACKOFF_MS: '1',
    });
    const tracing = startWith(t, env);
    makeSpans(tracing, 1);
    await until(() => backend.received.length >= 2, 'the second attempt');
    backend.respond = (response) => response.end();
    await tracing.shutdown();
  });
}

test('CLEW_EXPORT_CONCURRENCY=1: further batches wait for the answer to the first one', async (t) => {
  const backend = await startSilent(t);
  const open: Array<() => void> = [];
  backend.respond = (response) => void open.push(() => response.end());
  const env = endpoint(backend.url, { CLEW_EXPORT_CONCURRENCY: '1', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1' });
  const tracing = startWith(t, env);
  makeSpans(tracing, 3);
  for (let answered = 0; answered < 3; answered++) {
    await until(() => open.length === 1, 'a request');
    assert.equal(tracing.stats().exporters[0]?.inFlight, 1);
    open.pop()?.();
  }
  await tracing.forceFlush();
  assert.equal(tracing.stats().exporters[0]?.exported, 3);
});

test('CLEW_BATCH_MAX_QUEUE_BYTES=1: one span waits, the others are dropped and counted', async (t) => {
  const { url } = await startBackend(t);
  const tracing = startWith(t, endpoint(url, { CLEW_BATCH_MAX_QUEUE_BYTES: '1' }));
  makeSpans(tracing, 3);
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, { queue_full: 2 });
  await tracing.shutdown();
});

test('OTEL_BSP_MAX_QUEUE_SIZE=2: two spans wait, the others are dropped and counted', async (t) => {
  const { url } = await startBackend(t);
  const env = endpoint(url, { OTEL_BSP_MAX_QUEUE_SIZE: '2', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2' });
  const tracing = startWith(t, env);
  makeSpans(tracing, 1);
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, {});
  makeSpans(tracing, 500);
  const { dropped = {}, accepted } = tracing.stats().exporters[0] ?? {};
  assert.ok((dropped.queue_full ?? 0) > 0 && accepted === 501);
  await tracing.shutdown();
});

test('SSL_CERT_FILE names the authority of a server, and exports to others fail', async (t) => {
  const authority = makeAuthority(t);
  const server = createServer(readPair(authority.issue('server', 'IP:127.0.0.1')), (request, response) => {
    request.resume().on('end', () => response.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const [path, exported] of [
    [authority.caPath, 1],
    [makeAuthority(t).caPath, 0],
    ['/nowhere/ca.pem', 0],
  ] as const) {
    const tracing = startWith(t, endpoint(url, { SSL_CERT_FILE: path }), { batch: { maxRetryElapsedMs: 1 } });
    makeSpans(tracing, 1);
    await tracing.shutdown();
    assert.equal(tracing.stats().exporters[0]?.exported, exported, path);
  }
});

test('the limits of a span hold', (t) => {
  const ended: ReadableSpan[] = [];
  const env = {
    OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '1',
    OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '2',
    OTEL_SPAN_EVENT_COUNT_LIMIT: '2',
    OTEL_SPAN_LINK_COUNT_LIMIT: '1',
    OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: '2',
    OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: '0',
  };
  const tracer = startWith(t, env, {
    exporter: 'none',
    spanProcessors: [{ ...NOTHING, onEnd: (span) => ended.push(span) }],
  });
  const span = tracer.provider.getTracer('t').startSpan('x', { attributes: { a: 'long', b: 1 } });
  const context = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
  for (let i = 0; i < 3; i++) span.addEvent('e', { a: 1, b: 2, c: 3 }).addLink({ context, attributes: { a: 1 } });
  span.end();
  const [seen] = ended;
  assert.deepEqual({ ...seen?.attributes }, { a: 'lo' });
  assert.deepEqual([seen?.events.length, seen?.links.length], [2, 1]);
  assert.deepEqual(Object.keys(seen?.events[0]?.attributes ?? {}), ['a', 'b']);
  assert.deepEqual(Object.keys(seen?.links[0]?.attributes ?? {}), []);
  assert.deepEqual([seen?.droppedAttributesCount, seen?.droppedEventsCount, seen?.droppedLinksCount], [1, 1, 2]);
});

const NOTHING = { onStart: () => {}, onEnd: () => {}, forceFlush: async () => {}, shutdown: async () => {} };

const SAMPLERS: Array<[env: Record<string, string>, root: boolean, child: boolean]> = [
  [{}, true, true],
  [{ OTEL_TRACES_SAMPLER: 'always_off' }, false, false],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, false, true],
  [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, false, false],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, false, true],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: 'half' }, true, true],
  [{ OTEL_TRACES_SAMPLER: 'xray' }, true, true],
];
for (const [env, root, child] of SAMPLERS) {
  test(`with ${JSON.stringify(env)} a root is ${root ? '' : 'not '}recorded, a sampled caller's child is ${child ? 'too' : 'not'}`, (t) => {
    const tracer = startWith(t, env, { exporter: 'none' }).provider.getTracer('t');
    const caller = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1, isRemote: true };
    assert.equal(tracer.startSpan('root').isRecording(), root);
    assert.equal(tracer.startSpan('child', {}, trace.setSpanContext(ROOT, caller)).isRecording(), child);
  });
}

test('OTEL_PROPAGATORS decides what headers are written, none writes none', (t) => {
  const fieldsOf = (names: string) =>
    startWith(t, { OTEL_PROPAGATORS: names }, { exporter: 'none' }).provider.propagator.fields().toSorted();
  assert.deepEqual(fieldsOf(''), ['baggage', 'traceparent', 'tracestate']);
  assert.deepEqual(fieldsOf('B3, b3'), ['b3']);
  assert.deepEqual(fieldsOf('xray,baggage'), ['baggage', 'x-amzn-trace-id']);
  assert.deepEqual(fieldsOf('none'), []);
});

test('OTEL_NODE_RESOURCE_DETECTORS and OTEL_TRACES_EXPORTER take none', (t) => {
  const tracing = startWith(t, { OTEL_NODE_RESOURCE_DETECTORS: 'none', OTEL_TRACES_EXPORTER: 'none' });
  assert.deepEqual(tracing.stats().exporters, []);
  assert.equal('host.name' in tracing.resource.attributes, false);
});

/** What a program prints. */
async function run(source: string, env: Record<string, string>): Promise<{ stdout: string; stderr: string }> {
  const args = [
    '--conditions=clew-source',
    '--input-type=module',
    '-e',
    `import { startTracing, withSpan } from '@clew/core';${source}`,
  ];
  const child = spawn(process.execPath, args, {
    cwd: import.meta.dirname,
    env: { ...process.env, ...env },
    timeout: 20_000,
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { stdout, stderr };
}

test('OTEL_TRACES_EXPORTER=otlp/stdout prints OTLP as a line of JSON for each batch', async () => {
  const source = `const tracing = startTracing();
    withSpan('first\\n', () => {}); await tracing.forceFlush(); withSpan('second', () => {});`;
  const { stdout, stderr } = await run(source, { OTEL_TRACES_EXPORTER: 'otlp/stdout', OTEL_SERVICE_NAME: 'svc' });
  assert.equal(stderr, '');
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ resourceSpans: [{ scopeSpans }] }) => scopeSpans[0].spans[0].name),
    ['first\n', 'second'],
  );
  assert.match(stdout, /"svc"/);
});

test('OTEL_LOG_LEVEL=none keeps standard error empty, the default tells of wrong variables', async () => {
  const wrong = { OTEL_BSP_SCHEDULE_DELAY: 'soon', OTEL_TRACES_EXPORTER: 'none' };
  assert.equal((await run('startTracing();', { ...wrong, OTEL_LOG_LEVEL: 'none' })).stderr, '');
  assert.match((await run('startTracing();', wrong)).stderr, /^clew: OTEL_BSP_SCHEDULE_DELAY must be .* got "soon"/);
});

test('what is given in code beats every variable', async (t) => {
  const backend = await startBackend(t);
  const env = {
    OTEL_SERVICE_NAME: 'variable',
    OTEL_TRACES_SAMPLER: 'always_off',
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_PROPAGATORS: 'none',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-a=variable,x-b=variable',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1',
  };
  const tracing = startWith(t, env, {
    serviceName: 'code',
    sampler: 1,
    exporter: 'otlp',
    propagators: ['b3'],
    endpoint: backend.url,
    headers: { 'x-a': 'code' },
    batch: { maxExportBatchSpans: 100 },
  });
  makeSpans(tracing, 3);
  await tracing.forceFlush();
  assert.equal(backend.received.length, 1);
  assert.deepEqual([backend.received[0]?.headers['x-a'], backend.received[0]?.headers['x-b']], ['code', 'variable']);
  assert.equal(tracing.resource.attributes['service.name'], 'code');
  assert.deepEqual(tracing.provider.propagator.fields(), ['b3']);
});
