import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { context, propagation, type TextMapPropagator, trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  InMemorySpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import { isClewError } from '../src/errors.ts';
import { activeSpanContext, SpanKind, startTracing, withSpan } from '../src/index.ts';
import { collectSpans } from '../src/testing/index.ts';
import { makeSpans, startBackend, startTest } from './support.ts';

test('startTracing registers provider, context manager and propagators; shutdown takes them back', async () => {
  const tracing = startTracing({ serviceName: 'x', exporter: 'none' });
  const span = trace.getTracer('t').startSpan('s');
  assert.equal(span.isRecording(), true);
  const active = trace.setSpan(context.active(), span);
  assert.equal(
    context.with(active, () => trace.getActiveSpan()),
    span,
  );
  const carrier: Record<string, string> = {};
  propagation.inject(active, carrier);
  const { traceId, spanId } = span.spanContext();
  assert.deepEqual(carrier, { traceparent: `00-${traceId}-${spanId}-03` });
  await tracing.shutdown();
  assert.equal(trace.getTracer('t').startSpan('s').isRecording(), false);
  assert.deepEqual(propagation.fields(), []);
});

test('a second start while one runs is refused, a start after shutdown is not', async () => {
  const first = startTracing({ exporter: 'none' });
  assert.throws(
    () => startTracing({ exporter: 'none' }),
    (error) => isClewError(error) && error.code === 'CLEW_ERR_STARTED',
  );
  const beside = startTracing({ exporter: 'none', register: false });
  await beside.shutdown();
  assert.equal(trace.getTracer('t').startSpan('s').isRecording(), true, 'the first one still runs');
  await first.shutdown();
  await first.shutdown();
  await startTracing({ exporter: 'none' }).shutdown();
});

const WRONG: Array<[string, object, RegExp]> = [
  ['an unknown name', { servicename: 'x' }, /no option "servicename", did you mean "serviceName"/],
  ['an unknown batch name', { batch: { maxQueue: 1 } }, /no option "maxQueue"/],
  ['an unknown limit', { limits: { attributeLimit: 1 } }, /no option "attributeLimit"/],
  ['a queue of 0', { batch: { maxQueueSpans: 0 } }, /maxQueueSpans must be an integer of 1 or more, got 0/],
  ['a ratio above 1', { sampler: 1.5 }, /1\.5/],
  ['a ratio that is no number', { sampler: Number.NaN }, /NaN/],
  ['a sampler without shouldSample', { sampler: {} }, /shouldSample/],
  ['an unknown exporter', { exporter: 'otpl' }, /"otpl"/],
  ['an endpoint that is no URL', { endpoint: 'localhost:4318' }, /endpoint must be an http or https URL/],
  ['an endpoint for gRPC', { endpoint: 'grpc://localhost:4317' }, /endpoint must be an http or https URL/],
  ['an unknown propagator', { propagators: ['tracecontxt'] }, /did you mean "tracecontext"/],
  ['a header with a line break', { headers: { a: 'x\r\ny' } }, /header "a"/],
  ['an empty service name', { serviceName: '' }, /serviceName must be a text/],
  ['a propagator that is no list', { propagators: 'b3' }, /propagators must be an array, got "b3"/],
  ['a resource that is a list', { resource: ['a'] }, /resource must be an object, got an array of 1/],
  ['an id generator without methods', { idGenerator: {} }, /idGenerator must have generateTraceId and generateSpanId/],
  ['a processor without methods', { spanProcessors: [{}] }, /spanProcessors must be an array of objects/],
  ['an unknown name in the spool', { spool: { directory: '/x' } }, /spool has no option "directory"/],
  ['a negative limit', { limits: { linkCountLimit: -1 } }, /linkCountLimit/],
];
for (const [title, options, message] of WRONG) {
  test(`${title} is refused, and leaves nothing registered`, () => {
    assert.throws(
      () => startTracing({ exporter: 'none', ...options } as never),
      (error) => isClewError(error) && error.code === 'CLEW_ERR_OPTION' && message.test(error.message),
    );
    assert.equal(trace.getTracer('t').startSpan('s').isRecording(), false);
  });
}

test('sampler, propagator, id generator, resource, processor and exporter of the official SDK fit in', async (t) => {
  const exporter = new InMemorySpanExporter();
  const direct = new InMemorySpanExporter();
  const propagator: TextMapPropagator = {
    inject: (_context, carrier, setter) => setter.set(carrier, 'x-own', '1'),
    extract: (context) => context,
    fields: () => ['x-own'],
  };
  const ids = { generateTraceId: () => '1'.repeat(32), generateSpanId: () => '2'.repeat(16) };
  const tracing = startTest(t, {
    exporter,
    spanProcessors: [new SimpleSpanProcessor({ exporter: direct })],
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(1) }),
    propagators: [propagator, 'baggage'],
    idGenerator: ids,
    resource: resourceFromAttributes({ team: 'blue' }),
  });
  tracing.provider.getTracer('t').startSpan('s').end();
  await tracing.forceFlush();
  for (const spans of [exporter.getFinishedSpans(), direct.getFinishedSpans()]) {
    assert.equal(spans.length, 1);
    assert.equal(spans[0]?.spanContext().traceId, ids.generateTraceId());
    assert.equal(spans[0]?.resource.attributes.team, 'blue');
  }
  assert.deepEqual(tracing.provider.propagator.fields(), ['x-own', 'baggage']);
});

test('a number as sampler is a parent-based ratio: 0 samples nothing of its own', (t) => {
  const tracing = startTest(t, { sampler: 0, exporter: 'none' });
  const span = tracing.provider.getTracer('t').startSpan('s');
  assert.equal(span.isRecording(), false);
  assert.equal(span.spanContext().traceFlags, 2);
  assert.match(span.spanContext().traceId, /^(?!0{32})[0-9a-f]{32}$/);
});

test('endpoints: a base gets /v1/traces, a full URL stays', async (t) => {
  for (const [given, path] of [
    ['', '/v1/traces'],
    ['/', '/v1/traces'],
    ['/otlp', '/otlp/v1/traces'],
    ['/otlp/v1/traces', '/otlp/v1/traces'],
  ]) {
    const backend = await startBackend(t);
    const tracing = startTest(t, { endpoint: backend.url + given });
    makeSpans(tracing, 1);
    await tracing.forceFlush();
    assert.equal(backend.received[0]?.path, path);
  }
});

test('withSpan gives its value, throws its error unchanged, and ends its span on every path', async (t) => {
  const spans = collectSpans(t, { register: true });
  assert.equal(
    withSpan('sync', () => 7),
    7,
  );
  assert.equal(await withSpan('async', async () => 8), 8);
  const error = new Error('mine');
  assert.throws(
    () =>
      withSpan('throws', () => {
        throw error;
      }),
    (thrown) => thrown === error,
  );
  const rejected = withSpan('rejects', { kind: SpanKind.CLIENT, attributes: { a: 1 } }, () => Promise.reject(error));
  await assert.rejects(rejected, (thrown) => thrown === error);
  for (const name of ['sync', 'async']) assert.equal((await spans.take(name)).status.code, 0);
  const threw = await spans.take('throws');
  assert.deepEqual(threw.status, { code: 2, message: 'mine' });
  assert.equal(threw.events.length, 1);
  const reject = await spans.take('rejects');
  assert.deepEqual([reject.kind, reject.attributes, reject.status.code], ['CLIENT', { a: 1 }, 2]);
  assert.equal(reject.events.length, 0, 'one error object is recorded once');
});

test('a rejection inside withSpan that nobody handles still ends the program', async () => {
  const { code, stderr } = await runProgram(
    `startTracing({ exporter: 'none' }); withSpan('work', async () => { throw new Error('mine'); });`,
  );
  assert.equal(code, 1);
  assert.match(stderr, /Error: mine/);
});

test('a lazy thenable runs once inside withSpan', async (t) => {
  const spans = collectSpans(t, { register: true });
  let runs = 0;
  // biome-ignore lint/suspicious/noThenProperty: query builders are such objects.
  const lazy = { then: (resolve: (value: number) => void) => resolve(++runs) };
  assert.equal(await withSpan('query', () => lazy), 1);
  assert.equal(runs, 1);
  await spans.take('query');
});

test('children of interleaved withSpan calls keep their own parents', async (t) => {
  const spans = collectSpans(t, { register: true });
  const work = (name: string) =>
    withSpan(name, { root: true }, async (span) => {
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(activeSpanContext()?.spanId, span.spanContext().spanId);
      await withSpan(`${name} child`, async () => new Promise((resolve) => setTimeout(resolve, 2)));
    });
  await Promise.all(['a', 'b', 'c'].map(work));
  for (const name of ['a', 'b', 'c']) {
    const parent = await spans.take(name);
    const child = await spans.take(`${name} child`);
    assert.deepEqual([child.traceId, child.parentSpanId], [parent.traceId, parent.spanId]);
  }
});

test('a parent key in span options is ignored', async (t) => {
  const spans = collectSpans(t);
  const tracer = spans.tracing.provider.getTracer('t');
  const other = tracer.startSpan('other');
  tracer.startSpan('x', { parent: other } as never).end();
  other.end();
  assert.equal((await spans.take('x')).parentSpanId, undefined);
  spans.all();
});

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function runProgram(source: string, env: Record<string, string> = {}): Promise<Ended> {
  const program = `import { startTracing, withSpan } from '@clew/core';\n${source}`;
  const args = ['--conditions=clew-source', '--input-type=module', '-e', program];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      cwd: import.meta.dirname,
      timeout: 20_000,
    });
    const ended: Ended = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => {
      ended.stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      ended.stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...ended, code }));
  });
}

test('a program with nothing else to do sends what it has and exits', async (t) => {
  const backend = await startBackend(t);
  const { code, stderr } = await runProgram(
    `startTracing({ endpoint: '${backend.url}' }); withSpan('work', () => {});`,
  );
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(backend.received.length, 1);
});

test('a program whose backend is away still exits by itself, and says what happened', async () => {
  const { code, stderr } = await runProgram(
    `startTracing({ endpoint: 'http://127.0.0.1:1' }); withSpan('work', () => {});`,
  );
  assert.equal(code, 0);
  assert.match(
    stderr,
    /clew: export_failed \(once, 1 in all\): otlp http:\/\/127\.0\.0\.1:1\/v1\/traces: .*ECONNREFUSED/,
  );
});

test('OTEL_SDK_DISABLED: no span records, headers still pass through', async () => {
  const { code, stdout } = await runProgram(
    `import { context, propagation, trace } from '@clew/core';
     startTracing();
     const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
     const carrier = {}, none = {};
     context.with(propagation.extract(context.active(), { traceparent }), () =>
       withSpan('work', (span) => { console.log(span.isRecording()); propagation.inject(context.active(), carrier); }));
     withSpan('alone', () => propagation.inject(context.active(), none));
     console.log(carrier.traceparent === traceparent, JSON.stringify(none));`,
    { OTEL_SDK_DISABLED: 'true' },
  );
  assert.deepEqual([code, stdout], [0, 'false\ntrue {}\n']);
});

test('variables: service name, resource, exporter and headers; wrong ones warn once and do not stop the program', async (t) => {
  const backend = await startBackend(t);
  const { code, stderr } = await runProgram(`startTracing(); withSpan('work', () => {});`, {
    OTEL_SERVICE_NAME: 'from-env',
    OTEL_RESOURCE_ATTRIBUTES: 'team=blue',
    OTEL_EXPORTER_OTLP_ENDPOINT: backend.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-key=secret',
    OTEL_BSP_SCHEDULE_DELAY: 'soon',
  });
  assert.equal(code, 0);
  assert.equal(stderr.match(/OTEL_BSP_SCHEDULE_DELAY/g)?.length, 1);
  assert.match(stderr, /"soon"/);
  const [request] = backend.received;
  assert.equal(request?.headers['x-key'], 'secret');
  assert.ok(request?.body.includes('from-env') && request.body.includes('blue'));
});

test('the gRPC port with the HTTP exporter gives one clear warning', async () => {
  const { stderr } = await runProgram(`startTracing({ endpoint: 'http://127.0.0.1:4317' });`);
  assert.match(stderr, /4317 is the usual port of OTLP over gRPC.*4318/);
});

test('import of @clew/core/start starts from variables alone', async () => {
  const { code, stdout } = await runProgram(`import '@clew/core/start'; withSpan('named', () => {});`, {
    OTEL_TRACES_EXPORTER: 'console',
    OTEL_SERVICE_NAME: 'svc',
  });
  assert.equal(code, 0);
  assert.match(stdout, /svc INTERNAL named/);
});
