/** The cases of the HTTP server suite; see `http-server-bench.ts`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { Readable } from 'node:stream';
import { context, propagation, SpanStatusCode, trace, withSpan } from '@clew/core';
import { createContextKey } from '@opentelemetry/api';
import type { Exchange, HttpServerBench, HttpServerCase } from './http-server-bench.ts';
import { failAtOnce, failLater } from './http-server-end-cases.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const PARENT_ID = 'b7ad6b7169203331';
const TRACEPARENT = `00-${TRACE_ID}-${PARENT_ID}-01`;
const SUPPRESS = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** What holds where spans are made. */
export const HTTP_SERVER_CASES: readonly HttpServerCase[] = [
  ['the caller of a request with traceparent is the parent', parentFromHeader],
  ['a request without traceparent starts a new trace', newTrace],
  ['a malformed traceparent is ignored, and a new trace starts', malformedHeader],
  ['a caller that is not trusted is linked, and a new trace starts', untrustedCaller],
  ['baggage of the caller is there in the handler', baggage],
  ['name and attributes are those of the conventions', nameAndAttributes],
  ['a path that no route answers gives neither route nor error', notFound],
  ['an unknown method is recorded as _OTHER', unknownMethod],
  ['HEAD has the route of its GET', head],
  ['three requests on one connection are three traces, and leave no listener on it', keepAlive],
  ['requests of different clients on one connection keep their own attributes', sharedConnection],
  ['pipelined requests are traces of their own', pipelined],
  ['two interleaved requests keep their own traces', interleaved],
  ['a request body is read in the context of its request', requestBody],
  ['the application answers as it does without tracing', sameAnswers],
  ['a server that listens in a suppressed context makes no spans', suppressed],
  ['a server that was started inside of a span is not its child', startedInsideSpan],
  ['hooks that throw change neither answer nor span', throwingHooks],
  ['an ignored request has no span, nor has what happens in it', ignored],
  ['a name that the application gives is kept', nameOfApplication],
  ['a request that is not sampled passes its trace on and makes no span', unsampled, 0],
];

/** What holds without a provider. */
export const HTTP_SERVER_CASES_WITHOUT_PROVIDER: readonly HttpServerCase[] = [
  ['the application answers as it does without tracing', sameAnswers],
  ['hooks that throw change no answer', throwingHooks],
];

function answerOk({ params, send }: Exchange): void {
  send(200, `user ${params.id}`);
}

function activeSpanId(): string | undefined {
  return trace.getSpan(context.active())?.spanContext().spanId;
}

async function parentFromHeader(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(answerOk);
  await server.request('/users/7', { traceparent: TRACEPARENT, tracestate: 'vendor=1' });
  const span = await bench.takeServerSpan();
  assert.equal(span.traceId, TRACE_ID);
  assert.equal(span.parentSpanId, PARENT_ID);
  assert.equal(span.span.spanContext().traceState?.get('vendor'), '1');
}

async function newTrace(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(answerOk);
  await server.request('/users/7');
  const span = await bench.takeServerSpan();
  assert.equal(span.parentSpanId, undefined);
  assert.match(span.traceId, /^(?!0{32})[0-9a-f]{32}$/);
}

async function malformedHeader(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(answerOk);
  const headers = [
    '',
    'garbage',
    `00-${'0'.repeat(32)}-${PARENT_ID}-01`,
    `ff${TRACEPARENT.slice(2)}`,
    `${TRACEPARENT}-x`,
  ];
  for (const traceparent of headers) {
    await server.request('/users/7', { traceparent });
    const span = await bench.takeServerSpan();
    assert.equal(span.parentSpanId, undefined, `parent from ${JSON.stringify(traceparent)}`);
    assert.notEqual(span.traceId, TRACE_ID);
  }
}

async function untrustedCaller(bench: HttpServerBench): Promise<void> {
  let seen: unknown;
  const server = await bench.open(
    (exchange) => {
      seen = propagation.getActiveBaggage()?.getEntry('tier');
      answerOk(exchange);
    },
    { trustIncoming: 'none' },
  );
  await server.request('/users/7', { traceparent: TRACEPARENT, baggage: 'tier=gold' });
  const span = await bench.takeServerSpan();
  assert.equal(span.parentSpanId, undefined);
  assert.notEqual(span.traceId, TRACE_ID);
  assert.deepEqual(
    span.links.map((link) => [link.context.traceId, link.context.spanId]),
    [[TRACE_ID, PARENT_ID]],
  );
  assert.equal(seen, undefined);
}

async function baggage(bench: HttpServerBench): Promise<void> {
  let tier: string | undefined;
  const server = await bench.open((exchange) => {
    tier = propagation.getActiveBaggage()?.getEntry('customer.tier')?.value;
    answerOk(exchange);
  });
  await server.request('/users/7', { traceparent: TRACEPARENT, baggage: 'customer.tier=gold' });
  await bench.takeServerSpan();
  assert.equal(tier, 'gold');
}

async function nameAndAttributes(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(answerOk);
  await server.request('/users/7?page=2&sig=secret', { 'user-agent': 'suite/1' });
  const { name, kind, scope, attributes, status, events } = await bench.takeServerSpan();
  assert.deepEqual(
    { name, kind, scope, status, events },
    {
      name: 'GET /users/:id',
      kind: 'SERVER',
      scope: bench.scope,
      status: { code: SpanStatusCode.UNSET },
      events: [],
    },
  );
  const { 'network.peer.port': peerPort, ...others } = attributes;
  assert.ok(Number.isInteger(peerPort));
  assert.deepEqual(others, {
    'http.request.method': 'GET',
    'url.scheme': 'http',
    'url.path': '/users/7',
    'url.query': 'page=2&sig=REDACTED',
    'http.route': '/users/:id',
    'http.response.status_code': 200,
    'server.address': '127.0.0.1',
    'server.port': server.port,
    'client.address': '127.0.0.1',
    'network.peer.address': '127.0.0.1',
    'network.protocol.version': '1.1',
    'user_agent.original': 'suite/1',
  });
}

async function notFound(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(answerOk);
  assert.equal((await server.request('/nothing/here')).status, 404);
  const span = await bench.takeServerSpan();
  assert.equal(span.name, 'GET');
  assert.equal(span.attributes['http.route'], undefined);
  assert.equal(span.attributes['http.response.status_code'], 404);
  assert.equal(span.attributes['error.type'], undefined);
  assert.equal(span.status.code, SpanStatusCode.UNSET);
}

async function unknownMethod(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(answerOk);
  await server.request('/nothing', {}, 'PURGE');
  const span = await bench.backend.take((one) => one.kind === 'SERVER');
  assert.equal(span.name, 'HTTP');
  assert.equal(span.attributes['http.request.method'], '_OTHER');
  assert.equal(span.attributes['http.request.method_original'], 'PURGE');
}

async function head(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(answerOk);
  assert.equal((await server.request('/users/7', {}, 'HEAD')).status, 200);
  const span = await bench.takeServerSpan();
  assert.equal(span.name, 'HEAD /users/:id');
  assert.equal(span.status.code, SpanStatusCode.UNSET);
}

async function keepAlive(bench: HttpServerBench): Promise<void> {
  const sockets = new Set<unknown>();
  const listeners: number[] = [];
  const server = await bench.open((exchange) => {
    const { socket } = exchange.request;
    sockets.add(socket);
    listeners.push(['close', 'error', 'timeout', 'end'].reduce((sum, name) => sum + socket.listenerCount(name), 0));
    answerOk(exchange);
  });
  const traces = new Set<string>();
  for (let i = 0; i < 3; i++) {
    await server.request('/users/7');
    const span = await bench.takeServerSpan();
    assert.equal(span.parentSpanId, undefined);
    traces.add(span.traceId);
  }
  assert.equal(sockets.size, 1);
  assert.equal(traces.size, 3);
  assert.equal(listeners[2], listeners[1]);
}

async function sharedConnection(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(answerOk);
  // Each change comes after two requests alike, and there are more of them than a connection is watched for.
  for (let i = 0; i < 24; i++) {
    const client = i >> 1;
    const method = client % 3 === 0 ? 'HEAD' : 'GET';
    const headers = {
      host: `h${client}.example:8080`,
      ...(client % 4 === 0 ? {} : { 'user-agent': `agent/${client}` }),
    };
    await server.request(`/users/${i}?q=${i}`, headers, method);
    const { attributes } = await bench.takeServerSpan();
    const keys = ['http.request.method', 'server.address', 'user_agent.original', 'url.path', 'url.query'];
    assert.deepEqual(
      keys.map((key) => attributes[key]),
      [method, `h${client}.example`, headers['user-agent'], `/users/${i}`, `q=${i}`],
    );
    assert.equal(attributes['client.address'], '127.0.0.1');
    assert.equal(attributes['http.response.status_code'], 200);
  }
}

async function pipelined(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(answerOk);
  const socket = net.connect(server.port, '127.0.0.1');
  const one = (id: number, last: boolean) =>
    `GET /users/${id} HTTP/1.1\r\nHost: localhost\r\n${last ? 'Connection: close\r\n' : ''}\r\n`;
  socket.end(one(1, false) + one(2, false) + one(3, true));
  await once(socket.resume(), 'close');
  const spans = [await bench.takeServerSpan(), await bench.takeServerSpan(), await bench.takeServerSpan()];
  assert.deepEqual(spans.map((span) => span.attributes['url.path']).sort(), ['/users/1', '/users/2', '/users/3']);
  assert.deepEqual(
    spans.map((span) => span.parentSpanId),
    [undefined, undefined, undefined],
  );
  assert.equal(new Set(spans.map((span) => span.traceId)).size, 3);
}

async function interleaved(bench: HttpServerBench): Promise<void> {
  const waiting: Array<() => void> = [];
  const server = await bench.open(async (exchange) => {
    await withSpan(`before ${exchange.params.id}`, async () => undefined);
    await new Promise<void>((resolve) => {
      // Each goes on only when both are here.
      waiting.push(resolve);
      if (waiting.length === 2) for (const wake of waiting.splice(0).reverse()) wake();
    });
    await withSpan(`after ${exchange.params.id}`, async () => undefined);
    answerOk(exchange);
  });
  const second = await bench.open(answerOk);
  const answers = [server.open('/users/1'), server.open('/users/2')].map((request) => once(request, 'response'));
  for (const [response] of await Promise.all(answers)) response.resume();
  await second.close();
  const servers = [await bench.takeServerSpan(), await bench.takeServerSpan()];
  for (const id of ['1', '2']) {
    const own = servers.find((span) => span.attributes['url.path'] === `/users/${id}`);
    for (const when of ['before', 'after']) {
      const child = await bench.backend.take(`${when} ${id}`);
      assert.equal(child.parentSpanId, own?.spanId);
      assert.equal(child.traceId, own?.traceId);
    }
  }
  assert.notEqual(servers[0]?.traceId, servers[1]?.traceId);
}

async function requestBody(bench: HttpServerBench): Promise<void> {
  let active: string | undefined;
  const server = await bench.open(async (exchange) => {
    await new Promise((resolve) => setImmediate(resolve));
    active = activeSpanId();
    answerOk(exchange);
  });
  const socket = net.connect(server.port, '127.0.0.1');
  const body = JSON.stringify({ text: 'x'.repeat(100_000) });
  socket.write(
    `POST /users/7 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
  );
  socket.write(body.slice(0, 10));
  setImmediate(() => socket.end(body.slice(10)));
  await once(socket.resume(), 'close');
  const span = await bench.takeServerSpan();
  assert.equal(span.name, 'POST /users/:id');
  assert.equal(active, span.spanId);
}

async function sameAnswers(bench: HttpServerBench): Promise<void> {
  const handle = (exchange: Exchange): unknown => {
    const { id } = exchange.params;
    if (id === 'throws') return failAtOnce();
    if (id === 'rejects') return failLater();
    if (id === 'streams') return exchange.send(200, Readable.from(['a', 'b']));
    return exchange.send(id === 'busy' ? 503 : 201, `user ${id}`);
  };
  const traced = await bench.open(handle);
  const plain = await bench.open(handle, 'untraced');
  for (const path of ['/users/1', '/users/busy', '/users/throws', '/users/rejects', '/users/streams', '/nothing']) {
    const [with_, without] = [await traced.request(path), await plain.request(path)];
    const { date: _, ...headers } = with_.headers;
    const { date: __, ...plainHeaders } = without.headers;
    assert.deepEqual(
      { status: with_.status, headers, body: frames(with_.body) },
      {
        status: without.status,
        headers: { ...plainHeaders, ...lengthOf(headers) },
        body: frames(without.body),
      },
    );
    if (bench.backend.records) await bench.takeServerSpan();
  }
}

// Express's page for an error shows its stack, in which the middleware is one of the lines.
function frames(body: string): string {
  return body.split('<br>')[0] ?? '';
}

function lengthOf(headers: Record<string, unknown>): Record<string, unknown> {
  return 'content-length' in headers ? { 'content-length': headers['content-length'] } : {};
}

async function suppressed(bench: HttpServerBench): Promise<void> {
  const server = await context.with(context.active().setValue(SUPPRESS, true), () =>
    bench.open((exchange) => withSpan('inside', () => answerOk(exchange))),
  );
  assert.equal((await server.request('/users/7')).status, 200);
  assert.deepEqual(bench.backend.all(), []);
}

async function startedInsideSpan(bench: HttpServerBench): Promise<void> {
  const server = await withSpan('boot', () => bench.open(answerOk));
  const boot = await bench.backend.take('boot');
  await server.request('/users/7');
  const span = await bench.takeServerSpan();
  assert.equal(span.parentSpanId, undefined);
  assert.notEqual(span.traceId, boot.traceId);
}

async function throwingHooks(bench: HttpServerBench): Promise<void> {
  const fail = (): never => {
    throw new Error('a hook of the application failed');
  };
  const server = await bench.open(answerOk, {
    ignore: fail,
    spanName: fail,
    requestAttributes: fail,
    responseAttributes: fail,
    trustIncoming: fail,
  });
  const answer = await server.request('/users/7');
  assert.equal(answer.status, 200);
  assert.equal(answer.body, 'user 7');
  if (bench.backend.records) assert.equal((await bench.takeServerSpan()).name, 'GET /users/:id');
}

async function ignored(bench: HttpServerBench): Promise<void> {
  const server = await bench.open((exchange) => withSpan('inside', () => answerOk(exchange)), { ignore: () => true });
  assert.equal((await server.request('/users/7', { traceparent: TRACEPARENT })).status, 200);
  await server.close();
  assert.deepEqual(bench.backend.all(), []);
}

async function nameOfApplication(bench: HttpServerBench): Promise<void> {
  const server = await bench.open((exchange) => {
    trace.getActiveSpan()?.updateName('show user');
    answerOk(exchange);
  });
  await server.request('/users/7');
  assert.equal((await bench.takeServerSpan()).name, 'show user');
}

async function unsampled(bench: HttpServerBench): Promise<void> {
  const seen: unknown[] = [];
  const server = await bench.open((exchange) => {
    const active = trace.getSpan(context.active())?.spanContext();
    seen.push([active?.traceId, (active?.traceFlags ?? 1) & 1]);
    withSpan('inside', () => answerOk(exchange));
  });
  await server.request('/users/7', { traceparent: `00-${TRACE_ID}-${PARENT_ID}-00` });
  await server.request('/users/7');
  await server.close();
  assert.deepEqual(seen[0], [TRACE_ID, 0]);
  assert.equal((seen[1] as unknown[])[1], 0);
  assert.deepEqual(bench.backend.all(), []);
}
