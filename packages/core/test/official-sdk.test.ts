import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  type Context,
  context,
  type HrTime,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter as OfficialOtlpJson } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as OfficialOtlpProto } from '@opentelemetry/exporter-trace-otlp-proto';
import { ZipkinExporter } from '@opentelemetry/exporter-zipkin';
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3';
import { resourceFromAttributes } from '@opentelemetry/resources';
import * as official from '@opentelemetry/sdk-trace';
import { decodeOtlp, decodeOtlpJson } from '@clew/testkit';
import {
  alwaysOff,
  alwaysOn,
  BatchSpanProcessor,
  ClewContextManager,
  ClewTracerProvider,
  ConsoleSpanExporter,
  createPropagator,
  InMemorySpanExporter,
  OtlpHttpTransport,
  type PropagatorName,
  parentBased,
  parentThreshold,
  type ReadableSpan,
  ratio,
  rules,
  type Sampler,
  type SpanExporter,
  type SpanProcessor,
  startTracing,
  withSpan,
  ZipkinTransport,
} from '../src/index.ts';
import { type Backend, startBackend } from './support.ts';
import { seededWords } from './support/seeded.ts';

const RESOURCE = resourceFromAttributes({ 'service.name': 'shop', 'host.name': 'h', count: 3 });
const REMOTE = { traceId: 'f'.repeat(31).concat('1'), spanId: 'e'.repeat(16), traceFlags: 1, isRemote: true };

/** A provider with its way to stop. */
interface Running {
  provider: TracerProvider;
  forceFlush(): Promise<unknown>;
  shutdown(): Promise<unknown>;
}

/** Ids that are the same in every run, and look random. */
function ids(seed = 7): { generateTraceId(): string; generateSpanId(): string } {
  // A row for each: in which order a provider asks for them is its own affair.
  const [forTraces, forSpans] = [seededWords(seed), seededWords(seed + 1)];
  const hex = (words: number, random: () => number): string =>
    Array.from({ length: words }, () => (random() >>> 0).toString(16).padStart(8, '0')).join('');
  return { generateTraceId: () => hex(4, forTraces), generateSpanId: () => hex(2, forSpans) };
}

const PROVIDERS: Record<
  'official' | 'ours',
  (processors: SpanProcessor[], sampler?: Sampler, seed?: number) => Running
> = {
  official: (processors, sampler, seed) => {
    const options = { resource: RESOURCE, idGenerator: ids(seed), ...(sampler === undefined ? {} : { sampler }) };
    // Our processors and samplers have the official shape; the compiler wants the official enums.
    const spanProcessors = processors as unknown as official.SpanProcessor[];
    const provider = new official.TracerProvider({ ...options, spanProcessors } as official.TracerProviderOptions);
    return { provider, forceFlush: () => provider.forceFlush(), shutdown: () => provider.shutdown() };
  },
  ours: (processors, sampler = parentBased({ root: alwaysOn() }), seed) => {
    const propagator = createPropagator(['tracecontext']);
    const provider = new ClewTracerProvider({
      resource: RESOURCE,
      idGenerator: ids(seed),
      sampler,
      propagator,
      processors,
    });
    return { provider, forceFlush: () => provider.forceFlush(), shutdown: () => provider.shutdown() };
  },
};

const at = (nanos: number): HrTime => [1_700_000_000, nanos];

/** The same calls for every provider: everything that spans can hold, with given times. */
function play({ provider }: Running): void {
  const tracer = provider.getTracer('shop-lib', '1.2.3', { schemaUrl: 'https://example.com/schema' });
  const link = { context: REMOTE, attributes: { why: 'batch', n: 2 } };
  const attributes = { text: 'päy €', yes: true, n: 7, half: 0.5, list: ['a', 'b'], numbers: [1, 2], empty: '' };
  const root = tracer.startSpan('order', {
    kind: SpanKind.SERVER,
    attributes,
    links: [link],
    startTime: at(1_000_000),
  });
  const child = tracer.startSpan(
    'pay',
    { kind: SpanKind.CLIENT, startTime: at(2_000_000) },
    trace.setSpan(ROOT_CONTEXT, root),
  );
  child.setAttribute('n', 1).setAttribute('n', 2).setAttributes({ late: 'yes' });
  child.addEvent('asked', { attempt: 1 }, at(2_500_000)).addEvent('answered', at(2_600_000));
  child.recordException({ name: 'NoMoney', message: 'refused', stack: 'NoMoney: refused\n    at pay' }, at(2_700_000));
  child.setStatus({ code: 2, message: 'refused' }).updateName('pay order');
  child.addLink({ context: { traceId: REMOTE.traceId, spanId: REMOTE.spanId, traceFlags: 1 } });
  child.end(at(3_000_000));
  root.setStatus({ code: 1 });
  root.end(at(4_000_000));
  const other = provider.getTracer('other-lib');
  const below = trace.setSpanContext(ROOT_CONTEXT, REMOTE);
  other.startSpan('consume', { kind: SpanKind.CONSUMER, startTime: at(5) }, below).end(at(6));
  other.startSpan('send', { kind: SpanKind.PRODUCER, startTime: 1_700_000_001_000 }).end(new Date(1_700_000_001_500));
}

type Decode = (backend: Backend) => unknown;
const body = (backend: Backend): Buffer[] => backend.received.map((request) => request.body);
const zipkin = (backend: Backend): unknown => body(backend).flatMap((text) => JSON.parse(text.toString('utf8')));

// biome-ignore lint/suspicious/noExplicitAny: requests are compared with requests, whatever is in them.
const merged = (requests: any[]): unknown => ({
  resource: requests[0].resource,
  // Each span by itself: how many of them go into one request is the processor's affair.
  spans: requests.flatMap(({ scopes }) =>
    scopes.flatMap(({ spans, ...scope }: { spans: object[] }) => spans.map((span) => ({ scope, ...span }))),
  ),
});
const proto: Decode = (backend) => sorted(merged(body(backend).map(decodeOtlp)));
const json: Decode = (backend) => sorted(merged(body(backend).map(withTextIntegers).map(decodeOtlpJson)));

// The official exporter writes integers as numbers, which the mapping allows to be read and not to be written.
function withTextIntegers(request: Buffer): Buffer {
  return Buffer.from(request.toString('utf8').replace(/"intValue":(-?\d+)/g, '"intValue":"$1"'));
}

function sorted(request: unknown): unknown {
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  const { spans, ...rest } = request as any;
  const byStart = (a: { startTimeUnixNano: bigint }, b: { startTimeUnixNano: bigint }): number =>
    Number(a.startTimeUnixNano - b.startTimeUnixNano);
  return { ...rest, spans: [...spans].sort(byStart) };
}

/** What reaches a real socket when a provider with such a processor plays. */
async function sent(
  t: TestContext,
  which: keyof typeof PROVIDERS,
  makeProcessor: (url: string) => SpanProcessor,
  decode: Decode,
): Promise<unknown> {
  const backend = await startBackend(t);
  const running = PROVIDERS[which]([makeProcessor(backend.url)]);
  play(running);
  await running.forceFlush();
  await running.shutdown();
  assert.ok(backend.received.length > 0, 'something was sent');
  return decode(backend);
}

const batch = (exporter: SpanExporter): SpanProcessor =>
  new official.BatchSpanProcessor({
    exporter: exporter as unknown as official.SpanExporter,
  }) as unknown as SpanProcessor;
const simple = (exporter: SpanExporter): SpanProcessor =>
  new official.SimpleSpanProcessor({
    exporter: exporter as unknown as official.SpanExporter,
  }) as unknown as SpanProcessor;

const OFFICIAL_EXPORTERS: Array<[name: string, make: (url: string) => SpanExporter, decode: Decode]> = [
  [
    'OTLP in protocol buffers',
    (url) => new OfficialOtlpProto({ url: `${url}/v1/traces` }) as unknown as SpanExporter,
    proto,
  ],
  ['OTLP in JSON', (url) => new OfficialOtlpJson({ url: `${url}/v1/traces` }) as unknown as SpanExporter, json],
  ['Zipkin', (url) => new ZipkinExporter({ url: `${url}/api/v2/spans` }) as unknown as SpanExporter, zipkin],
];
for (const [name, make, decode] of OFFICIAL_EXPORTERS) {
  for (const [how, wrap] of [
    ['batch', batch],
    ['simple', simple],
  ] as const) {
    test(`the official ${name} exporter in the official ${how} processor sends of our provider what it sends of its own`, async (t) => {
      const expected = await sent(t, 'official', (url) => wrap(make(url)), decode);
      assert.deepEqual(await sent(t, 'ours', (url) => wrap(make(url)), decode), expected);
    });
  }
}

const OUR_EXPORTERS: Array<[name: string, make: (url: string) => SpanProcessor, decode: Decode]> = [
  [
    'OTLP in protocol buffers',
    (url) => new BatchSpanProcessor(new OtlpHttpTransport({ url: new URL(`${url}/v1/traces`) })),
    proto,
  ],
  [
    'OTLP in JSON',
    (url) => new BatchSpanProcessor(new OtlpHttpTransport({ url: new URL(`${url}/v1/traces`), encoding: 'json' })),
    json,
  ],
  ['Zipkin', (url) => new BatchSpanProcessor(new ZipkinTransport({ url: new URL(`${url}/api/v2/spans`) })), zipkin],
];
for (const [name, make, decode] of OUR_EXPORTERS) {
  test(`our ${name} exporter sends of the official provider what it sends of ours`, async (t) => {
    assert.deepEqual(await sent(t, 'official', make, decode), await sent(t, 'ours', make, decode));
  });
}
for (const [i, name] of [
  [0, 'OTLP in protocol buffers'],
  [1, 'OTLP in JSON'],
] as const) {
  test(`our ${name} exporter on our provider sends what the official ones send together`, async (t) => {
    const [, make, decode] = OFFICIAL_EXPORTERS[i] ?? assert.fail();
    const [, makeOurs] = OUR_EXPORTERS[i] ?? assert.fail();
    const expected = await sent(t, 'official', (url) => batch(make(url)), decode);
    assert.deepEqual(await sent(t, 'ours', makeOurs, decode), expected);
  });
}

/** A span as plain data. */
function seen(span: ReadableSpan): object {
  const { resource, instrumentationScope, parentSpanContext } = span;
  return {
    ...pick(span, ['name', 'kind', 'startTime', 'endTime', 'duration', 'status', 'ended']),
    ...pick(span, ['droppedAttributesCount', 'droppedEventsCount', 'droppedLinksCount']),
    context: withoutUndefined(span.spanContext()),
    parent: parentSpanContext === undefined ? undefined : withoutUndefined(parentSpanContext),
    attributes: { ...span.attributes },
    events: span.events.map((event) => ({ droppedAttributesCount: 0, ...event, attributes: { ...event.attributes } })),
    links: span.links.map((link) => ({ droppedAttributesCount: 0, ...link, attributes: { ...link.attributes } })),
    resource: { ...resource.attributes },
    scope: withoutUndefined(instrumentationScope),
  };
}

function pick(span: ReadableSpan, names: Array<keyof ReadableSpan>): object {
  return Object.fromEntries(names.map((name) => [name, span[name]]));
}

function withoutUndefined(object: object): object {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined && value !== false));
}

interface Keeper extends SpanExporter {
  getFinishedSpans(): ReadableSpan[];
}
const KEEPERS: Array<[name: string, make: () => Keeper]> = [
  ['the official memory exporter', () => new official.InMemorySpanExporter() as unknown as Keeper],
  ['our memory exporter', () => new InMemorySpanExporter()],
];
for (const [name, make] of KEEPERS) {
  test(`${name} sees the same spans of both providers, field by field`, async () => {
    const found = await Promise.all(
      (['official', 'ours'] as const).map(async (which) => {
        const exporter = make();
        const running = PROVIDERS[which]([simple(exporter)]);
        play(running);
        await running.forceFlush();
        const spans = exporter.getFinishedSpans().map(seen);
        await running.shutdown();
        return spans;
      }),
    );
    assert.equal(found[0]?.length, 4);
    assert.deepEqual(found[1], found[0]);
  });
}

test('the official console exporter prints the same of both providers', async (t) => {
  const printed: unknown[] = [];
  t.mock.method(console, 'dir', (what: unknown) => void printed.push(what));
  for (const which of ['official', 'ours'] as const) {
    const running = PROVIDERS[which]([simple(new official.ConsoleSpanExporter() as unknown as SpanExporter)]);
    play(running);
    await running.shutdown();
  }
  // An empty attribute list is left out by the one and written by the other.
  const written = (key: string, value: unknown): unknown =>
    value === 0 || (key === 'attributes' && JSON.stringify(value) === '{}') ? undefined : value;
  const plain = printed.map((span) => JSON.parse(JSON.stringify(span), written));
  assert.equal(plain.length, 8);
  assert.deepEqual(plain.slice(4), plain.slice(0, 4));
});

test('our console exporter prints the same of both providers', async () => {
  const printed: string[] = [];
  for (const which of ['official', 'ours'] as const) {
    let text = '';
    const stream = {
      isTTY: false,
      write: (chunk: string): boolean => {
        text += chunk;
        return true;
      },
    };
    const running = PROVIDERS[which]([simple(new ConsoleSpanExporter({ stream, colors: false }))]);
    play(running);
    await running.shutdown();
    printed.push(text);
  }
  assert.match(printed[0] ?? '', /pay order/);
  assert.equal(printed[1], printed[0]);
});

/** What a sampler decides about two hundred new traces, and about children of kept and of other parents. */
async function decisions(which: keyof typeof PROVIDERS, sampler: Sampler): Promise<unknown> {
  const { provider, shutdown } = PROVIDERS[which]([], sampler, 99);
  const tracer = provider.getTracer('t');
  const below = (flags: number): Context => trace.setSpanContext(ROOT_CONTEXT, { ...REMOTE, traceFlags: flags });
  const spans = [
    ...Array.from({ length: 200 }, () => tracer.startSpan('GET', { kind: SpanKind.SERVER })),
    ...[0, 1].flatMap((flags) => [
      tracer.startSpan('GET', {}, below(flags)),
      tracer.startSpan('GET', {}, below(flags)),
    ]),
  ];
  const found = spans.map((span) => {
    const { traceId, traceFlags, traceState } = span.spanContext();
    return [traceId, span.isRecording(), traceFlags, traceState?.serialize() ?? ''];
  });
  assert.ok(new Set(found.map(([, isRecording]) => isRecording)).size === 2, 'some are kept and some are not');
  await shutdown();
  return found;
}

const SAMPLERS: Array<[what: string, sampler: unknown]> = [
  ['official TraceIdRatioBasedSampler', new official.TraceIdRatioBasedSampler(0.4)],
  [
    'official ParentBasedSampler',
    new official.ParentBasedSampler({ root: new official.TraceIdRatioBasedSampler(0.4) }),
  ],
  ['official AlwaysOn by the parent', new official.ParentBasedSampler({ root: new official.AlwaysOnSampler() })],
  ['ratio', ratio(0.4)],
  ['parentBased', parentBased({ root: ratio(0.4) })],
  ['parentThreshold', parentThreshold(ratio(0.4))],
  ['rules', rules([{ when: { kind: SpanKind.SERVER }, sampler: ratio(0.4) }], alwaysOff())],
  [
    'parentBased over an official sampler',
    parentBased({ root: new official.TraceIdRatioBasedSampler(0.4) as Sampler }),
  ],
];
for (const [what, sampler] of SAMPLERS) {
  test(`${what} decides the same on both providers`, async () => {
    // The cast stands for the official shape, which is ours but for its enum.
    assert.deepEqual(await decisions('ours', sampler as Sampler), await decisions('official', sampler as Sampler));
  });
}

test('the official id generator makes our ids', async (t) => {
  const idGenerator = new official.RandomIdGenerator();
  const tracing = startTracing({ exporter: 'none', register: false, idGenerator });
  t.after(() => tracing.shutdown());
  const { traceId, spanId } = tracing.provider.getTracer('t').startSpan('x').spanContext();
  assert.match(`${traceId}-${spanId}`, /^[0-9a-f]{32}-[0-9a-f]{16}$/);
});

const PROPAGATORS: Array<[names: PropagatorName[], theirs: () => import('@opentelemetry/api').TextMapPropagator]> = [
  [['tracecontext'], () => new W3CTraceContextPropagator()],
  [['baggage'], () => new W3CBaggagePropagator()],
  [
    ['tracecontext', 'baggage'],
    () => new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  ],
  [['b3'], () => new B3Propagator({ injectEncoding: B3InjectEncoding.SINGLE_HEADER })],
  [['b3multi'], () => new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER })],
];
const getter = {
  get: (carrier: Record<string, string>, key: string) => carrier[key],
  keys: (carrier: Record<string, string>) => Object.keys(carrier),
};
const setter = {
  set: (carrier: Record<string, string>, key: string, value: string): void => {
    carrier[key] = value;
  },
};

/** What a context says to a propagator. */
function told(found: Context): unknown {
  const span = trace.getSpanContext(found);
  return [
    span === undefined ? undefined : { ...span, traceState: span.traceState?.serialize() },
    propagation.getBaggage(found)?.getAllEntries(),
  ];
}

for (const [names, theirs] of PROPAGATORS) {
  test(`${names.join(' and ')}: the official propagator and ours write the same, and read each other`, () => {
    const ours = createPropagator(names);
    const baggage = propagation.createBaggage({ user: { value: 'a b€' }, n: { value: '7' } });
    for (const traceFlags of [0, 1]) {
      const given = propagation.setBaggage(trace.setSpanContext(ROOT_CONTEXT, { ...REMOTE, traceFlags }), baggage);
      const carriers = [ours, theirs()].map((propagator) => {
        const carrier: Record<string, string> = {};
        propagator.inject(given, carrier, setter);
        return carrier;
      });
      assert.deepEqual(carriers[0], carriers[1]);
      assert.ok(Object.keys(carriers[0] ?? {}).length > 0);
      assert.deepEqual(
        told(ours.extract(ROOT_CONTEXT, carriers[1] ?? {}, getter)),
        told(theirs().extract(ROOT_CONTEXT, carriers[0] ?? {}, getter)),
      );
    }
  });
}

test('official propagators serve our provider, and a parent that they find is followed', (t) => {
  const tracing = startTracing({
    exporter: 'none',
    propagators: [new W3CTraceContextPropagator(), new B3Propagator()],
  });
  t.after(() => tracing.shutdown());
  const carrier = { traceparent: `00-${REMOTE.traceId}-${REMOTE.spanId}-01`, tracestate: 'a=1' };
  const found = propagation.extract(ROOT_CONTEXT, carrier);
  const span = trace.getTracer('t').startSpan('x', {}, found);
  assert.equal(span.spanContext().traceId, REMOTE.traceId);
  const written: Record<string, string> = {};
  propagation.inject(trace.setSpan(found, span), written);
  assert.equal(written.traceparent, `00-${REMOTE.traceId}-${span.spanContext().spanId}-01`);
  assert.equal(written.tracestate, 'a=1');
  assert.equal(written.b3, `${REMOTE.traceId}-${span.spanContext().spanId}-1`);
  span.end();
});

test('our context manager and propagator serve the official provider, and withSpan makes its spans', async (t) => {
  const exporter = new official.InMemorySpanExporter();
  const { provider, shutdown } = PROVIDERS.official([simple(exporter as unknown as SpanExporter)]);
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new ClewContextManager());
  propagation.setGlobalPropagator(createPropagator(['tracecontext', 'baggage']));
  t.after(async () => {
    trace.disable();
    context.disable();
    propagation.disable();
    await shutdown();
  });
  const tracer = trace.getTracer('t');
  const written: Record<string, string> = {};
  await tracer.startActiveSpan('outer', async (outer) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    await withSpan('inner', async (inner) => {
      await Promise.resolve();
      assert.equal(trace.getActiveSpan(), inner);
      propagation.inject(context.active(), written);
    });
    outer.end();
  });
  const [inner, outer] = exporter.getFinishedSpans();
  assert.deepEqual([inner?.name, outer?.name], ['inner', 'outer']);
  assert.equal(inner?.parentSpanContext?.spanId, outer?.spanContext().spanId);
  assert.equal(written.traceparent, `00-${inner?.spanContext().traceId}-${inner?.spanContext().spanId}-01`);
});

test('the official context manager serves our provider, and is still there afterwards', async (t) => {
  const manager = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(manager);
  t.after(() => context.disable());
  const exporter = new InMemorySpanExporter();
  const tracing = startTracing({ exporter });
  const tracer = trace.getTracer('t');
  await tracer.startActiveSpan('outer', async (outer) => {
    assert.equal(trace.getSpan(manager.active()), outer);
    await Promise.resolve();
    tracer.startSpan('child').end();
    await withSpan('inner', async (inner) => assert.equal(trace.getActiveSpan(), inner));
    outer.end();
  });
  await tracing.forceFlush();
  const [child, inner, outer] = exporter.getFinishedSpans();
  assert.equal(child?.parentSpanContext?.spanId, outer?.spanContext().spanId);
  assert.equal(inner?.parentSpanContext?.spanId, outer?.spanContext().spanId);
  await tracing.shutdown();
  const other = ROOT_CONTEXT.setValue(Symbol('k'), 1);
  context.with(other, () => assert.equal(manager.active(), other));
});
