/** Functions and objects that users give us: whatever they do, the application's work goes on and spans arrive. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { afterEach, test } from 'node:test';
import { promisify } from 'node:util';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { BatchSpanProcessor } from '../src/export/batch.ts';
import { OtlpHttpTransport } from '../src/export/otlp-http.ts';
import type { SpanProcessor } from '../src/export/readable-span.ts';
import type { BatchTransport } from '../src/export/transport.ts';
import { ZipkinTransport } from '../src/export/zipkin.ts';
import { faultCounts, resetFaults } from '../src/faults.ts';
import { callHook } from '../src/plugin.ts';
import type { Sampler } from '../src/sampler/types.ts';
import { startTracing } from '../src/start-tracing.ts';
import { collectSpans, SpanCollector } from '../src/testing/index.ts';
import { withSpan } from '../src/with-span.ts';
import { throwingProxy } from './support/hostile.ts';
import { countSpans, makeSpans, startBackend, startTest } from './support.ts';

afterEach(() => resetFaults());

const throws = (): never => {
  throw new Error('the application threw');
};
const rejects = async (): Promise<never> => throws();
const neverSettles = (): Promise<never> => new Promise(() => {});

/** Fails the test on a rejection that nobody handled, which would end the process of an application. */
function failOnRejection(t: { after(fn: () => void): void }): () => Promise<void> {
  const seen: unknown[] = [];
  const listener = (reason: unknown): void => void seen.push(reason);
  process.on('unhandledRejection', listener);
  t.after(() => process.off('unhandledRejection', listener));
  return async () => {
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(seen, []);
  };
}

for (const [what, hook, count] of [
  ['throws', throws, 1],
  // Once for the promise, which no hook may return, and once for what became of it.
  ['rejects', rejects, 2],
  ['never settles', neverSettles, 1],
] as const) {
  test(`a hook that ${what} is counted and harms nobody`, async (t) => {
    const assertHandled = failOnRejection(t);
    callHook('hook', hook as () => unknown);
    await assertHandled();
    assert.equal(faultCounts().hook_threw, count);
  });
}

const SAMPLERS: Array<[what: string, shouldSample: () => unknown]> = [
  ['throws', throws],
  ['rejects', rejects],
  ['gives nothing', () => undefined],
  ['gives a decision that does not exist', () => ({ decision: 7 })],
  ['gives a proxy that throws', () => throwingProxy({})],
];
for (const [what, shouldSample] of SAMPLERS) {
  test(`a sampler that ${what} is counted, and the span is recorded`, async (t) => {
    const assertHandled = failOnRejection(t);
    // The cast stands for an application in JavaScript.
    const sampler = { shouldSample, toString: () => 'hostile' } as unknown as Sampler;
    const spans = collectSpans(t, { sampler });
    spans.tracing.provider.getTracer('t').startSpan('x').end();
    await assertHandled();
    assert.equal(spans.all().length, 1);
    assert.equal(faultCounts().sampler_threw, 1);
  });
}

test('attributes and trace state of a sampler that throw cost no span', async (t) => {
  const backend = await startBackend(t);
  const sampler = {
    shouldSample: () => ({ decision: 2, attributes: throwingProxy({}), traceState: { serialize: throws } }),
    toString: () => 'hostile',
  } as unknown as Sampler;
  const tracing = startTest(t, { endpoint: backend.url, sampler });
  makeSpans(tracing, 1);
  await tracing.forceFlush();
  assert.equal(countSpans(backend.received[0]?.body ?? Buffer.alloc(0)), 1);
});

for (const [what, method] of [
  ['throws', throws],
  ['rejects', rejects],
] as const) {
  test(`a processor of which every method ${what} is counted, and the next one gets the span`, async (t) => {
    const assertHandled = failOnRejection(t);
    const collector = new SpanCollector();
    const broken = { onStart: method, onEnd: method, forceFlush: method, shutdown: method } as SpanProcessor;
    const tracing = startTracing({ exporter: 'none', register: false, spanProcessors: [broken, collector] });
    tracing.provider.getTracer('t').startSpan('x').end();
    await tracing.forceFlush();
    await tracing.shutdown();
    await assertHandled();
    assert.equal(collector.all().length, 1);
    assert.equal(faultCounts().processor_threw, 4);
  });
}

test('a processor that never settles holds neither forceFlush nor shutdown for ever', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const stuck = { onStart() {}, onEnd() {}, forceFlush: neverSettles, shutdown: neverSettles } as SpanProcessor;
  const tracing = startTracing({ exporter: 'none', register: false, spanProcessors: [stuck] });
  const flushed = tracing.forceFlush();
  t.mock.timers.tick(60_000);
  await flushed;
  const stopped = tracing.shutdown();
  t.mock.timers.tick(60_000);
  await stopped;
  assert.equal(faultCounts().processor_threw, 2);
});

for (const [what, headers] of [
  ['throws', throws],
  ['rejects', rejects],
  ['gives what is no header', async () => ({ 'x y': 'a\r\nb' })],
] as const) {
  test(`a header function that ${what} loses no span uncounted, and the process goes on`, async (t) => {
    const assertHandled = failOnRejection(t);
    const backend = await startBackend(t);
    const batch = { maxRetryElapsedMs: 1 };
    const tracing = startTest(t, { endpoint: backend.url, headers: headers as () => Promise<never>, batch });
    makeSpans(tracing, 3);
    await tracing.forceFlush();
    await assertHandled();
    const { exported, dropped } = tracing.stats().exporters[0] ?? assert.fail();
    assert.equal(exported + Object.values(dropped).reduce((sum, one) => sum + one, 0), 3);
  });
}

test('a logger that throws reaches nobody', (t) => {
  const spans = collectSpans(t);
  let isBroken = false;
  const log = (): void => {
    if (isBroken) throws();
  };
  const logger = { error: log, warn: log, info: log, debug: log, verbose: log };
  diag.setLogger(logger, { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true });
  t.after(() => diag.disable());
  const span = spans.tracing.provider.getTracer('t').startSpan('x');
  isBroken = true;
  span.setAttribute('', 1);
  span.end();
  span.end();
  span.setAttribute('late', 1);
  isBroken = false;
  assert.equal(spans.all().length, 1);
});

const RESULTS: Array<[what: string, result: unknown]> = [
  ['a proxy that throws', throwingProxy({})],
  ['an object whose then throws', Object.defineProperty({}, 'then', { get: throws })],
  ['a function behind a proxy that throws', throwingProxy(() => 1)],
];
for (const [what, result] of RESULTS) {
  test(`withSpan passes ${what} on and ends the span`, (t) => {
    const spans = collectSpans(t, { register: true });
    const got = withSpan('x', () => result);
    assert.ok(Object.is(got, result));
    assert.equal(spans.all().length, 1);
  });
}

test('withSpan keeps to the limits of the provider and counts what is over them', (t) => {
  const spans = collectSpans(t, { register: true });
  const attributes = Object.fromEntries(Array.from({ length: 130 }, (_, i) => [`k${i}`, i]));
  withSpan('x', { attributes }, () => 1);
  const got = spans.all()[0]?.span ?? assert.fail();
  assert.deepEqual([Object.keys(got.attributes).length, got.droppedAttributesCount], [128, 2]);
});

const TRANSPORTS: Array<[format: string, make: (url: URL) => BatchTransport]> = [
  ['OTLP in protobuf', (url) => new OtlpHttpTransport({ url })],
  ['OTLP in JSON', (url) => new OtlpHttpTransport({ url, encoding: 'json' })],
  ['Zipkin', (url) => new ZipkinTransport({ url })],
];
for (const [format, makeTransport] of TRANSPORTS) {
  test(`a span that cannot be encoded as ${format} is dropped alone and counted`, async (t) => {
    const backend = await startBackend(t);
    const processor = new BatchSpanProcessor(makeTransport(new URL(backend.url)));
    const tracing = startTracing({ exporter: 'none', register: false, spanProcessors: [processor] });
    t.after(() => tracing.shutdown());
    const tracer = tracing.provider.getTracer('t');
    for (const name of ['before', 'broken', 'after']) {
      const span = tracer.startSpan(name);
      // No input of users gets this far; it stands for a mistake of ours.
      if (name === 'broken') Object.defineProperty(span, 'name', { get: throws });
      span.end();
    }
    await tracing.forceFlush();
    assert.deepEqual([processor.stats.exported, processor.stats.dropped], [2, { encode_error: 1 }]);
    assert.equal(faultCounts().encode_error, 1);
    const texts = backend.received.map(({ body }) => body.toString('latin1'));
    assert.equal(texts.length, 1);
    assert.match(texts[0] ?? '', /before.*after/s);
    assert.doesNotMatch(texts[0] ?? '', /broken/);
  });
}

const KEEP_NONE = `
const { context, startTracing, trace } = await import(process.argv[1]);
const tracing = startTracing({ exporter: 'none' });
const tracer = tracing.provider.getTracer('t');
function start() {
  const parent = tracer.startSpan('parent', { attributes: { text: 'x'.repeat(1000) } });
  const below = trace.setSpan(context.active(), parent);
  context.with(below, () => tracer.startSpan('child', {}, below).addEvent('never ended'));
  return new WeakRef(parent);
}
const weak = start();
// Looking at it keeps it until the end of the job, so it is looked at once.
for (let i = 0; i < 3; i++) {
  await new Promise((resolve) => setImmediate(resolve));
  gc();
}
console.log(JSON.stringify({ isGone: weak.deref() === undefined, started: tracing.stats().started }));
`;

test('a span that is never ended is held by nobody, and stays counted as started', async () => {
  const core = new URL('../src/index.ts', import.meta.url).href;
  const flags = ['--conditions=clew-source', '--expose-gc', '--input-type=module', '-e', KEEP_NONE, core];
  const { stdout } = await promisify(execFile)(process.execPath, flags);
  assert.deepEqual(JSON.parse(stdout), { isGone: true, started: 2 });
});
