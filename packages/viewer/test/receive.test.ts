/** The receivers on real sockets: official exporters, both encodings, limits, and senders that are wrong or hostile. */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider, BatchLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { TracerProvider, SimpleSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace';

import { MAX_BODY_BYTES, MAX_INFLATED_BYTES } from '../src/http/body.ts';
import { officialTypes, post, request, send, TRACE, testViewer, traceId } from './sending.ts';

const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const types = officialTypes();

const EXPORTERS: ReadonlyArray<readonly [string, (url: string) => SpanExporter]> = [
  ['protobuf', (url) => new ProtoTraceExporter({ url })],
  ['protobuf, gzip', (url) => new ProtoTraceExporter({ url, compression: 'gzip' as never })],
  ['JSON', (url) => new JsonTraceExporter({ url })],
  ['JSON, gzip', (url) => new JsonTraceExporter({ url, compression: 'gzip' as never })],
];
for (const [name, exporter] of EXPORTERS) {
  test(`the official exporter (${name}) delivers a span with all its parts`, async (t) => {
    const viewer = await testViewer(t);
    const provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'orders', 'service.version': '7' }),
      spanProcessors: [new SimpleSpanProcessor({ exporter: exporter(`${viewer.otlpUrl}/v1/traces`) })],
    });
    const span = provider.getTracer('my-lib', '1.2').startSpan('charge', {
      kind: SpanKind.SERVER,
      attributes: { text: 'ü', n: 5, x: 1.5, ok: true, list: ['a', 'b'] },
    });
    span.addEvent('retry', { attempt: 2 });
    span.setStatus({ code: 2, message: 'declined' });
    span.end();
    await provider.forceFlush();
    const { traceId, spanId } = span.spanContext();
    const { spans } = await viewer.waitForTrace(traceId);
    const [received] = spans;
    assert.ok(received !== undefined);
    assert.equal(received.spanId, spanId);
    assert.equal(received.kind, 'SERVER');
    assert.deepEqual(received.attributes, { text: 'ü', n: 5, x: 1.5, ok: true, list: ['a', 'b'] });
    assert.deepEqual(
      received.events.map((event) => [event.name, event.attributes]),
      [['retry', { attempt: 2 }]],
    );
    assert.deepEqual(received.status, { code: 'ERROR', message: 'declined' });
    assert.equal(received.service, 'orders');
    assert.equal(received.resource['service.version'], '7');
    assert.deepEqual(received.scope, { name: 'my-lib', version: '1.2' });
    await provider.shutdown();
  });
}

test('the official log exporter delivers a line that joins its trace', async (t) => {
  const viewer = await testViewer(t);
  await send(viewer, {});
  const exporter = new OTLPLogExporter({ url: `${viewer.otlpUrl}/v1/logs` });
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'orders' }),
    processors: [new BatchLogRecordProcessor({ exporter })],
  });
  const context = trace.setSpanContext(ROOT_CONTEXT, { traceId: TRACE, spanId: '0000000000000001', traceFlags: 1 });
  provider
    .getLogger('log')
    .emit({ severityNumber: 13, body: 'slow', attributes: { tookMs: 12 }, timestamp: 1790000000123, context });
  await provider.forceFlush();
  await viewer.flush();
  const [held] = await viewer.traces();
  assert.deepEqual(held?.logs, [
    {
      traceId: TRACE,
      timeNs: 1790000000123000000n,
      level: 'warn',
      spanId: '0000000000000001',
      service: 'orders',
      msg: 'slow',
      fields: { tookMs: 12 },
    },
  ]);
  await provider.shutdown();
});

test('both ports receive', async (t) => {
  const viewer = await testViewer(t);
  const body = JSON.stringify(request({}));
  assert.equal((await post(`${viewer.otlpUrl}/v1/traces`, body)).status, 200);
  assert.equal((await post(`${viewer.url}/v1/traces`, body)).status, 200);
  assert.equal((await post(`${viewer.url}/v1/logs`, '{}')).status, 200);
});

test('an accepted request is answered in its own type, empty', async (t) => {
  const viewer = await testViewer(t);
  const json = await send(viewer, {});
  assert.equal(json.headers.get('content-type'), 'application/json');
  assert.deepEqual(await json.json(), {});
  const proto = await post(`${viewer.otlpUrl}/v1/traces`, new Uint8Array(), PROTOBUF);
  assert.equal(proto.headers.get('content-type'), 'application/x-protobuf');
  assert.equal((await proto.bytes()).length, 0);
});

test('spans without a valid id are counted in partialSuccess, the others are kept', async (t) => {
  const viewer = await testViewer(t);
  const body = request({}, { spanId: '00' });
  const reply = await post(`${viewer.otlpUrl}/v1/traces`, JSON.stringify(body));
  assert.equal(reply.status, 200);
  assert.deepEqual(await reply.json(), {
    partialSuccess: { rejectedSpans: '1', errorMessage: 'invalid span id "00"' },
  });
  const asBytes = { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'no ids' }] }] }] };
  const proto = await post(
    `${viewer.otlpUrl}/v1/traces`,
    Buffer.from(types.traces.encode(types.traces.fromObject(asBytes)).finish()),
    PROTOBUF,
  );
  const message = types.tracesReply.toObject(types.tracesReply.decode(Buffer.from(await proto.arrayBuffer())), {
    longs: Number,
  });
  assert.deepEqual(message, { partialSuccess: { rejectedSpans: 1, errorMessage: 'invalid trace id ""' } });
  assert.equal((await viewer.traces())[0]?.spans.length, 1);
});

test('a body that is no JSON is a google.rpc.Status in JSON', async (t) => {
  const viewer = await testViewer(t);
  for (const body of ['{', '', '[]', '{"resourceSpans":5}', 'null x', '{"a":"\u0001"}']) {
    const reply = await post(`${viewer.otlpUrl}/v1/traces`, body);
    assert.equal(reply.status, 400, body);
    const status = (await reply.json()) as { code: number; message: string };
    assert.equal(status.code, 3);
    assert.notEqual(status.message, '');
  }
});

test('a body that is no protobuf is a google.rpc.Status in protobuf', async (t) => {
  const viewer = await testViewer(t);
  for (const path of ['/v1/traces', '/v1/logs']) {
    const reply = await post(viewer.otlpUrl + path, Buffer.from([0x0a, 0x05, 0x01]), PROTOBUF);
    assert.equal(reply.status, 400);
    assert.equal(reply.headers.get('content-type'), 'application/x-protobuf');
    const status = types.status.toObject(types.status.decode(Buffer.from(await reply.arrayBuffer())));
    assert.deepEqual(status, { code: 3, message: 'truncated: 5 bytes wanted, 1 left' });
  }
});

const TYPES: ReadonlyArray<readonly [string, number]> = [
  ['application/json; charset=utf-8', 200],
  ['Application/JSON', 200],
  ['text/plain', 415],
  ['application/x-www-form-urlencoded', 415],
  ['application/grpc', 415],
];
for (const [type, status] of TYPES) {
  test(`content-type ${type} is answered with ${status}`, async (t) => {
    const viewer = await testViewer(t);
    assert.equal((await post(`${viewer.otlpUrl}/v1/traces`, '{}', { 'content-type': type })).status, status);
  });
}

test('a content-encoding that is not gzip is answered with 415', async (t) => {
  const viewer = await testViewer(t);
  const reply = await post(`${viewer.otlpUrl}/v1/traces`, '{}', { 'content-encoding': 'br' });
  assert.equal(reply.status, 415);
  assert.match(((await reply.json()) as { message: string }).message, /content-encoding "br"/);
});

test('a body that says gzip and is not is answered with 400', async (t) => {
  const viewer = await testViewer(t);
  assert.equal((await post(`${viewer.otlpUrl}/v1/traces`, '{}', { 'content-encoding': 'gzip' })).status, 400);
  const cut = gzipSync(JSON.stringify(request({}))).subarray(0, 40);
  assert.equal((await post(`${viewer.otlpUrl}/v1/traces`, cut, { 'content-encoding': 'gzip' })).status, 400);
});

test('a body of 16 MB is read, one byte more is answered with 413', async (t) => {
  const viewer = await testViewer(t);
  const largest = `{}${' '.repeat(MAX_BODY_BYTES - 2)}`;
  assert.equal((await post(`${viewer.otlpUrl}/v1/traces`, largest)).status, 200);
  const reply = await post(`${viewer.otlpUrl}/v1/traces`, `${largest} `);
  assert.equal(reply.status, 413);
  assert.match(((await reply.json()) as { message: string }).message, /more than 16777216 bytes/);
});

test('a body over 16 MB that does not tell its length is answered with 413', async (t) => {
  const viewer = await testViewer(t);
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const options = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const outgoing = httpRequest(`${viewer.otlpUrl}/v1/traces`, options, (response) =>
      resolve(response.resume().statusCode),
    );
    outgoing.on('error', reject);
    for (let sent = 0; sent <= 16; sent++) outgoing.write(Buffer.alloc(1024 * 1024, 0x20));
    outgoing.end();
  });
  assert.equal(status, 413);
});

test('a body that inflates to 64 MB is read, one byte more is answered with 413', async (t) => {
  const viewer = await testViewer(t);
  const gzip = { 'content-encoding': 'gzip' };
  const largest = Buffer.alloc(MAX_INFLATED_BYTES, 0x20);
  largest.write('{}');
  assert.equal((await post(`${viewer.otlpUrl}/v1/traces`, gzipSync(largest), gzip)).status, 200);
  const reply = await post(`${viewer.otlpUrl}/v1/traces`, gzipSync(Buffer.concat([largest, Buffer.from(' ')])), gzip);
  assert.equal(reply.status, 413);
  assert.match(((await reply.json()) as { message: string }).message, /inflates to more than 67108864 bytes/);
});

test('ten gzip bombs at once are refused one by one, and the viewer goes on', async (t) => {
  const viewer = await testViewer(t);
  const bomb = gzipSync(Buffer.alloc(4 * MAX_INFLATED_BYTES));
  const bombs = Array.from({ length: 10 }, () =>
    post(`${viewer.otlpUrl}/v1/traces`, bomb, { 'content-encoding': 'gzip' }),
  );
  assert.deepEqual(
    (await Promise.all(bombs)).map(({ status }) => status),
    bombs.map(() => 413),
  );
  assert.equal((await send(viewer, {})).status, 200);
});

test('a sender that goes away in the middle of its body harms nobody', async (t) => {
  const viewer = await testViewer(t);
  const { port } = new URL(viewer.otlpUrl);
  await new Promise<void>((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.write(
        'POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"reso',
      );
      socket.end(() => socket.destroy());
    });
    socket.on('close', () => resolve()).on('error', reject);
  });
  assert.equal((await send(viewer, {})).status, 200);
  await viewer.flush();
});

test('after a refused body the connection serves the next request', async (t) => {
  const viewer = await testViewer(t);
  const { port } = new URL(viewer.otlpUrl);
  const post = 'POST /v1/traces HTTP/1.1\r\nhost: localhost\r\n';
  const answers = await new Promise<string>((resolve, reject) => {
    let received = '';
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.write(`${post}content-type: text/plain\r\ncontent-length: 5\r\n\r\nhello`);
      socket.write(`${post}content-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`);
    });
    socket.on('data', (chunk) => {
      received += chunk.toString();
    });
    socket.on('close', () => resolve(received)).on('error', reject);
  });
  assert.deepEqual(answers.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 415', 'HTTP/1.1 200']);
});

test('pino lines are counted, and those of a trace are found with it', async (t) => {
  const viewer = await testViewer(t);
  const lines = [
    { level: 30, time: 1790000000002, name: 'shop', trace_id: TRACE, span_id: '0000000000000001', msg: 'later' },
    { level: 30, time: 1790000000001, name: 'shop', trace_id: TRACE, msg: 'sooner' },
    { level: 30, time: 1790000000003, name: 'shop', msg: 'no trace' },
  ];
  const body = `${lines.map((line) => JSON.stringify(line)).join('\n')}\nnot json\n`;
  const reply = await post(`${viewer.url}/api/clew/logs`, body, { 'content-type': 'application/x-ndjson' });
  assert.equal(reply.status, 202);
  assert.deepEqual(await reply.json(), { accepted: 3, rejected: 1 });
  const found = await (await fetch(`${viewer.url}/api/clew/traces/${TRACE}/logs`)).json();
  assert.deepEqual(found, {
    lines: [
      { timeNs: '1790000000001000000', level: 'info', spanId: '', service: 'shop', msg: 'sooner', fields: {} },
      {
        timeNs: '1790000000002000000',
        level: 'info',
        spanId: '0000000000000001',
        service: 'shop',
        msg: 'later',
        fields: {},
      },
    ],
  });
});

test('pino lines as text/plain, which a foreign form can send, are answered with 415', async (t) => {
  const viewer = await testViewer(t);
  const reply = await post(`${viewer.url}/api/clew/logs`, '{}', { 'content-type': 'text/plain' });
  assert.equal(reply.status, 415);
  assert.equal(((await reply.json()) as { error: { code: string } }).error.code, 'content-type');
});

test('over maxSpans the oldest traces go with their log lines, counted in the statistics', async (t) => {
  const viewer = await testViewer(t, { maxSpans: 3 });
  await post(`${viewer.url}/api/clew/logs`, JSON.stringify({ trace_id: traceId(1), msg: 'a' }));
  for (const id of [1, 2, 3, 4]) await send(viewer, { traceId: traceId(id) });
  const stats = (await (await fetch(`${viewer.url}/api/clew/stats`)).json()) as Record<string, unknown>;
  assert.equal(stats.spans, 3);
  assert.equal(stats.evictedTraces, 1);
  assert.equal(stats.evictedSpans, 1);
  assert.deepEqual(stats.logs, {
    lines: 0,
    maxLines: 3,
    bytes: 0,
    linesWithoutTrace: 0,
    rejectedLines: 0,
    evictedLines: 1,
  });
  assert.equal((await fetch(`${viewer.url}/api/traces/${traceId(1)}`)).status, 404);
});
