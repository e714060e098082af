import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Attributes, SpanKind, SpanStatusCode, type TraceState } from '@opentelemetry/api';
import fc from 'fast-check';
import { parsePartialSuccessJson } from '../src/export/otlp-response.ts';
import { parseTraceState } from '../src/propagation/tracestate.ts';
import { accountedFor, type Backend, makeSpans, startBackend, startTest } from './support.ts';

function useJson(t: import('node:test').TestContext): void {
  t.after(() => {
    delete process.env.OTEL_EXPORTER_OTLP_PROTOCOL;
  });
  process.env.OTEL_EXPORTER_OTLP_PROTOCOL = 'http/json';
}

// biome-ignore lint/suspicious/noExplicitAny: what a backend got is checked field by field.
function requestsOf(backend: Backend): any[] {
  return backend.received.map(({ body }) => JSON.parse(body.toString('utf8')));
}

test('http/json sends ids in hex, enums as numbers and 64-bit integers as texts', async (t) => {
  useJson(t);
  const backend = await startBackend(t);
  const tracing = startTest(t, {
    endpoint: backend.url,
    resource: { team: 'shop' },
    limits: { attributeCountLimit: 8, eventCountLimit: 1, linkCountLimit: 1, attributePerLinkCountLimit: 1 },
  });
  const tracer = tracing.provider.getTracer('lib', '1.2.3', { schemaUrl: 'https://example.org/schema' });
  const target = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: 1,
    isRemote: true,
    traceState: parseTraceState('vendor=1') as TraceState,
  };
  const span = tracer.startSpan('näme\ud800', {
    kind: SpanKind.CONSUMER,
    startTime: [1_700_000_000, 123_456],
    links: [{ context: target, attributes: { why: 'batch', over: 1 } }, { context: target }],
    attributes: {
      text: 'x',
      truth: false,
      integer: -5,
      double: 0.5,
      minus: -0,
      nan: Number.NaN,
      bytes: new Uint8Array([1, 255]),
      list: [1, null, { deep: 2n ** 62n }],
      over: 1,
    } as never,
  });
  span.addEvent('reached', { step: 3 }, [1_700_000_000, 500_000_000]);
  span.addEvent('over');
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'no stock' });
  span.end([1_700_000_001, 999_999_000]);
  await tracing.forceFlush();
  assert.equal(backend.received[0]?.path, '/v1/traces');
  assert.equal(backend.received[0]?.headers['content-type'], 'application/json');
  const [{ resourceSpans }] = requestsOf(backend);
  const { resource, scopeSpans } = resourceSpans[0];
  assert.deepEqual(resource.attributes[0], { key: 'service.name', value: { stringValue: 'test' } });
  assert.deepEqual(resource.attributes.at(-1), { key: 'team', value: { stringValue: 'shop' } });
  assert.deepEqual(scopeSpans, [
    {
      scope: { name: 'lib', version: '1.2.3' },
      schemaUrl: 'https://example.org/schema',
      spans: [
        {
          traceId: span.spanContext().traceId,
          spanId: span.spanContext().spanId,
          flags: 0x103,
          name: 'näme\ufffd',
          kind: 5,
          startTimeUnixNano: '1700000000000123456',
          endTimeUnixNano: '1700000001999999000',
          attributes: [
            { key: 'text', value: { stringValue: 'x' } },
            { key: 'truth', value: { boolValue: false } },
            { key: 'integer', value: { intValue: '-5' } },
            { key: 'double', value: { doubleValue: 0.5 } },
            { key: 'minus', value: { doubleValue: -0 } },
            { key: 'nan', value: { doubleValue: 'NaN' } },
            { key: 'bytes', value: { bytesValue: 'Af8=' } },
            {
              key: 'list',
              value: {
                arrayValue: {
                  values: [
                    { intValue: '1' },
                    {},
                    { kvlistValue: { values: [{ key: 'deep', value: { intValue: '4611686018427387904' } }] } },
                  ],
                },
              },
            },
          ],
          droppedAttributesCount: 1,
          events: [
            {
              timeUnixNano: '1700000000500000000',
              name: 'reached',
              attributes: [{ key: 'step', value: { intValue: '3' } }],
            },
          ],
          droppedEventsCount: 1,
          links: [
            {
              ...{ traceId: target.traceId, spanId: target.spanId, traceState: 'vendor=1', flags: 0x301 },
              attributes: [{ key: 'why', value: { stringValue: 'batch' } }],
              droppedAttributesCount: 1,
            },
          ],
          droppedLinksCount: 1,
          status: { message: 'no stock', code: 2 },
        },
      ],
    },
  ]);
});

test('spans of several tracers share one request, and the next batch starts anew', async (t) => {
  useJson(t);
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url });
  for (const name of ['a', 'b', 'a']) tracing.provider.getTracer(name).startSpan(name).end();
  await tracing.forceFlush();
  tracing.provider.getTracer('b').startSpan('b').end();
  await tracing.forceFlush();
  const shapes = requestsOf(backend).map(({ resourceSpans }) =>
    resourceSpans[0].scopeSpans.map(({ scope, spans }: { scope: { name: string }; spans: unknown[] }) => [
      scope.name,
      spans.length,
    ]),
  );
  assert.deepEqual(shapes, [
    [
      ['a', 2],
      ['b', 1],
    ],
    [['b', 1]],
  ]);
});

test('any text as key, value and name gives valid JSON that reads back', async (t) => {
  useJson(t);
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url, batch: { maxQueueSpans: 5000 } });
  const tracer = tracing.provider.getTracer('texts');
  const texts: string[] = [];
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 50 }), (text) => {
      texts.push(text);
      tracer.startSpan(text, { attributes: { [text]: text } as Attributes }).end();
    }),
    { numRuns: 1000 },
  );
  await tracing.forceFlush();
  const spans = requestsOf(backend).flatMap(({ resourceSpans }) => resourceSpans[0].scopeSpans[0].spans);
  const got = spans.map(({ name, attributes }) => [name, attributes[0].key, attributes[0].value.stringValue]);
  const expected = texts.map((text) => text.toWellFormed()).map((text) => [text, text, text]);
  // Four requests at a time: their order is not promised.
  assert.deepEqual(got.toSorted(), expected.toSorted());
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
