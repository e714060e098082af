import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { SpanKind } from '@opentelemetry/api';

import { countSpans, type SpanCounts } from '../src/sink/decode.ts';

// The peer's own encoder writes what is decoded here: the two know nothing of each other.
const { ProtobufTraceSerializer } = createRequire(import.meta.url)(
  '@opentelemetry/otlp-transformer',
) as typeof import('@opentelemetry/otlp-transformer');

test('spans, names of SERVER spans and their attributes are counted over several scopes and bodies', () => {
  const counts = noSpans();
  countSpans(encode(['one', 'two']), counts);
  countSpans(encode(['two']), counts);
  assert.deepEqual(counts, { spans: 6, servers: { 'GET one': 1, 'GET two': 2 }, serverAttributes: 6 });
});

test('an empty request has no spans', () => {
  const counts = noSpans();
  countSpans(new Uint8Array(0), counts);
  assert.deepEqual(counts, noSpans());
});

test('a body that is cut off anywhere is refused or has fewer spans, never more', () => {
  const body = encode(['one']);
  for (let length = 1; length < body.length; length++) {
    assert.throws(() => countSpans(body.subarray(0, length), noSpans()), RangeError, `at ${length}`);
  }
});

function noSpans(): SpanCounts {
  return { spans: 0, servers: {}, serverAttributes: 0 };
}

/** One request with a SERVER span of two attributes and an INTERNAL one for each scope. */
function encode(scopes: string[]): Uint8Array {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  for (const scope of scopes) {
    const tracer = provider.getTracer(scope);
    const attributes = { 'http.route': `/größe/${scope}`, 'http.response.status_code': 200 };
    tracer.startSpan(`GET ${scope}`, { kind: SpanKind.SERVER, attributes }).end();
    tracer.startSpan('inner', { attributes: { negative: -1, ratio: 0.5, flags: [true, false] } }).end();
  }
  const body = ProtobufTraceSerializer.serializeRequest(exporter.getFinishedSpans());
  assert.ok(body !== undefined);
  return body;
}
