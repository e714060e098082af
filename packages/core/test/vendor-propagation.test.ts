import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { propagation, type TextMapPropagator } from '@opentelemetry/api';
import { ROOT, suppressIn, withBaggageIn, withSpanIn } from '../src/context.ts';
import { faultCounts, resetFaults } from '../src/faults.ts';
import type { HeaderCarrier } from '../src/propagation/carrier.ts';
import { DatadogPropagator } from '../src/propagation/datadog.ts';
import { JaegerPropagator } from '../src/propagation/jaeger.ts';
import { OtTracePropagator } from '../src/propagation/ottrace.ts';
import { XRayPropagator } from '../src/propagation/xray.ts';
import { NonRecordingSpan } from '../src/span-context.ts';
import { baggageIn, extract, foundIn, inject } from './support/headers.ts';

afterEach(() => resetFaults());

const T = '0af7651916cd43dd8448eb211c80319c';
const S = 'b7ad6b7169203331';
const ZERO = '0'.repeat(16);

type Row = [headers: HeaderCarrier, found: string, written: HeaderCarrier];

function table(title: string, propagator: TextMapPropagator, rows: Row[]): void {
  for (const [headers, found, written] of rows) {
    test(`${title}: ${JSON.stringify(headers)}`, () => {
      const context = extract(propagator, headers);
      assert.equal(foundIn(context), found);
      assert.deepEqual(inject(propagator, context), written);
    });
  }
}

const jaeger = new JaegerPropagator();
const uber = (text: string): HeaderCarrier => ({ 'uber-trace-id': text });
table('Jaeger "Trace/Span Identity"', jaeger, [
  [uber(`${T}:${S}:0:1`), `${T}-${S}-1`, uber(`${T}:${S}:0:01`)],
  [uber(`${T}:${S}:0:0`), `${T}-${S}-0`, uber(`${T}:${S}:0:00`)],
  [uber(`${T}:${S}:0:3`), `${T}-${S}-1`, uber(`${T}:${S}:0:03`)],
  [uber(`${T}:${S}:0:02`), `${T}-${S}-1`, uber(`${T}:${S}:0:03`)],
  [uber(`${T}:${S}:0:f5`), `${T}-${S}-1`, uber(`${T}:${S}:0:01`)],
  [uber(`${T}:${S}:05e3ac9a4f6e3b90:1`), `${T}-${S}-1`, uber(`${T}:${S}:0:01`)],
  [uber(`${T}:${S}::1`), `${T}-${S}-1`, uber(`${T}:${S}:0:01`)],
  [uber(`${T}%3A${S}%3a0%3A1`), `${T}-${S}-1`, uber(`${T}:${S}:0:01`)],
  [uber(`${T.toUpperCase()}:${S}:0:1`), `${T}-${S}-1`, uber(`${T}:${S}:0:01`)],
  [
    uber('7b:1c8:0:1'),
    `${'7b'.padStart(32, '0')}-${'1c8'.padStart(16, '0')}-1`,
    uber(`${'7b'.padStart(32, '0')}:${'1c8'.padStart(16, '0')}:0:01`),
  ],
  [uber('0:1:0:1'), 'nothing', {}],
  [uber('1:0:0:1'), 'nothing', {}],
  [uber(`${T}0:${S}:0:1`), 'nothing', {}],
  [uber(`${T}:${S}0:0:1`), 'nothing', {}],
  [uber(`${T}:${S}:0:`), 'nothing', {}],
  [uber(`${T}:${S}:0:001`), 'nothing', {}],
  [uber(`${T}:${S}:0:g`), 'nothing', {}],
  [uber(`${T}:${S}:1`), 'nothing', {}],
  [uber(`${T}:${S}:0:1:1`), 'nothing', {}],
  [uber(''), 'nothing', {}],
  [{ 'uber-trace-id': [`${T}:${S}:0:1`, `${T}:${S}:0:1`] }, 'nothing', {}],
  [{ 'jaeger-debug-id': 'why' }, 'decision-1', {}],
  [{ 'jaeger-debug-id': '' }, 'nothing', {}],
  [{ ...uber(`${T}:${S}:0:0`), 'jaeger-debug-id': 'why' }, `${T}-${S}-0`, uber(`${T}:${S}:0:00`)],
]);

test("Jaeger's flags do not take the random bit of W3C for debug", () => {
  const span = new NonRecordingSpan(1, 1, 1, 1, 1, 1, 3, false, undefined);
  assert.match(String(inject(jaeger, withSpanIn(ROOT, span))['uber-trace-id']), /:01$/);
});

test('Jaeger "Baggage": one header for each entry, and a list', () => {
  const headers = {
    'uberctx-user': 'j%C3%BCrgen',
    'Uberctx-Tier': 'gold',
    'uberctx-': 'no name',
    'uberctx-bad name': 'x',
    'jaeger-baggage': 'a=1, tier=silver',
    other: 'x',
  };
  const context = extract(jaeger, headers);
  assert.deepEqual(baggageIn(context), { user: 'jürgen', Tier: 'gold', a: '1', tier: 'silver' });
  const written = inject(jaeger, withBaggageIn(ROOT, propagation.createBaggage({ User: { value: 'ü \r\n' } })));
  assert.deepEqual(written, { 'uberctx-user': '%C3%BC%20%0D%0A' });
});

const xray = new XRayPropagator();
const amzn = (text: string): HeaderCarrier => ({ 'x-amzn-trace-id': text });
const root = `Root=1-${T.slice(0, 8)}-${T.slice(8)}`;
const xray1024 = `${root};Parent=${S};Sampled=1;Self=`.padEnd(1024, 'x');
table('AWS X-Ray "Tracing header"', xray, [
  [amzn(`${root};Parent=${S};Sampled=1`), `${T}-${S}-1`, amzn(`${root};Parent=${S};Sampled=1`)],
  [amzn(`${root};Parent=${S};Sampled=0`), `${T}-${S}-0`, amzn(`${root};Parent=${S};Sampled=0`)],
  [amzn(`${root};Parent=${S};Sampled=?`), `${T}-${S}-?`, amzn(`${root};Parent=${S};Sampled=?`)],
  [amzn(`${root};Parent=${S}`), `${T}-${S}-?`, amzn(`${root};Parent=${S};Sampled=?`)],
  [amzn(`Sampled=1; Parent=${S} ;${root}`), `${T}-${S}-1`, amzn(`${root};Parent=${S};Sampled=1`)],
  [
    amzn(`Self=1-67891234-12456789abcdef012345678;${root};Parent=${S};Sampled=1;Lineage=a87bd80c:1|68fd508a:5`),
    `${T}-${S}-1`,
    amzn(`${root};Parent=${S};Sampled=1`),
  ],
  [amzn(root), 'nothing', {}],
  [amzn(`Parent=${S};Sampled=1`), 'nothing', {}],
  [amzn(`Root=2-${T.slice(0, 8)}-${T.slice(8)};Parent=${S}`), 'nothing', {}],
  [amzn(`Root=1-${T};Parent=${S}`), 'nothing', {}],
  [amzn(`${root}0;Parent=${S}`), 'nothing', {}],
  [amzn(`${root.toUpperCase()};Parent=${S}`), 'nothing', {}],
  [amzn(`${root};Parent=${S.slice(1)}`), 'nothing', {}],
  [amzn(`Root=1-${'0'.repeat(8)}-${'0'.repeat(24)};Parent=${S}`), 'nothing', {}],
  [amzn(`${root};Parent=${ZERO}`), 'nothing', {}],
  [amzn(''), 'nothing', {}],
  [amzn(xray1024), `${T}-${S}-1`, amzn(`${root};Parent=${S};Sampled=1`)],
  [amzn(`${xray1024}x`), 'nothing', {}],
  [amzn(`${root};Parent=${S};Sampled=1, ${root};Parent=${S};Sampled=1`), 'nothing', {}],
  [amzn(`${root};Parent=${S}0`), 'nothing', {}],
  [amzn(`${root};Parent=${S};Sampled=true`), `${T}-${S}-?`, amzn(`${root};Parent=${S};Sampled=?`)],
]);

const ottrace = new OtTracePropagator();
const ot = (traceId: string, spanId: string, sampled?: string): HeaderCarrier => ({
  'ot-tracer-traceid': traceId,
  'ot-tracer-spanid': spanId,
  ...(sampled === undefined ? {} : { 'ot-tracer-sampled': sampled }),
});
const low = T.slice(16);
table('OpenTelemetry "OT Trace"', ottrace, [
  [ot(low, S, 'true'), `${ZERO}${low}-${S}-1`, ot(low, S, 'true')],
  [ot(low, S, 'false'), `${ZERO}${low}-${S}-0`, ot(low, S, 'false')],
  [ot(low, S), `${ZERO}${low}-${S}-?`, ot(low, S)],
  [ot(T, S, 'true'), `${T}-${S}-1`, ot(low, S, 'true')],
  [ot(`${T.slice(0, 16)}${ZERO}`, S, 'true'), `${T.slice(0, 16)}${ZERO}-${S}-1`, {}],
  [ot(low, S, '1'), `${ZERO}${low}-${S}-1`, ot(low, S, 'true')],
  [ot(low, S, 'yes'), `${ZERO}${low}-${S}-?`, ot(low, S)],
  [ot(low.slice(1), S, 'true'), 'nothing', {}],
  [ot(`0${low}`, S, 'true'), 'nothing', {}],
  [ot(`${T}0`, S, 'true'), 'nothing', {}],
  [ot(low, `${S}0`, 'true'), 'nothing', {}],
  [ot(ZERO, S, 'true'), 'nothing', {}],
  [ot(low, ZERO, 'true'), 'nothing', {}],
  [ot(low, '', 'true'), 'nothing', {}],
  [ot(low.toUpperCase(), S, 'true'), 'nothing', {}],
]);

test('OpenTelemetry "OT Trace": baggage that cannot stand in a header is left out', () => {
  const context = extract(ottrace, { 'ot-baggage-a': '1 %20', 'ot-baggage-é': 'x', 'ot-baggage-b': 'ä' });
  assert.deepEqual(baggageIn(context), { a: '1 %20' });
  const entries = propagation.createBaggage({ a: { value: '1' }, b: { value: 'x\r\ny: 1' }, c: { value: 'ä' } });
  assert.deepEqual(inject(ottrace, withBaggageIn(ROOT, entries)), { 'ot-baggage-a': '1' });
  assert.equal(faultCounts().baggage_dropped, 2);
});

for (const [propagator, prefix] of [
  [jaeger, 'uberctx-'],
  [ottrace, 'ot-baggage-'],
] as const) {
  test(`W3C Baggage "Limits" hold for ${prefix} headers in both directions`, () => {
    const many = Object.fromEntries(Array.from({ length: 181 }, (_, i) => [`${prefix}k${i}`, 'v']));
    assert.equal(Object.keys(baggageIn(extract(propagator, many))).length, 180);
    const large = {
      [`${prefix}a`]: 'x'.repeat(4094),
      [`${prefix}b`]: 'x'.repeat(4095),
      [`${prefix}c`]: 'x'.repeat(4094),
    };
    assert.deepEqual(Object.keys(baggageIn(extract(propagator, large))), ['a', 'c']);
    assert.deepEqual(Object.keys(baggageIn(extract(propagator, { ...large, [`${prefix}d`]: '' }))), ['a', 'c']);
    const entries = propagation.createBaggage({
      ...Object.fromEntries(Array.from({ length: 181 }, (_, i) => [`k${i}`, { value: 'v' }])),
    });
    assert.equal(Object.keys(inject(propagator, withBaggageIn(ROOT, entries))).length, 180);
    assert.equal(faultCounts().baggage_dropped, 1);
  });
}

const datadog = new DatadogPropagator();
const HIGH = T.slice(0, 16);
const traceDecimal = BigInt(`0x${low}`).toString();
const spanDecimal = BigInt(`0x${S}`).toString();
const tid = `_dd.p.tid=${HIGH}`;
function dd(rest: {
  trace?: string;
  parent?: string;
  priority?: string;
  origin?: string;
  tags?: string;
}): HeaderCarrier {
  const headers: HeaderCarrier = {
    'x-datadog-trace-id': rest.trace ?? traceDecimal,
    'x-datadog-parent-id': rest.parent ?? spanDecimal,
  };
  if (rest.priority !== undefined) headers['x-datadog-sampling-priority'] = rest.priority;
  if (rest.origin !== undefined) headers['x-datadog-origin'] = rest.origin;
  if (rest.tags !== undefined) headers['x-datadog-tags'] = rest.tags;
  return headers;
}
const full = dd({ priority: '2', origin: 'rum', tags: `${tid},_dd.p.dm=-4` });
const origin128 = 'o'.repeat(128);
const tags512 = `${tid},_dd.p.x=`.padEnd(512, 'v');
table('Datadog "Trace Context Propagation"', datadog, [
  [full, `${T}-${S}-1`, full],
  [dd({ priority: '1' }), `${ZERO}${low}-${S}-1`, dd({ priority: '1' })],
  [dd({ priority: '0', tags: tid }), `${T}-${S}-0`, dd({ priority: '0', tags: tid })],
  [dd({ priority: '-1', tags: tid }), `${T}-${S}-0`, dd({ priority: '-1', tags: tid })],
  [dd({ tags: tid }), `${T}-${S}-?`, dd({ tags: tid })],
  [dd({ priority: '7' }), `${ZERO}${low}-${S}-?`, dd({})],
  [
    dd({ priority: '1', tags: '_dd.p.tid=xyz,_dd.p.dm=-1' }),
    `${ZERO}${low}-${S}-1`,
    dd({ priority: '1', tags: '_dd.p.dm=-1' }),
  ],
  [
    dd({ priority: '1', tags: 'other=1,_dd.p.=x,_dd.p.a b=1,_dd.p.ok=a b' }),
    `${ZERO}${low}-${S}-1`,
    dd({ priority: '1', tags: '_dd.p.ok=a b' }),
  ],
  [dd({ priority: '1', tags: tags512 }), `${T}-${S}-1`, dd({ priority: '1', tags: tags512 })],
  [dd({ priority: '1', tags: `${tags512}v` }), `${ZERO}${low}-${S}-1`, dd({ priority: '1' })],
  [dd({ priority: '1', origin: origin128 }), `${ZERO}${low}-${S}-1`, dd({ priority: '1', origin: origin128 })],
  [dd({ priority: '1', origin: `${origin128}o` }), `${ZERO}${low}-${S}-1`, dd({ priority: '1' })],
  [dd({ priority: '1', origin: 'a\r\nb' }), `${ZERO}${low}-${S}-1`, dd({ priority: '1' })],
  [dd({ trace: '18446744073709551615' }), `${ZERO}${'f'.repeat(16)}-${S}-?`, dd({ trace: '18446744073709551615' })],
  [dd({ trace: '18446744073709551616' }), 'nothing', {}],
  [dd({ parent: '18446744073709551615' }), `${ZERO}${low}-${'f'.repeat(16)}-?`, dd({ parent: '18446744073709551615' })],
  [dd({ parent: '18446744073709551616' }), 'nothing', {}],
  [dd({ trace: '0', tags: tid }), 'nothing', {}],
  [dd({ parent: '0' }), 'nothing', {}],
  [dd({ trace: '-1' }), 'nothing', {}],
  [dd({ trace: '0x1' }), 'nothing', {}],
  [dd({ trace: '1e3' }), 'nothing', {}],
  [dd({ trace: '1'.repeat(21) }), 'nothing', {}],
  [dd({ trace: '' }), 'nothing', {}],
  [{ 'x-datadog-trace-id': '1' }, 'nothing', {}],
]);

test("Datadog's priority follows our own decision, and the caller's data stays with its trace", () => {
  const context = extract(datadog, full);
  const words = [0x0af76519, 0x16cd43dd, 0x8448eb21 | 0, 0x1c80319c] as const;
  const dropped = inject(datadog, withSpanIn(context, new NonRecordingSpan(...words, 0, 9, 0, false, undefined)));
  assert.deepEqual(dropped, { ...full, 'x-datadog-parent-id': '9', 'x-datadog-sampling-priority': '0' });
  const other = inject(datadog, withSpanIn(context, new NonRecordingSpan(0, 0, 0, 7, 0, 9, 1, false, undefined)));
  assert.deepEqual(other, dd({ trace: '7', parent: '9', priority: '1' }));
});

for (const [name, propagator, headers] of [
  ['jaeger', jaeger, uber(`${T}:${S}:0:1`)],
  ['xray', xray, amzn(`${root};Parent=${S}`)],
  ['ottrace', ottrace, ot(low, S, 'true')],
  ['datadog', datadog, full],
] as const) {
  test(`${name}: a suppressed context writes nothing, and a malformed header leaves the context as it was`, () => {
    const context = extract(propagator, { ...headers, 'uberctx-a': '1', 'ot-baggage-a': '1' });
    assert.deepEqual(inject(propagator, suppressIn(context)), {});
    const malformed = Object.fromEntries(Object.keys(headers).map((key) => [key, 'x']));
    assert.equal(extract(propagator, malformed), ROOT);
    for (const written of Object.keys(headers)) assert.ok(propagator.fields().includes(written));
  });
}
