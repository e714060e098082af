/** Every public way into Clew by which an application can hand something over after set-up. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import {
  activeSpanContext,
  anyCaseGetter,
  type ClewTracerProvider,
  type Context,
  createPropagator,
  environmentGetter,
  environmentSetter,
  getTracer,
  propagation,
  ratio,
  type Span,
  trace,
  withSpan,
} from '@clew/core';
import { DatabaseTracing } from '@clew/core/database';
import { HttpClientTracing, HttpServerTracing } from '@clew/core/http';
import { MessagingTracing } from '@clew/core/messaging';
import { defaultTextMapGetter, defaultTextMapSetter, ROOT_CONTEXT } from '@opentelemetry/api';

/** What a call can use. */
export interface Ground {
  provider: ClewTracerProvider;
  /** A recording span; ended by who made it. */
  span: Span;
}

/** One way in; `a` and `b` are hostile, and typed as nothing, because that is what JavaScript does. */
export type EntryPoint = readonly [name: string, call: (ground: Ground, a: never, b: never) => unknown];

const scope = { name: '@clew/fuzz', version: '1.0.0' };
const propagator = createPropagator([
  'tracecontext',
  'baggage',
  'b3',
  'b3multi',
  'jaeger',
  'xray',
  'ottrace',
  'datadog',
]);
const contextWith = (span: Span): Context => trace.setSpan(ROOT_CONTEXT, span);
const end = (span: Span): void => span.end();

const SPAN: EntryPoint[] = [
  ['span.setAttribute(key, value)', ({ span }, a, b) => span.setAttribute(a, b)],
  ['span.setAttribute of a good key', ({ span }, a) => span.setAttribute('hostile', a)],
  ['span.setAttributes', ({ span }, a) => span.setAttributes(a)],
  ['span.setAttributes of values', ({ span }, a, b) => span.setAttributes({ a, b, ok: 1 })],
  ['span.addEvent(name, attributes)', ({ span }, a, b) => span.addEvent(a, b)],
  ['span.addEvent(_, attributes, time)', ({ span }, a, b) => span.addEvent('event', a, b)],
  ['span.addEvent of values', ({ span }, a, b) => span.addEvent('event', { a, b })],
  ['span.addLink', ({ span }, a) => span.addLink(a)],
  ['span.addLink of parts', ({ span }, a, b) => span.addLink({ context: a, attributes: b })],
  ['span.addLinks', ({ span }, a) => span.addLinks(a)],
  ['span.addLinks of some', ({ span }, a, b) => span.addLinks([a, b])],
  ['span.setStatus', ({ span }, a) => span.setStatus(a)],
  ['span.setStatus of parts', ({ span }, a, b) => span.setStatus({ code: a, message: b })],
  ['span.setStatus of a message', ({ span }, a) => span.setStatus({ code: 2, message: a })],
  ['span.updateName', ({ span }, a) => span.updateName(a)],
  ['span.recordException', ({ span }, a, b) => span.recordException(a, b)],
  ['span.recordException of a cause', ({ span }, a) => span.recordException(new Error('m', { cause: a }))],
  ['span.end(time)', ({ span }, a) => span.end(a)],
  [
    'span.end twice, and more',
    ({ span }, a, b) => {
      span.end(a);
      span.setAttribute(a, b).addEvent(a, b).setStatus(a).updateName(b).end(b);
    },
  ],
];

const TRACER: EntryPoint[] = [
  ['provider.getTracer', ({ provider }, a, b) => end(provider.getTracer(a, b).startSpan('x'))],
  ['provider.getTracer of options', ({ provider }, a) => end(provider.getTracer('t', '1', a).startSpan('x'))],
  ['getTracer', (_, a, b) => end(getTracer(a, b).startSpan('x'))],
  ['tracer.startSpan(name, options)', ({ provider }, a, b) => end(provider.getTracer('t').startSpan(a, b))],
  [
    'tracer.startSpan of options',
    ({ provider }, a, b) => end(provider.getTracer('t').startSpan('x', { attributes: a, links: b, kind: a, root: b })),
  ],
  [
    'tracer.startSpan of values',
    ({ provider }, a) => end(provider.getTracer('t').startSpan('x', { attributes: { a } })),
  ],
  [
    'tracer.startSpan of a time',
    ({ provider }, a, b) => provider.getTracer('t').startSpan('x', { startTime: a }).end(b),
  ],
  ['tracer.startSpan of a kind', ({ provider }, a) => end(provider.getTracer('t').startSpan('x', { kind: a }))],
  ['tracer.startSpan of a context', ({ provider }, a) => end(provider.getTracer('t').startSpan('x', {}, a))],
  [
    'tracer.startSpan below a span',
    ({ provider }, a) => end(provider.getTracer('t').startSpan('x', {}, trace.setSpan(ROOT_CONTEXT, a))),
  ],
  [
    'tracer.startSpan below a span context',
    ({ provider }, a) => end(provider.getTracer('t').startSpan('x', {}, trace.setSpanContext(ROOT_CONTEXT, a))),
  ],
  ['tracer.startActiveSpan', ({ provider }, a, b) => provider.getTracer('t').startActiveSpan(a, b, end)],
  [
    'tracer.startActiveSpan of a context',
    ({ provider }, a) => provider.getTracer('t').startActiveSpan('x', {}, a, end),
  ],
  ['withSpan(name, options)', (_, a, b) => withSpan(a, b, () => 1)],
  ['withSpan of options', (_, a, b) => withSpan('x', { attributes: a, links: b, kind: a }, () => 1)],
  [
    'withSpan of a result',
    (_, a) =>
      sameResult(
        a,
        withSpan('x', () => a),
      ),
  ],
  [
    'withSpan of an error',
    (_, a) =>
      sameError(a, () =>
        withSpan('x', () => {
          throw a;
        }),
      ),
  ],
  [
    'withSpan of a rejection',
    (_, a) =>
      sameRejection(a, () =>
        withSpan('x', async () => {
          throw a;
        }),
      ),
  ],
  ['ratio().shouldSample', (_, a, b) => void ratio(0.5).shouldSample(ROOT_CONTEXT, '1'.repeat(32), a, b, {}, [])],
];

const PROPAGATION: EntryPoint[] = [
  ['propagator.extract of a carrier', (_, a) => propagator.extract(ROOT_CONTEXT, a, defaultTextMapGetter)],
  ['propagator.extract by anyCaseGetter', (_, a) => propagator.extract(ROOT_CONTEXT, a, anyCaseGetter)],
  ['propagator.extract of the environment', (_, a) => propagator.extract(ROOT_CONTEXT, a, environmentGetter)],
  [
    'propagator.extract of values',
    (_, a, b) =>
      propagator.extract(ROOT_CONTEXT, { traceparent: a, b3: b, baggage: a, 'uberctx-a': b }, defaultTextMapGetter),
  ],
  ['propagator.extract by a getter', (_, a) => propagator.extract(ROOT_CONTEXT, {}, a)],
  [
    'propagator.extract by what a getter gives',
    (_, a, b) => propagator.extract(ROOT_CONTEXT, {}, { get: () => a, keys: () => b }),
  ],
  [
    'propagator.extract into a context',
    (_, a) => propagator.extract(a, { b3: `${'1'.repeat(32)}-${'2'.repeat(16)}-1` }, defaultTextMapGetter),
  ],
  ['propagator.inject of a context', (_, a) => propagator.inject(a, {}, defaultTextMapSetter)],
  [
    'propagator.inject of a span',
    (_, a) => propagator.inject(trace.setSpan(ROOT_CONTEXT, a), {}, defaultTextMapSetter),
  ],
  ['propagator.inject into a carrier', ({ span }, a) => propagator.inject(contextWith(span), a, defaultTextMapSetter)],
  [
    'propagator.inject into the environment',
    ({ span }, a) => propagator.inject(contextWith(span), a, environmentSetter),
  ],
  ['propagator.inject by a setter', ({ span }, a) => propagator.inject(contextWith(span), {}, a)],
  [
    'propagator.inject of baggage',
    (_, a) => propagator.inject(propagation.setBaggage(ROOT_CONTEXT, a), {}, defaultTextMapSetter),
  ],
  [
    'propagator.inject of baggage entries',
    (_, a, b) => propagator.inject(propagation.setBaggage(ROOT_CONTEXT, baggageOf(a, b)), {}, defaultTextMapSetter),
  ],
  ['propagation.inject below a span', (_, a) => propagation.inject(trace.setSpan(ROOT_CONTEXT, a), {})],
  ['activeSpanContext', () => activeSpanContext()],
];

const HOOKS: EntryPoint[] = [
  ['hooks of HTTP clients', ({ provider }, a, b) => callHttpClient(provider, asHook(a), asHook(b), a)],
  ['hooks of HTTP servers', ({ provider }, a, b) => callHttpServer(provider, asHook(a), asHook(b))],
  ['hooks of databases', ({ provider }, a, b) => callDatabase(provider, asHook(a), asHook(b), a)],
  ['message headers and handlers', ({ provider }, a, b) => callMessaging(provider, a, b)],
];

/** All of them. */
export const ENTRY_POINTS: readonly EntryPoint[] = [...SPAN, ...TRACER, ...PROPAGATION, ...HOOKS];

/** A hook that gives the value, or is it. */
function asHook(value: unknown): () => never {
  // Options are checked at set-up: what is no function is refused there, and is no hook.
  return (typeof value === 'function' ? value : () => value) as () => never;
}

function callHttpClient(provider: ClewTracerProvider, a: () => never, b: () => never, error: unknown): void {
  const hooks = { ignore: b, urlTemplate: a, requestAttributes: b, responseAttributes: a, propagateTo: b };
  const client = new HttpClientTracing(scope, 'fuzz', { tracerProvider: provider, ...hooks });
  for (const method of ['GET', 'no method']) {
    const span = client.start(method, 'http://a.example', 'http://a.example/x', ROOT_CONTEXT);
    if (span === undefined) continue;
    span.responded({ statusCode: 200, header: a });
    span.failed(error, undefined);
    span.end();
  }
}

function callHttpServer(provider: ClewTracerProvider, a: () => never, b: () => never): void {
  const hooks = { ignore: b, spanName: a, requestAttributes: b, responseAttributes: a, trustIncoming: b };
  const library = { target: () => '/fuzz', forwarded: () => undefined, routeAtEnd: () => undefined };
  const server = new HttpServerTracing(scope, () => library, 'fuzz', { tracerProvider: provider, ...hooks });
  const request = new IncomingMessage(new Socket());
  request.method = 'GET';
  request.url = '/fuzz';
  const response = new ServerResponse(request);
  server.start(request, response, request, response);
  response.emit('close');
}

function callDatabase(provider: ClewTracerProvider, a: () => never, b: () => never, value: unknown): void {
  const hooks = { summarize: a, ignore: b, queryAttributes: a, resultAttributes: b, recordParameters: true };
  const system = {
    ...{ name: 'postgresql', defaultPort: 5432 },
    ...{ statusCode: () => undefined, libraryErrorType: () => undefined, rowCount: () => 1 },
  };
  const database = new DatabaseTracing(scope, system, 'fuzz', { tracerProvider: provider, ...hooks });
  const place = { database: 'd', schema: undefined, address: 'a', port: 1, user: undefined };
  const connection = database.connection(place);
  const first = database.start(ROOT_CONTEXT, connection, 'SELECT 1', [value], true);
  if (first !== undefined) database.succeed(first, value, 'SELECT 1', [value]);
  const second = database.start(ROOT_CONTEXT, connection, 'SELECT 2', undefined, false);
  if (second !== undefined) database.fail(second, value);
}

function callMessaging(provider: ClewTracerProvider, a: unknown, b: unknown): unknown {
  const messaging = new MessagingTracing(scope, 'kafka', {}, { tracerProvider: provider, trustIncoming: asHook(b) });
  // Headers as a broker's client gives them: an object whose values are anything.
  const { context } = messaging.receive({ traceparent: a, baggage: b }, false);
  const span = messaging.startProcess(context, 'topic', 0, () => [], undefined, undefined);
  return sameResult(
    a,
    messaging.process(context, span, () => a, undefined, {}),
  );
}

function baggageOf(key: unknown, value: unknown): never {
  const entries = [[key, { value }], [key, value], ['good', { value: 'v', metadata: value }], value];
  return { getAllEntries: () => entries, getEntry: () => value, setEntry: () => value } as never;
}

// A result is passed on as it is; a thenable becomes a promise for the same value.
function sameResult(given: unknown, got: unknown): void {
  // The same object may be a proxy that throws when it is looked at.
  if (Object.is(given, got)) return;
  if (!(got instanceof Promise)) throw new Error('another result came out');
  got.catch(() => {});
}

function sameError(given: unknown, call: () => unknown): void {
  try {
    call();
  } catch (error) {
    if (!Object.is(error, given)) throw new Error('another error came out');
    return;
  }
  throw new Error('the error was lost');
}

async function sameRejection(given: unknown, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!Object.is(error, given)) throw new Error('another rejection came out');
    return;
  }
  throw new Error('the rejection was lost');
}
