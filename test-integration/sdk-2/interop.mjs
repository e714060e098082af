// Our parts on the official SDK 2.x and its parts on our provider, with API 1.9; prints what was the same on both.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import {
  alwaysOn,
  BatchSpanProcessor as ClewBatchSpanProcessor,
  ClewContextManager,
  ClewTracerProvider,
  createPropagator,
  OtlpHttpTransport,
  parentBased,
  ratio,
  ZipkinTransport,
} from '@clew/core';
import { context, propagation, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { ZipkinExporter } from '@opentelemetry/exporter-zipkin';
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3';
import { JaegerPropagator } from '@opentelemetry/propagator-jaeger';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  InMemorySpanExporter,
  NodeTracerProvider,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';

const REMOTE = { traceId: `${'f'.repeat(31)}1`, spanId: 'e'.repeat(16), traceFlags: 1, isRemote: true };
const resource = resourceFromAttributes({ 'service.name': 'shop', count: 3 });
const at = (nanos) => [1_700_000_000, nanos];

const received = [];
const sink = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  received.push(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  response.end();
});
sink.listen(0, '127.0.0.1');
await once(sink, 'listening');
const url = `http://127.0.0.1:${sink.address().port}`;

function makeIds() {
  let traces = 0;
  let spans = 0;
  // The odd factor spreads the counts over all bits, which samplers look at.
  const hex = (count) => ((BigInt(count) * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn).toString(16).padStart(16, '0');
  return { generateTraceId: () => hex(++traces) + hex(traces + 1000), generateSpanId: () => hex(++spans) };
}

const providers = {
  official: (processors, sampler = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(1) })) =>
    new NodeTracerProvider({ resource, sampler, spanProcessors: processors, idGenerator: makeIds() }),
  ours: (processors, sampler = parentBased({ root: alwaysOn() })) => {
    const propagator = createPropagator(['tracecontext']);
    return new ClewTracerProvider({ resource, sampler, processors, propagator, idGenerator: makeIds() });
  },
};

function play(provider) {
  const tracer = provider.getTracer('shop-lib', '1.2.3');
  const links = [{ context: REMOTE, attributes: { n: 2 } }];
  const attributes = { text: 'päy €', yes: true, n: 7, half: 0.5, list: ['a', 'b'] };
  const root = tracer.startSpan('order', { kind: SpanKind.SERVER, attributes, links, startTime: at(1_000_000) });
  const child = tracer.startSpan('pay', { startTime: at(2_000_000) }, trace.setSpan(ROOT_CONTEXT, root));
  child.setAttribute('late', 1).addEvent('asked', { attempt: 1 }, at(2_500_000));
  child.setStatus({ code: 2, message: 'refused' }).updateName('pay order').end(at(3_000_000));
  root.end(at(4_000_000));
  const below = trace.setSpanContext(ROOT_CONTEXT, REMOTE);
  tracer.startSpan('consume', { kind: SpanKind.CONSUMER, startTime: at(5_000) }, below).end(at(6_000));
}

async function sent(which, processor) {
  received.length = 0;
  const provider = providers[which]([processor]);
  play(provider);
  await provider.forceFlush();
  await provider.shutdown();
  return structuredClone(received);
}

/** Every span of OTLP requests by name, with numbers as texts: who writes them how is each one's affair. */
function otlpSpans(requests) {
  const spans = requests.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ resource: { attributes }, scopeSpans }) =>
      scopeSpans.flatMap(({ scope, spans: list }) =>
        list.map((span) => withoutNothing({ ...span, scope, resource: attributes })),
      ),
    ),
  );
  return new Map(spans.map((span) => [span.name, span]));
}

/** Without what says nothing: zeros, and lists and objects that are empty. */
function withoutNothing(value) {
  if (Array.isArray(value)) return value.map(withoutNothing);
  if (typeof value !== 'object' || value === null) return typeof value === 'number' ? String(value) : value;
  const entries = Object.entries(value).map(([key, item]) => [key, withoutNothing(item)]);
  const says = (item) => item !== '0' && (typeof item !== 'object' || Object.keys(item).length > 0);
  return Object.fromEntries(entries.filter(([, item]) => says(item)));
}

const same = {};
const compare = (name, a, b) => {
  const isEmpty = a === undefined || (a.size ?? a.length ?? 1) === 0;
  same[name] = !isEmpty && isDeepStrictEqual(a, b);
  if (!same[name]) console.error(name, JSON.stringify([a, b].map((one) => (one instanceof Map ? [...one] : one))));
};

const otlp = () => new OTLPTraceExporter({ url: `${url}/v1/traces` });
const ourOtlp = () =>
  new ClewBatchSpanProcessor(new OtlpHttpTransport({ url: new URL(`${url}/v1/traces`), encoding: 'json' }));
for (const [name, wrap] of [
  ['batch', BatchSpanProcessor],
  ['simple', SimpleSpanProcessor],
]) {
  const expected = otlpSpans(await sent('official', new wrap(otlp())));
  compare(`official OTLP exporter, ${name}, our provider`, otlpSpans(await sent('ours', new wrap(otlp()))), expected);
  compare(`our OTLP exporter, official provider (${name})`, otlpSpans(await sent('official', ourOtlp())), expected);
}
const zipkin = () => new BatchSpanProcessor(new ZipkinExporter({ url: `${url}/api/v2/spans` }));
const ourZipkin = () => new ClewBatchSpanProcessor(new ZipkinTransport({ url: new URL(`${url}/api/v2/spans`) }));
compare('official Zipkin exporter', await sent('ours', zipkin()), await sent('official', zipkin()));
compare('our Zipkin exporter', await sent('official', ourZipkin()), await sent('ours', ourZipkin()));

function decisions(which, sampler) {
  const tracer = providers[which]([], sampler).getTracer('t');
  return Array.from({ length: 200 }, () => {
    const { traceFlags, traceState } = tracer.startSpan('x', { root: true }).spanContext();
    return [traceFlags, traceState?.serialize() ?? ''];
  });
}
for (const [name, sampler] of [
  ['ratio', ratio(0.4)],
  ['parentBased', parentBased({ root: ratio(0.4) })],
  ['TraceIdRatioBasedSampler', new TraceIdRatioBasedSampler(0.4)],
]) {
  compare(`sampler ${name}`, decisions('ours', sampler), decisions('official', sampler));
  same[`sampler ${name} keeps some`] = new Set(decisions('ours', sampler).map(([flags]) => flags)).size === 2;
}

const getter = { get: (carrier, key) => carrier[key], keys: Object.keys };
const setter = {
  set: (carrier, key, value) => {
    carrier[key] = value;
  },
};
for (const [name, theirs] of [
  ['b3', new B3Propagator({ injectEncoding: B3InjectEncoding.SINGLE_HEADER })],
  ['b3multi', new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER })],
  ['jaeger', new JaegerPropagator()],
]) {
  const given = trace.setSpanContext(ROOT_CONTEXT, REMOTE);
  const carriers = [createPropagator([name]), theirs].map((propagator) => {
    const carrier = {};
    propagator.inject(given, carrier, setter);
    return carrier;
  });
  const ids = (propagator, carrier) => {
    const { traceId, spanId, traceFlags } =
      trace.getSpanContext(propagator.extract(ROOT_CONTEXT, carrier, getter)) ?? {};
    return [traceId, spanId, traceFlags];
  };
  compare(`${name}: ours reads theirs`, ids(createPropagator([name]), carriers[1]), [REMOTE.traceId, REMOTE.spanId, 1]);
  compare(`${name}: theirs reads ours`, ids(theirs, carriers[0]), [REMOTE.traceId, REMOTE.spanId, 1]);
}

const exporter = new InMemorySpanExporter();
const provider = providers.official([new SimpleSpanProcessor(exporter)]);
provider.register({ contextManager: new ClewContextManager(), propagator: createPropagator(['tracecontext']) });
await trace.getTracer('t').startActiveSpan('outer', async (outer) => {
  await Promise.resolve();
  trace.getTracer('t').startSpan('inner').end();
  const carrier = {};
  propagation.inject(context.active(), carrier);
  const { traceId, spanId } = outer.spanContext();
  compare('our context manager and propagator', carrier.traceparent, `00-${traceId}-${spanId}-01`);
  outer.end();
});
const [inner, outer] = exporter.getFinishedSpans();
compare('our context manager', inner.parentSpanContext.spanId, outer.spanContext().spanId);
await provider.shutdown();
sink.close();
sink.closeAllConnections();
console.log(JSON.stringify(same));
