import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Attributes, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { accountedFor, type Backend, makeSpans, startBackend, startTest, until } from './support.ts';

// biome-ignore lint/suspicious/noExplicitAny: what a backend got is checked field by field.
function spansOf(backend: Backend): any[] {
  return backend.received.flatMap(({ body }) => JSON.parse(body.toString('utf8')));
}

test('a span is posted as Zipkin v2 JSON to /api/v2/spans, with every part of it', async (t) => {
  const backend = await startBackend(t);
  const tracing = startTest(t, {
    exporter: 'zipkin',
    endpoint: backend.url,
    headers: { 'x-key': 'k' },
    resource: { team: 'shop' },
    limits: { attributeCountLimit: 3, eventCountLimit: 2, linkCountLimit: 0 },
  });
  const tracer = tracing.provider.getTracer('lib', '1.2.3');
  const span = tracer.startSpan('pay €\ud800', {
    kind: SpanKind.CLIENT,
    startTime: [1_700_000_000, 123_456_789],
    attributes: { 'peer.service': 'bank', list: [1, 'a', true], __proto__x: 7, over: 1 },
    links: [{ context: { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 } }],
  });
  span.addEvent('asked', [1_700_000_000, 200_000_999]);
  span.addEvent('answered', { code: 7, why: 'say "no"' }, [1_700_000_000, 300_000_000]);
  span.addEvent('over');
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'refused' });
  span.end([1_700_000_000, 125_456_789]);
  await tracing.forceFlush();
  const [request] = backend.received;
  assert.equal(request?.path, '/api/v2/spans');
  assert.equal(request?.headers['content-type'], 'application/json');
  assert.equal(request?.headers['x-key'], 'k');
  const [got] = spansOf(backend);
  const { traceId, spanId } = span.spanContext();
  const { tags, ...rest } = got;
  assert.deepEqual(rest, {
    traceId,
    id: spanId,
    kind: 'CLIENT',
    name: 'pay €\ufffd',
    timestamp: 1_700_000_000_123_456,
    duration: 2000,
    localEndpoint: { serviceName: 'test' },
    remoteEndpoint: { serviceName: 'bank' },
    annotations: [
      { timestamp: 1_700_000_000_200_000, value: 'asked' },
      { timestamp: 1_700_000_000_300_000, value: '"answered": {"code":7,"why":"say \\"no\\""}' },
    ],
  });
  const own = Object.fromEntries(
    Object.entries(tags).filter(([key]) => !/^(host|os|process|service|telemetry)\./.test(key)),
  );
  assert.deepEqual(own, {
    team: 'shop',
    'peer.service': 'bank',
    list: '[1,"a",true]',
    __proto__x: '7',
    'otel.scope.name': 'lib',
    'otel.scope.version': '1.2.3',
    'otel.dropped_attributes_count': '1',
    'otel.dropped_events_count': '1',
    'otel.dropped_links_count': '1',
    'otel.status_code': 'ERROR',
    error: 'refused',
  });
  assert.equal(tags['telemetry.sdk.name'], 'clew');
  assert.equal('service.name' in tags, false, 'the name of the service is in localEndpoint');
});

const KINDS: Array<[SpanKind, string | undefined]> = [
  [SpanKind.INTERNAL, undefined],
  [SpanKind.SERVER, 'SERVER'],
  [SpanKind.CLIENT, 'CLIENT'],
  [SpanKind.PRODUCER, 'PRODUCER'],
  [SpanKind.CONSUMER, 'CONSUMER'],
];
for (const [kind, word] of KINDS) {
  test(`kind ${SpanKind[kind]} is ${word ?? 'left out'}; a child names its parent; no duration is 0`, async (t) => {
    const backend = await startBackend(t);
    const tracing = startTest(t, { exporter: 'zipkin', endpoint: `${backend.url}/api/v2/spans` });
    const tracer = tracing.provider.clewTracer('lib');
    const parent = tracer.startSpan('parent');
    const at: [number, number] = [1_700_000_000, 0];
    tracer.startSpan('child', { kind, startTime: at }, trace.setSpan(ROOT_CONTEXT, parent)).end(at);
    parent.end();
    await tracing.forceFlush();
    const [got] = spansOf(backend);
    assert.deepEqual([got.kind, got.parentId, got.duration], [word, parent.spanContext().spanId, 1]);
    assert.equal(got.annotations, undefined);
  });
}

const REMOTES: Array<[title: string, SpanKind, Attributes, object | undefined]> = [
  [
    'peer.service before server.address',
    SpanKind.CLIENT,
    { 'server.address': 'a', 'peer.service': 'b' },
    { serviceName: 'b' },
  ],
  [
    'a host with its port',
    SpanKind.CLIENT,
    { 'server.address': 'db', 'server.port': 5432 },
    { serviceName: 'db', port: 5432 },
  ],
  [
    'an IPv4 address',
    SpanKind.PRODUCER,
    { 'network.peer.address': '10.0.0.1', 'network.peer.port': 9092 },
    { ipv4: '10.0.0.1', port: 9092 },
  ],
  ['an IPv6 address', SpanKind.CLIENT, { 'network.peer.address': '::1' }, { ipv6: '::1' }],
  ['a port out of range', SpanKind.CLIENT, { 'server.address': 'db', 'server.port': 65536 }, { serviceName: 'db' }],
  ['an empty name', SpanKind.CLIENT, { 'peer.service': '', 'db.name': 'shop' }, { serviceName: 'shop' }],
  ['nothing that names it', SpanKind.CLIENT, { a: 'b' }, undefined],
  ['a server', SpanKind.SERVER, { 'server.address': 'self' }, undefined],
];
for (const [title, kind, attributes, expected] of REMOTES) {
  test(`the remote endpoint of ${title}`, async (t) => {
    const backend = await startBackend(t);
    const tracing = startTest(t, { exporter: 'zipkin', endpoint: backend.url });
    tracing.provider.getTracer('lib').startSpan('s', { kind, attributes }).end();
    await tracing.forceFlush();
    assert.deepEqual(spansOf(backend)[0].remoteEndpoint, expected);
  });
}

const STATUSES: Array<[title: string, code: SpanStatusCode, error: unknown, tags: [unknown, unknown]]> = [
  ['unset', SpanStatusCode.UNSET, undefined, [undefined, undefined]],
  ['unset with error=false', SpanStatusCode.UNSET, false, [undefined, undefined]],
  ['unset with error=true', SpanStatusCode.UNSET, true, [undefined, 'true']],
  ['OK', SpanStatusCode.OK, undefined, ['OK', undefined]],
  ['error without a text', SpanStatusCode.ERROR, undefined, ['ERROR', '']],
];
for (const [title, code, error, expected] of STATUSES) {
  test(`the tags of status ${title}`, async (t) => {
    const backend = await startBackend(t);
    const tracing = startTest(t, { exporter: 'zipkin', endpoint: backend.url });
    const span = tracing.provider.getTracer('lib').startSpan('s', { attributes: { error } as Attributes });
    span.setStatus({ code });
    span.end();
    await tracing.forceFlush();
    const { tags } = spansOf(backend)[0];
    assert.deepEqual([tags['otel.status_code'], tags.error], expected);
  });
}

test('values without a form of their own in Zipkin become text', async (t) => {
  const backend = await startBackend(t);
  const tracing = startTest(t, { exporter: 'zipkin', endpoint: backend.url });
  const attributes = {
    nan: Number.NaN,
    big: 2n ** 63n - 1n,
    bytes: new Uint8Array([1, 2, 255]),
    map: { a: [1, null, Number.POSITIVE_INFINITY, 2n], 'q"': 'x\ud800' },
    empty: '',
  };
  tracing.provider
    .getTracer('lib')
    .startSpan('s', { attributes: attributes as never })
    .end();
  await tracing.forceFlush();
  const { tags } = spansOf(backend)[0];
  assert.deepEqual(
    [tags.nan, tags.big, tags.bytes, tags.map, tags.empty],
    ['NaN', '9223372036854775807', 'AQL/', '{"a":[1,null,"Infinity","2"],"q\\"":"x\ufffd"}', ''],
  );
});

test('202 is a success, 503 is tried again, 400 drops the batch; the ledger is exact', async (t) => {
  const backend = await startBackend(t);
  const answers = [202, 503, 503, 202, 400];
  backend.respond = (response, count) => response.writeHead(answers[count - 1] ?? 500).end();
  const tracing = startTest(t, { exporter: 'zipkin', endpoint: backend.url });
  makeSpans(tracing, 2);
  await tracing.forceFlush();
  makeSpans(tracing, 3);
  await until(() => tracing.stats().exporters[0]?.exported === 5, 'the second batch');
  makeSpans(tracing, 4);
  await tracing.forceFlush();
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, { http_400: 4 });
  assert.deepEqual(accountedFor(tracing), { accepted: 9, sum: 9 });
  assert.deepEqual(
    backend.received.map(({ body }) => JSON.parse(String(body)).length),
    [2, 3, 3, 3, 4],
  );
});

test('OTEL_TRACES_EXPORTER=zipkin sends to OTEL_EXPORTER_ZIPKIN_ENDPOINT as it is', async (t) => {
  const backend = await startBackend(t);
  t.after(() => {
    delete process.env.OTEL_TRACES_EXPORTER;
    delete process.env.OTEL_EXPORTER_ZIPKIN_ENDPOINT;
  });
  process.env.OTEL_TRACES_EXPORTER = 'zipkin';
  process.env.OTEL_EXPORTER_ZIPKIN_ENDPOINT = `${backend.url}/mine`;
  const tracing = startTest(t, {});
  makeSpans(tracing, 1);
  await tracing.forceFlush();
  assert.deepEqual(
    backend.received.map(({ path }) => path),
    ['/mine'],
  );
});

test('beside otlp, the endpoint is of OTLP and Zipkin is where its variable says', async (t) => {
  const otlp = await startBackend(t);
  const zipkin = await startBackend(t);
  t.after(() => {
    delete process.env.OTEL_EXPORTER_ZIPKIN_ENDPOINT;
  });
  process.env.OTEL_EXPORTER_ZIPKIN_ENDPOINT = `${zipkin.url}/api/v2/spans`;
  const tracing = startTest(t, { exporter: ['otlp', 'zipkin'], endpoint: otlp.url });
  makeSpans(tracing, 1);
  await tracing.forceFlush();
  assert.deepEqual(
    [otlp, zipkin].map(({ received }) => received.map(({ path }) => path)),
    [['/v1/traces'], ['/api/v2/spans']],
  );
});
