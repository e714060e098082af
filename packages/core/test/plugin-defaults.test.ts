import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type ServerResponse } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { TracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { type Attributes, propagation, type Sampler, SpanKind, trace } from '@clew/core';
import { HttpClientTracing, type HttpServerOptions, HttpServerTracing } from '@clew/core/http';
import { checkMessagingOptions, MessagingTracing, type ReceivingOptions } from '@clew/core/messaging';
import { type CollectedSpan, SpanCollector } from '@clew/core/testing';
import { ROOT, withBaggageIn } from '../src/context.ts';
import { faultCounts, resetFaults } from '../src/faults.ts';
import { hostMatcher } from '../src/host-matcher.ts';
import { PluginTracing } from '../src/plugin.ts';
import type { StartTracingOptions } from '../src/start-options.ts';
import { startTest } from './support.ts';

const SCOPE = { name: 'test-plugin', version: '1' };
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const OFFERED = { traceparent: `00-${TRACE_ID}-${CALLER}-01`, baggage: 'customer.tier=gold,secret=1' };

type Server = HttpServerOptions<IncomingMessage, ServerResponse>;

/** What one request with the headers of `OFFERED` made: its span, and the baggage that its handler saw. */
interface Served {
  span: CollectedSpan;
  baggage: string[];
}

async function serve(
  t: TestContext,
  options: StartTracingOptions,
  plugin: Server = {},
  headers: Record<string, string> = OFFERED,
): Promise<Served> {
  const spans = new SpanCollector();
  const { provider } = startTest(t, { exporter: 'none', ...options, spanProcessors: [spans] });
  const library = {
    target: (req: IncomingMessage) => req.url ?? '',
    forwarded: () => undefined,
    routeAtEnd: () => undefined,
  };
  const tracing = new HttpServerTracing(SCOPE, () => library, 'test', { tracerProvider: provider, ...plugin });
  const seen: string[] = [];
  const server = createServer((req, res) => {
    const context = tracing.start(req, res, req, res) ?? ROOT;
    seen.push(...(propagation.getBaggage(context)?.getAllEntries() ?? []).map(([key]) => key));
    res.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const call = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', headers, agent: false });
  const [answer] = (await once(call.end(), 'response')) as [IncomingMessage];
  answer.resume();
  return { span: await spans.take('SERVER'), baggage: seen };
}

const isContinued = ({ span }: Served): boolean => span.traceId === TRACE_ID && span.parentSpanId === CALLER;

/** A new trace, linked to the caller, without its decision and its baggage. */
function assertNewTrace({ span, baggage }: Served): void {
  assert.equal(span.parentSpanId, undefined);
  assert.notEqual(span.traceId, TRACE_ID);
  assert.deepEqual(
    span.links.map(({ context }) => [context.traceId, context.spanId]),
    [[TRACE_ID, CALLER]],
  );
  assert.deepEqual(baggage, []);
}

test('without options a caller is trusted', async (t) => {
  const served = await serve(t, {});
  assert.ok(isContinued(served));
  assert.deepEqual([served.span.links.length, served.baggage], [0, ['customer.tier', 'secret']]);
});

test("trustIncoming 'none' of startTracing: a new trace with a link, flags and baggage ignored", async (t) => {
  assertNewTrace(await serve(t, { trustIncoming: 'none', sampler: 1 }));
  const unsampled = { ...OFFERED, traceparent: OFFERED.traceparent.replace(/01$/, '00') };
  assertNewTrace(await serve(t, { trustIncoming: 'none', sampler: 1 }, {}, unsampled));
});

test('trustIncoming as a function gets the request of Node.js', async (t) => {
  const options: StartTracingOptions = { trustIncoming: ({ headers }) => headers['x-internal'] === 'yes' };
  assertNewTrace(await serve(t, options));
  assert.ok(isContinued(await serve(t, options, {}, { ...OFFERED, 'x-internal': 'yes' })));
});

test('a plugin has the last word on whom it trusts', async (t) => {
  assert.ok(isContinued(await serve(t, { trustIncoming: 'none' }, { trustIncoming: 'all' })));
  assertNewTrace(await serve(t, { trustIncoming: 'all' }, { trustIncoming: 'none' }));
});

test('a trust function that throws trusts nobody, and is counted', async (t) => {
  resetFaults();
  const fail = (): never => {
    throw new Error('trust');
  };
  assertNewTrace(await serve(t, { trustIncoming: fail }));
  assert.equal(faultCounts().hook_threw, 1);
});

test('a caller that names no span is not linked to, which is no fault', async (t) => {
  resetFaults();
  const { span } = await serve(t, { trustIncoming: 'none', propagators: ['b3'] }, {}, { b3: '1' });
  assert.deepEqual([span.links, span.parentSpanId], [[], undefined]);
  assert.deepEqual(faultCounts(), Object.create(null));
});

test('CLEW_TRUST_INCOMING, CLEW_PROPAGATE_TO and CLEW_BAGGAGE_SPAN_KEYS hold where code says nothing', async (t) => {
  const env = { CLEW_TRUST_INCOMING: 'none', CLEW_PROPAGATE_TO: '*.example', CLEW_BAGGAGE_SPAN_KEYS: 'customer.tier' };
  Object.assign(process.env, env);
  t.after(() => {
    for (const name of Object.keys(env)) delete process.env[name];
  });
  assertNewTrace(await serve(t, {}));
  const trusted = await serve(t, { trustIncoming: 'all' });
  assert.ok(isContinued(trusted));
  assert.equal(trusted.span.attributes['customer.tier'], 'gold');
  assert.equal(
    (await serve(t, { trustIncoming: 'all', baggageSpanKeys: [] })).span.attributes['customer.tier'],
    undefined,
  );
  assert.deepEqual([propagatesTo(t, {}, 'a.example'), propagatesTo(t, {}, 'a.test')], [true, false]);
  assert.equal(propagatesTo(t, { propagateTo: ['*'] }, 'a.test'), true);
});

function propagatesTo(
  t: TestContext,
  options: StartTracingOptions,
  host: string,
  plugin: ConstructorParameters<typeof HttpClientTracing>[2] = {},
): boolean {
  const { provider } = startTest(t, { exporter: 'none', ...options });
  const client = new HttpClientTracing(SCOPE, 'test', { tracerProvider: provider, ...plugin });
  const origin = host === '' ? '' : `http://${host}:8080`;
  const span = client.start('GET', origin, `${origin}/x`, ROOT) ?? assert.fail();
  span.end();
  return span.propagates;
}

const HOSTS: Array<[propagateTo: StartTracingOptions['propagateTo'], host: string, propagates: boolean]> = [
  [undefined, 'anything.test', true],
  [undefined, '', true],
  [[], 'anything.test', false],
  [['*'], 'anything.test', true],
  [['*.example.com'], 'api.example.com', true],
  [['*.example.com'], 'API.Example.COM', true],
  [['*.example.com'], 'example.com', false],
  [['*.example.com'], 'api.example.com.evil.test', false],
  [['*.example.com'], '', false],
  [['other.test', 'api.*.example'], 'api.eu.example', true],
  [[/^api\d+\.example\.com$/], 'api7.example.com', true],
  [[/^api\d+\.example\.com$/], 'xapi7.example.com', false],
  [(host) => host.endsWith('.internal'), 'db.internal', true],
  [(host) => host.endsWith('.internal'), 'db.test', false],
];
for (const [propagateTo, host, propagates] of HOSTS) {
  test(`propagateTo ${String(propagateTo)}: ${host || 'an unknown host'} ${propagates ? 'gets' : 'gets no'} headers`, (t) => {
    assert.equal(propagatesTo(t, propagateTo === undefined ? {} : { propagateTo }, host), propagates);
  });
}

test('a client plugin has the last word on where headers go', (t) => {
  assert.equal(propagatesTo(t, { propagateTo: [] }, 'a.test', { propagateTo: ['a.*'] }), true);
  assert.equal(propagatesTo(t, { propagateTo: ['*'] }, 'a.test', { propagateTo: [/b/] }), false);
});

test('a propagateTo function that throws keeps headers here, and is counted', (t) => {
  resetFaults();
  const fail = (): never => {
    throw new Error('hosts');
  };
  assert.equal(propagatesTo(t, { propagateTo: fail }, 'a.test'), false);
  assert.equal(faultCounts().hook_threw, 1);
});

test('a regular expression with g matches the same host each time, and answers are bounded in number', () => {
  const matches = hostMatcher([/a/g]);
  for (let i = 0; i < 1000; i++) assert.equal(matches(`a${i}`), true);
  assert.deepEqual([matches('a'), matches('a'), matches('b'), matches('b')], [true, true, false, false]);
});

const MESSAGES: Array<[title: string, StartTracingOptions, ReceivingOptions, trusted: boolean]> = [
  ['by default', {}, {}, true],
  ["with 'none'", { trustIncoming: 'none' }, {}, false],
  ["with 'none' and a plugin that trusts all", { trustIncoming: 'none' }, { trustIncoming: 'all' }, true],
  ['with a function that says so', { trustIncoming: ({ headers }) => 'traceparent' in headers }, {}, true],
  ['with a plugin function that does not', {}, { trustIncoming: ({ headers }) => 'x' in headers }, false],
];
for (const [title, options, plugin, trusted] of MESSAGES) {
  test(`${title} the sender of a message is ${trusted ? 'the parent' : 'only linked, and its baggage is ignored'}`, (t) => {
    const { provider } = startTest(t, { exporter: 'none', ...options });
    const messaging = new MessagingTracing(SCOPE, 'kafka', {}, { tracerProvider: provider, ...plugin });
    const { context, sender } = messaging.receive(OFFERED, false);
    assert.equal(sender?.spanContext().spanId, CALLER);
    assert.equal(trace.getSpanContext(context)?.traceId, trusted ? TRACE_ID : undefined);
    assert.equal(propagation.getBaggage(context)?.getEntry('customer.tier')?.value, trusted ? 'gold' : undefined);
  });
}

test('misspelt and wrong values of the three options are refused by name', (t) => {
  const refused: Array<[object, RegExp]> = [
    [{ trustIncomming: 'none' }, /did you mean "trustIncoming"/],
    [{ trustIncoming: 'some' }, /trustIncoming must be one of all, none, got "some"/],
    [{ propagateTo: 'a.test' }, /propagateTo must be an array/],
    [{ propagateTo: ['a', ''] }, /propagateTo must hold texts that are not empty or regular expressions, got ""/],
    [{ baggageSpanKeys: ['a b'] }, /baggageSpanKeys must hold baggage keys, got "a b"/],
    [{ exportConcurrency: 0 }, /exportConcurrency must be an integer of 1 or more, got 0/],
  ];
  for (const [options, message] of refused) {
    // The cast stands for an application in JavaScript.
    assert.throws(() => startTest(t, { exporter: 'none', ...(options as StartTracingOptions) }), { message });
  }
  assert.throws(
    () => checkMessagingOptions('traceKafka', { baggageSpanKeys: [''] }, ['baggageSpanKeys']),
    /baggage keys/,
  );
});

const CONTEXT = withBaggageIn(
  ROOT,
  propagation.createBaggage({ 'customer.tier': { value: 'gold' }, 'url.path': { value: 'x' }, secret: { value: '1' } }),
);

test('baggageSpanKeys: listed entries are attributes of every span below, and no others', async (t) => {
  const spans = new SpanCollector();
  const options: StartTracingOptions = {
    exporter: 'none',
    spanProcessors: [spans],
    baggageSpanKeys: ['customer.tier', 'no'],
  };
  const tracer = startTest(t, options).provider.getTracer('t');
  tracer.startSpan('by hand', { attributes: { a: 1 } }, CONTEXT).end();
  tracer.startSpan('elsewhere').end();
  assert.deepEqual({ ...(await spans.take('by hand')).attributes }, { a: 1, 'customer.tier': 'gold' });
  assert.deepEqual({ ...(await spans.take('elsewhere')).attributes }, {});
});

test('baggageSpanKeys: an attribute that the span starts with wins, and limits hold', async (t) => {
  const spans = new SpanCollector();
  const { provider } = startTest(t, {
    exporter: 'none',
    spanProcessors: [spans],
    baggageSpanKeys: ['url.path', 'customer.tier', 'secret'],
    limits: { attributeCountLimit: 2, attributeValueLengthLimit: 3 },
  });
  provider
    .getTracer('t')
    .startSpan('x', { attributes: { 'url.path': '/' } }, CONTEXT)
    .end();
  const { attributes, span } = await spans.take('x');
  assert.deepEqual([{ ...attributes }, span.droppedAttributesCount], [{ 'url.path': '/', 'customer.tier': 'gol' }, 1]);
});

test('baggageSpanKeys: samplers see them', async (t) => {
  const seen: Attributes[] = [];
  const sampler: Sampler = {
    shouldSample: (_context, _traceId, _name, _kind, attributes) => {
      seen.push({ ...attributes });
      return { decision: 2 };
    },
    toString: () => 'seeing',
  };
  const { span } = await serve(t, { sampler, baggageSpanKeys: ['customer.tier'] });
  assert.equal(seen[0]?.['customer.tier'], 'gold');
  assert.equal(seen[0]?.['url.path'], '/');
  assert.equal(span.attributes['customer.tier'], 'gold');
});

test('baggageSpanKeys: the baggage of a caller that is not trusted is on no span', async (t) => {
  const { span } = await serve(t, { trustIncoming: 'none', baggageSpanKeys: ['customer.tier'] });
  assert.equal('customer.tier' in span.attributes, false);
});

test('baggageSpanKeys of a plugin take the place of the general ones', async (t) => {
  const own = await serve(t, { baggageSpanKeys: ['customer.tier'] }, { baggageSpanKeys: ['secret'] });
  assert.deepEqual([own.span.attributes.secret, own.span.attributes['customer.tier']], ['1', undefined]);
  const none = await serve(t, { baggageSpanKeys: ['customer.tier'] }, { baggageSpanKeys: [] });
  assert.equal(none.span.attributes['customer.tier'], undefined);
});

test("baggageSpanKeys of a plugin hold on the official SDK's provider too", async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const tracing = new PluginTracing(SCOPE, provider, ['customer.tier']);
  tracing.startSpan('x', SpanKind.CLIENT, CONTEXT, ['a', 1]).end();
  await provider.forceFlush();
  assert.deepEqual(exporter.getFinishedSpans()[0]?.attributes, { a: 1, 'customer.tier': 'gold' });
});
