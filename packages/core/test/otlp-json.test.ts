/** OTLP in JSON on the wire: the variable that asks for it, how values are written, and the answers. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { decodeOtlpJson } from '@clew/testkit';
import { type Attributes, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { parsePartialSuccessJson } from '../src/export/otlp-response.ts';
import { accountedFor, makeSpans, startBackend, startTest } from './support.ts';

function useJson(t: TestContext): void {
  t.after(() => {
    delete process.env.OTEL_EXPORTER_OTLP_PROTOCOL;
  });
  process.env.OTEL_EXPORTER_OTLP_PROTOCOL = 'http/json';
}

// What a value of each kind looks like; that it reads back is in otlp-encoding.test.ts.
const VALUES: Array<[key: string, given: unknown, written: string]> = [
  ['text', 'a"ü\ud800', '{"stringValue":"a\\"ü\ufffd"}'],
  ['truth', false, '{"boolValue":false}'],
  ['integer', -5, '{"intValue":"-5"}'],
  ['double', 0.5, '{"doubleValue":0.5}'],
  ['minus', -0, '{"doubleValue":-0}'],
  ['nan', Number.NaN, '{"doubleValue":"NaN"}'],
  ['bytes', new Uint8Array([1, 255]), '{"bytesValue":"Af8="}'],
  ['list', [1, null], '{"arrayValue":{"values":[{"intValue":"1"},{}]}}'],
  [
    'map',
    { deep: 2n ** 62n },
    '{"kvlistValue":{"values":[{"key":"deep","value":{"intValue":"4611686018427387904"}}]}}',
  ],
];

test('http/json sends ids in hex, enums as numbers, 64-bit integers as texts, and no member without a value', async (t) => {
  useJson(t);
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url, resource: { team: 'shop' } });
  const attributes = Object.fromEntries(VALUES.map(([key, given]) => [key, given])) as Attributes;
  const startTime: [number, number] = [1_700_000_000, 123_456];
  const span = tracing.provider
    .getTracer('lib', '1.2.3')
    .startSpan('näme', { kind: SpanKind.CONSUMER, startTime, attributes });
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'no stock' });
  span.end([1_700_000_001, 999_999_000]);
  await tracing.forceFlush();
  const [request] = backend.received;
  assert.equal(request?.path, '/v1/traces');
  assert.equal(request?.headers['content-type'], 'application/json');
  const { traceId, spanId } = span.spanContext();
  const text = request?.body.toString('utf8') ?? '';
  const written = VALUES.map(([key, , value]) => `{"key":"${key}","value":${value}}`).join(',');
  assert.equal(
    text.slice(text.indexOf(',"scopeSpans"')),
    ',"scopeSpans":[{"scope":{"name":"lib","version":"1.2.3"},"spans":[' +
      `{"traceId":"${traceId}","spanId":"${spanId}","flags":259,"name":"näme","kind":5,` +
      '"startTimeUnixNano":"1700000000000123456","endTimeUnixNano":"1700000001999999000",' +
      `"attributes":[${written}],"status":{"message":"no stock","code":2}}]}]}]}`,
  );
  const { resource } = decodeOtlpJson(Buffer.from(text));
  assert.deepEqual(
    [resource[0], resource.at(-1)],
    [
      ['service.name', 'test'],
      ['team', 'shop'],
    ],
  );
});

test('spans that a JSON answer rejects are counted exactly', async (t) => {
  useJson(t);
  const backend = await startBackend(t);
  backend.respond = (response) => response.end('{"partialSuccess":{"rejectedSpans":"10","errorMessage":"full"}}');
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 100);
  await tracing.forceFlush();
  const { exported, rejected } = tracing.stats().exporters[0] ?? assert.fail();
  assert.deepEqual([exported, rejected], [90, 10]);
  assert.deepEqual(accountedFor(tracing), { accepted: 100, sum: 100 });
});

const ANSWERS: Array<[body: string, result: { rejected: number; message?: string }]> = [
  ['', { rejected: 0 }],
  ['{}', { rejected: 0 }],
  ['{"half":', { rejected: 0 }],
  ['null', { rejected: 0 }],
  ['[]', { rejected: 0 }],
  ['{"partialSuccess":null}', { rejected: 0 }],
  ['{"partialSuccess":{}}', { rejected: 0 }],
  ['{"partialSuccess":{"rejectedSpans":3}}', { rejected: 3 }],
  ['{"partialSuccess":{"rejectedSpans":"x","errorMessage":""}}', { rejected: 0 }],
  ['{"partialSuccess":{"rejectedSpans":-1,"errorMessage":7}}', { rejected: 0 }],
  ['{"partialSuccess":{"errorMessage":"soon"}}', { rejected: 0, message: 'soon' }],
];
for (const [body, result] of ANSWERS) {
  test(`the JSON answer ${JSON.stringify(body)} means ${JSON.stringify(result)}`, () => {
    assert.deepEqual(parsePartialSuccessJson(Buffer.from(body)), result);
  });
}
