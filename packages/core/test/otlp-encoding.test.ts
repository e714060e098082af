/** What is recorded is what the official schema decodes, from both encodings of OTLP. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DecodedRequest, type DecodedSpan, decodeOtlp, decodeOtlpJson } from '@clew/testkit';
import { SpanKind, SpanStatusCode, type TraceState } from '@opentelemetry/api';
import fc from 'fast-check';
import { ROOT } from '../src/context.ts';
import { AttributeGroup } from '../src/attributes.ts';
import { OtlpJsonSpanBuffer } from '../src/export/otlp-json.ts';
import { EncodedSpanBuffer, type SpanBuffer } from '../src/export/span-buffer.ts';
import { alwaysOn } from '../src/sampler/always.ts';
import { createPropagator } from '../src/propagation/composite.ts';
import { ClewTracerProvider } from '../src/provider.ts';
import { Resource } from '../src/resource.ts';
import type { RecordingSpan } from '../src/span.ts';
import type { SpanLimits } from '../src/span-data.ts';
import { parseTraceState } from '../src/propagation/tracestate.ts';

interface Encoding {
  encoding: string;
  buffer: () => SpanBuffer;
  /** What was recorded since the last call. */
  decode: (buffer: SpanBuffer) => DecodedRequest;
}

const ENCODINGS: Encoding[] = [
  { encoding: 'protobuf', buffer: () => new EncodedSpanBuffer(), decode: (buffer) => decodeOtlp(seal(buffer)) },
  { encoding: 'JSON', buffer: () => new OtlpJsonSpanBuffer(), decode: (buffer) => decodeOtlpJson(seal(buffer)) },
];

function seal(buffer: SpanBuffer): Buffer {
  return buffer.seal().body ?? assert.fail('no body');
}

/** The spans of the first scope. */
function spansOf({ scopes }: DecodedRequest): DecodedSpan[] {
  return scopes[0]?.spans ?? [];
}

function recorded(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(recorded);
  if (value instanceof Uint8Array || value === null || typeof value !== 'object') return value;
  return new Map(Object.entries(value).map(([key, inner]) => [key.toWellFormed(), recorded(inner)]));
}

function makeProvider(buffer: SpanBuffer, limits: Partial<SpanLimits> = {}): ClewTracerProvider {
  return new ClewTracerProvider({
    limits,
    sampler: alwaysOn(),
    resource: new Resource({ 'service.name': 'encoder', 'process.pid': 7 }),
    propagator: createPropagator([]),
    processors: [
      {
        onStart() {},
        onEnd: (span) => buffer.add(span as unknown as RecordingSpan),
        forceFlush: async () => {},
        shutdown: async () => {},
      },
    ],
  });
}

const keys = fc.oneof(fc.string({ minLength: 1, maxLength: 200 }), fc.string({ unit: 'binary', minLength: 1 }));
const scalars = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.boolean(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.uint8Array({ maxLength: 40 }),
);
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalars,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
  ),
})).value;

for (const { encoding, buffer: makeBuffer, decode } of ENCODINGS) {
  test(`${encoding}: whatever attributes are recorded, the official schema decodes the same ones`, () => {
    const buffer = makeBuffer();
    const tracer = makeProvider(buffer).getTracer('encoding', '1.2.3');
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(keys, values), { selector: ([key]) => key.toWellFormed(), maxLength: 40 }),
        (list) => {
          const span = tracer.startSpan('property');
          for (const [key, value] of list) span.setAttribute(key, value as never);
          span.end();
          assert.deepEqual(
            spansOf(decode(buffer))[0]?.attributes,
            list.map(([key, value]) => [key.toWellFormed(), recorded(value)]),
          );
        },
      ),
      { numRuns: 1500 },
    );
  });

  test(`${encoding}: a value that comes again and again, and then another one, arrives each time as recorded`, () => {
    const buffer = makeBuffer();
    const tracer = makeProvider(buffer).getTracer('repeats');
    const values = [
      'a',
      'a',
      'a',
      'b',
      'a',
      'a',
      1,
      1,
      1,
      0,
      0,
      0,
      -0,
      -0,
      -0,
      0,
      '1',
      true,
      true,
      'ü',
      'ü',
      'ü',
      '',
      '',
      '',
    ];
    for (const value of values) tracer.startSpan('repeat', { attributes: { repeated: value } }).end();
    assert.deepEqual(
      spansOf(decode(buffer)).map((span) => span.attributes[0]?.[1]),
      values.map(recorded),
    );
  });

  test(`${encoding}: names, ids, times, kind, status, events, links, flags, trace state and what was over a limit arrive`, () => {
    const buffer = makeBuffer();
    const oneOfEach = { attributeCountLimit: 1, eventCountLimit: 1, linkCountLimit: 1, attributePerLinkCountLimit: 1 };
    const provider = makeProvider(buffer, oneOfEach);
    const tracer = provider.getTracer('library', '2.0.0', { schemaUrl: 'https://example.org/schema' });
    const target = {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: 1,
      isRemote: true,
      traceState: parseTraceState('vendor=1') as TraceState,
    };
    const span = tracer.startSpan('näme', {
      kind: SpanKind.CONSUMER,
      startTime: [1_700_000_000, 123_456_000],
      attributes: { kept: true, over: 1 },
      links: [{ context: target, attributes: { why: 'batch', over: 1 } }, { context: target }],
    });
    span.addEvent('reached', { step: 3 }, [1_700_000_000, 500_000_000]);
    span.addEvent('over');
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'no stock' });
    span.end([1_700_000_001, 999_999_000]);
    const { resource, scopes } = decode(buffer);
    assert.deepEqual(resource, [
      ['service.name', 'encoder'],
      ['process.pid', 7n],
    ]);
    const { traceId, spanId } = span.spanContext();
    assert.deepEqual(scopes, [
      {
        ...{ name: 'library', version: '2.0.0', schemaUrl: 'https://example.org/schema' },
        spans: [
          {
            ...{ traceId, spanId, parentSpanId: '', traceState: '', flags: 0x103, name: 'näme', kind: 5 },
            ...{ startTimeUnixNano: 1_700_000_000_123_456_000n, endTimeUnixNano: 1_700_000_001_999_999_000n },
            ...{ attributes: [['kept', true]], droppedAttributesCount: 1, droppedEventsCount: 1, droppedLinksCount: 1 },
            status: { message: 'no stock', code: 2 },
            events: [
              {
                ...{ name: 'reached', timeUnixNano: 1_700_000_000_500_000_000n },
                ...{ attributes: [['step', 3n]], droppedAttributesCount: 0 },
              },
            ],
            links: [
              {
                ...{ traceId: target.traceId, spanId: target.spanId, traceState: 'vendor=1', flags: 0x301 },
                ...{ attributes: [['why', 'batch']], droppedAttributesCount: 1 },
              },
            ],
          },
        ],
      },
    ]);
  });

  test(`${encoding}: a key of a pre-encoded group that is set again appears once, with the last value`, () => {
    const buffer = makeBuffer();
    const tracer = makeProvider(buffer).clewTracer('groups');
    const start = new AttributeGroup(['http.request.method', 'GET', 'url.scheme', 'http']);
    const end = new AttributeGroup(['http.route', '/a', 'http.response.status_code', 200]);
    const span = tracer.startFlat('GET', SpanKind.SERVER, ROOT, ['url.path', '/a'], start) as RecordingSpan;
    span.setAttribute('url.scheme', 'https');
    span.setAttribute('http.route', '/mine');
    span.setEndGroup(end);
    span.end();
    const untouched = tracer.startFlat('GET', SpanKind.SERVER, ROOT, ['url.path', '/b'], start) as RecordingSpan;
    untouched.setEndGroup(end);
    untouched.end();
    const [changed, same] = spansOf(decode(buffer));
    assert.deepEqual(Object.fromEntries(changed?.attributes ?? []), {
      'http.request.method': 'GET',
      'url.scheme': 'https',
      'url.path': '/a',
      'http.route': '/a',
      'http.response.status_code': 200n,
    });
    assert.equal(changed?.attributes.length, 5);
    assert.deepEqual(same?.attributes, [
      ['http.request.method', 'GET'],
      ['url.scheme', 'http'],
      ['url.path', '/b'],
      ['http.route', '/a'],
      ['http.response.status_code', 200n],
    ]);
  });

  test(`${encoding}: a name that a group brings along is written once, and not when the span has another one`, () => {
    const buffer = makeBuffer();
    const tracer = makeProvider(buffer).clewTracer('names');
    const start = new AttributeGroup(['a', 1], 'SELECT t');
    const end = new AttributeGroup(['b', 2], 'SELECT t');
    const make = (name: string): RecordingSpan =>
      tracer.startFlat(name, SpanKind.CLIENT, ROOT, undefined, start) as RecordingSpan;
    make('SELECT t').end();
    const both = make('SELECT t');
    both.setEndGroup(end);
    both.end();
    const renamed = make('SELECT t');
    renamed.updateName('mine');
    renamed.setEndGroup(end);
    renamed.end();
    const other = make('INSERT t');
    other.updateName('SELECT t');
    other.setAttribute('a', 3);
    other.setEndGroup(end);
    other.end();
    assert.deepEqual(
      spansOf(decode(buffer)).map(({ name, attributes }) => [name, attributes]),
      [
        ['SELECT t', [['a', 1n]]],
        [
          'SELECT t',
          [
            ['a', 1n],
            ['b', 2n],
          ],
        ],
        [
          'mine',
          [
            ['a', 1n],
            ['b', 2n],
          ],
        ],
        [
          'SELECT t',
          [
            ['a', 3n],
            ['b', 2n],
          ],
        ],
      ],
    );
  });

  test(`${encoding}: spans of several tracers share one request, each below its own scope`, () => {
    const buffer = makeBuffer();
    const provider = makeProvider(buffer);
    for (const name of ['a', 'b', 'a', 'c', 'b']) provider.getTracer(name).startSpan(name).end();
    assert.deepEqual(
      decode(buffer).scopes.map(({ name, spans }) => [name, spans.length]),
      [
        ['a', 2],
        ['b', 2],
        ['c', 1],
      ],
    );
    provider.getTracer('c').startSpan('next batch').end();
    assert.equal(decode(buffer).scopes.length, 1);
  });

  for (const length of [0, 1, 14, 15, 100, 115, 116, 127, 128, 16_382, 16_383, 16_384, 70_000, 2_200_000]) {
    test(`${encoding}: a value of ${length} characters arrives whole, and so does the span after it`, () => {
      const buffer = makeBuffer();
      const tracer = makeProvider(buffer).getTracer('sizes');
      const span = tracer.startSpan('long', { attributes: { text: 'x'.repeat(length), wide: 'ü'.repeat(length) } });
      span.end();
      tracer.startSpan('after').end();
      const [long, after] = spansOf(decode(buffer));
      assert.deepEqual(long?.attributes, [
        ['text', 'x'.repeat(length)],
        ['wide', 'ü'.repeat(length)],
      ]);
      assert.equal(after?.name, 'after');
    });
  }
}
