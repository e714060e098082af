import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isClewError, type Span, withSpan } from '@clew/core';
import { tracePromClient, withExemplars } from '@clew/prom-client';
import { BACKENDS, startBackend } from '@clew/testkit';
import newest from 'prom-client';
import lowest from 'prom-client-15.1.1';

const VERSIONS: Array<[string, typeof newest]> = [
  ['15.1.3', newest],
  ['15.1.1', lowest as unknown as typeof newest],
];

function openRegistry(client: typeof newest = newest): newest.Registry<newest.OpenMetricsContentType> {
  const registry = new client.Registry<newest.OpenMetricsContentType>();
  registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE);
  return registry;
}

function exemplarOf(span: Span): string {
  const { traceId, spanId } = span.spanContext();
  return `# {trace_id="${traceId}",span_id="${spanId}"}`;
}

async function lineOf(registry: { metrics(): Promise<string> }, start: string): Promise<string> {
  const text = await registry.metrics();
  const line = text.split('\n').find((one) => one.startsWith(start));
  assert.ok(line !== undefined, `no line starts with ${start} in\n${text}`);
  return line;
}

for (const [version, client] of VERSIONS) {
  for (const kind of BACKENDS) {
    test(`prom-client ${version} on ${kind}: increments and observations name the active span`, async (t) => {
      const backend = startBackend(t, kind);
      const registers = [openRegistry(client)];
      const { Counter, Histogram } = tracePromClient(client);
      const counter = new Counter({ name: 'orders', help: 'h', registers });
      const histogram = new Histogram({ name: 'seconds', help: 'h', buckets: [1, 2], registers });
      assert.ok(counter instanceof client.Counter);
      const exemplar = withSpan('work', (span) => {
        counter.inc(3);
        histogram.observe(1.5);
        return exemplarOf(span);
      });
      const [registry] = registers;
      assert.ok(registry !== undefined);
      const expected = backend.records ? exemplar : undefined;
      const counted = await lineOf(registry, 'orders_total 3');
      assert.equal(/# \{.*\}/.exec(counted)?.[0], expected);
      assert.match(await lineOf(registry, 'seconds_bucket{le="1"} 0'), /0$/);
      const bucket = await lineOf(registry, 'seconds_bucket{le="2"} 1');
      assert.equal(/# \{.*\}/.exec(bucket)?.[0], expected);
      if (expected !== undefined) assert.match(bucket, /\} 1\.5 \d{10}(\.\d+)?$/);
      backend.all();
    });
  }

  test(`prom-client ${version}: every call form of a plain counter counts the same`, async (t) => {
    startBackend(t, 'none');
    const registry = openRegistry(client);
    const { Counter } = tracePromClient(client);
    const counter = new Counter({ name: 'c', help: 'h', labelNames: ['a'], registers: [registry] });
    counter.inc();
    counter.inc(2);
    counter.inc({ a: 'x' });
    counter.inc({ a: 'x' }, 5);
    counter.labels('x').inc(10);
    counter.labels({ a: 'x' }).inc();
    counter.inc({ labels: { a: 'x' }, value: 100 } as never);
    assert.match(await lineOf(registry, 'c_total 3'), /^c_total 3$/);
    assert.match(await lineOf(registry, 'c_total{'), /^c_total\{a="x"\} 117$/);
  });

  test(`prom-client ${version}: every call form of a plain histogram observes the same, with an exemplar`, async (t) => {
    const backend = startBackend(t, 'clew');
    const registry = openRegistry(client);
    const { Histogram } = tracePromClient(client);
    const names: Array<'a'> = ['a'];
    const histogram = new Histogram({ name: 'h', help: 'h', labelNames: names, buckets: [1], registers: [registry] });
    const exemplars = [
      () => histogram.observe({ a: '1' }, 0.5),
      () => histogram.labels('2').observe(0.5),
      () => histogram.labels({ a: '3' }).observe(0.5),
      () => histogram.observe({ labels: { a: '4' }, value: 0.5 } as never),
      () => void histogram.startTimer({ a: '5' })(),
      () => void histogram.startTimer()({ a: '6' }),
      () => void histogram.labels('7').startTimer()(),
    ].map((call) =>
      withSpan('work', (span) => {
        call();
        return exemplarOf(span);
      }),
    );
    for (const [index, exemplar] of exemplars.entries()) {
      const line = await lineOf(registry, `h_bucket{le="1",a="${index + 1}"} 1`);
      assert.ok(line.includes(exemplar), line);
    }
    backend.all();
  });
}

test('a span that is not sampled gives no exemplar', async (t) => {
  startBackend(t, 'clew', { sampler: 0 });
  const registry = openRegistry();
  const counter = new (tracePromClient(newest).Counter)({ name: 'c', help: 'h', registers: [registry] });
  withSpan('work', () => counter.inc());
  assert.equal(await lineOf(registry, 'c_total'), 'c_total 1');
});

test('without a span the value counts and an older exemplar stays', async (t) => {
  const backend = startBackend(t, 'clew');
  const registry = openRegistry();
  const counter = new (tracePromClient(newest).Counter)({ name: 'c', help: 'h', registers: [registry] });
  counter.inc();
  assert.equal(await lineOf(registry, 'c_total'), 'c_total 1');
  const exemplar = withSpan('work', (span) => {
    counter.inc();
    return exemplarOf(span);
  });
  counter.inc();
  assert.ok((await lineOf(registry, 'c_total 3')).includes(exemplar));
  backend.all();
});

for (const [length, kept] of [
  [60, true],
  [61, false],
] as const) {
  test(`an own label that makes ${63 + 5 + length} characters is ${kept ? 'kept' : 'left out'}`, async (t) => {
    const backend = startBackend(t, 'clew');
    const registry = openRegistry();
    const counter = new (tracePromClient(newest).Counter)({ name: 'c', help: 'h', registers: [registry] });
    const exemplar = withSpan('work', (span) => {
      counter.inc({ value: 2, exemplarLabels: { order: 'x'.repeat(length) } } as never);
      return exemplarOf(span);
    });
    const line = await lineOf(registry, 'c_total 2');
    assert.ok(line.includes(exemplar.slice(0, -1)), line);
    assert.equal(line.includes('order='), kept);
    backend.all();
  });
}

test('a timer names the span active at its end, or at its start on request', async (t) => {
  const backend = startBackend(t, 'clew');
  const registry = openRegistry();
  const config = { help: 'h', buckets: [60], registers: [registry] };
  const atEnd = new (tracePromClient(newest).Histogram)({ name: 'e', ...config });
  const atStart = new (tracePromClient(newest, { timerExemplar: 'start' }).Histogram)({ name: 's', ...config });
  const [stopEnd, stopStart, first] = withSpan('first', (span) => [
    atEnd.startTimer(),
    atStart.startTimer(),
    exemplarOf(span),
  ]);
  const second = withSpan('second', (span) => {
    stopEnd();
    stopStart();
    return exemplarOf(span);
  });
  assert.ok((await lineOf(registry, 'e_bucket{le="60"}')).includes(second));
  assert.ok((await lineOf(registry, 's_bucket{le="60"}')).includes(first));
  backend.all();
});

test('wrong values throw the errors that prom-client throws, and count nothing', async (t) => {
  startBackend(t, 'none');
  const registry = openRegistry();
  const { Counter, Histogram } = tracePromClient(newest);
  const counter = new Counter({ name: 'c', help: 'h', labelNames: ['a'], registers: [registry] });
  const histogram = new Histogram({ name: 'h', help: 'h', labelNames: ['a'], registers: [registry] });
  assert.throws(() => counter.inc(-1), /not possible to decrease/);
  assert.throws(() => counter.inc({ b: 'x' } as never), /label "b"/);
  assert.throws(() => histogram.observe(Number.NaN), /not a valid number/);
  assert.throws(() => histogram.labels('a', 'b'), /Invalid number of arguments/);
  assert.doesNotMatch(await registry.metrics(), /^(c_total|h_bucket)/m);
});

test('withExemplars works on a metric that exists, twice as once, and leaves a gauge alone', async (t) => {
  const backend = startBackend(t, 'clew');
  const registry = openRegistry();
  const made = new newest.Histogram({
    name: 'h',
    help: 'h',
    buckets: [1],
    registers: [registry],
    enableExemplars: true,
  });
  assert.equal(withExemplars(withExemplars(made)), made);
  const gauge = new newest.Gauge({ name: 'g', help: 'h', registers: [registry] });
  const { set } = gauge;
  assert.equal(withExemplars(gauge), gauge);
  assert.equal(gauge.set, set);
  const exemplar = withSpan('work', (span) => {
    made.observe(1);
    return exemplarOf(span);
  });
  assert.ok((await lineOf(registry, 'h_bucket{le="1"} 1')).includes(exemplar));
  backend.all();
});

const plain = new newest.Registry();
const WRONG: Array<[string, string, () => unknown, RegExp]> = [
  ['another module', 'TARGET', () => tracePromClient({} as never), /needs the module prom-client/],
  ['no metric', 'TARGET', () => withExemplars({}), /needs a metric/],
  [
    'a metric without exemplars',
    'TARGET',
    () => withExemplars(new newest.Counter({ name: 'p', help: 'h', registers: [plain] })),
    /without enableExemplars/,
  ],
  [
    'a plain registry',
    'OPTION',
    () => new (tracePromClient(newest).Counter)({ name: 'q', help: 'h', registers: [plain] }),
    /registry of q must be OpenMetrics/,
  ],
  [
    'an unknown option',
    'OPTION',
    () => tracePromClient(newest, { timerExemplars: 1 } as never),
    /did you mean "timerExemplar"/,
  ],
  [
    'a wrong value',
    'OPTION',
    () => tracePromClient(newest, { timerExemplar: 'x' as never }),
    /"start" or "end", got x/,
  ],
];
for (const [title, code, call, message] of WRONG) {
  test(`${title} is refused at set-up`, () => {
    assert.throws(
      call,
      (error) => isClewError(error) && error.code === `CLEW_ERR_${code}` && message.test(error.message),
    );
  });
}
