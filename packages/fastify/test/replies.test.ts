/** Every way of answering, and of being asked. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { SpanStatusCode, withSpan } from '@clew/core';
import { startBackend } from '@clew/testkit';
import type { FastifyServerOptions } from 'fastify';
import tracingPlugin from '../src/index.ts';
import { activeSpanId, FASTIFY_VERSIONS, get, isFastify5, listen as listenTo, tracedApp } from './support.ts';

for (const [name, fastify] of FASTIFY_VERSIONS) {
  test(`${name}, a web stream and a Response end their spans`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    app.get('/response', (_request, reply) => reply.send(new Response('from a Response', { status: 201 })));
    const url = await listen();
    if (!isFastify5(name)) return spans.assertNone();
    assert.deepEqual(await get(`${url}/response`), { status: 201, body: 'from a Response' });
    const span = await spans.take('SERVER');
    assert.equal(span.attributes['http.response.status_code'], 201);
    assert.equal(span.status.code, SpanStatusCode.UNSET);
  });

  test(`${name}, a hijacked reply ends its span when the raw response ends`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    app.get('/hijacked', (_request, reply) => {
      reply.hijack();
      reply.raw.writeHead(202);
      setImmediate(() => reply.raw.end('mine'));
    });
    assert.deepEqual(await get(`${await listen()}/hijacked`), { status: 202, body: 'mine' });
    const span = await spans.take('SERVER');
    assert.equal(span.name, 'GET /hijacked');
    assert.equal(span.attributes['http.response.status_code'], 202);
    assert.equal(span.status.code, SpanStatusCode.UNSET);
  });

  test(`${name}, a client that leaves a hijacked reply is no error`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    app.get('/hijacked', (_request, reply) => {
      reply.hijack();
      reply.raw.write('open end');
    });
    const request = http.get(`${await listen()}/hijacked`);
    request.on('error', () => undefined);
    const [response] = await once(request, 'response');
    await once(response, 'data');
    request.destroy();
    const span = await spans.take('SERVER');
    assert.equal(span.status.code, SpanStatusCode.UNSET);
    assert.equal(span.attributes['error.type'], undefined);
  });

  test(`${name}, an event stream written by hand is no error when the client leaves`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    app.get('/events', (_request, reply) => {
      reply.raw.writeHead(200, { 'Content-Type': 'text/event-stream' });
      reply.raw.write('data: 1\n\n');
    });
    const request = http.get(`${await listen()}/events`);
    request.on('error', () => undefined);
    const [response] = await once(request, 'response');
    await once(response, 'data');
    request.destroy();
    assert.equal((await spans.take('SERVER')).status.code, SpanStatusCode.UNSET);
  });

  test(`${name}, an injected request has a span, and one from inside a handler has its own`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = fastify();
    app.register(tracingPlugin);
    app.get('/inner', async () => withSpan('inside', () => 'ok'));
    app.get('/outer', async () => (await app.inject('/inner')).body);
    t.after(() => app.close());
    const answer = await app.inject('/outer');
    assert.equal(answer.body, 'ok');
    const inside = await backend.take('inside');
    const inner = await backend.take('GET /inner');
    const outer = await backend.take('GET /outer');
    assert.equal(inside.parentSpanId, inner.spanId);
    assert.equal(inner.parentSpanId, outer.spanId);
    assert.equal(outer.parentSpanId, undefined);
    for (const span of [inner, outer]) {
      assert.equal(span.status.code, SpanStatusCode.UNSET);
      assert.equal(span.attributes['http.response.status_code'], 200);
    }
  });

  test(`${name}, a connection that becomes a WebSocket has a span without error until it closes`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    app.get('/socket', (_request, reply) => {
      reply.hijack();
      reply.raw.socket?.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n');
    });
    // As @fastify/websocket does it.
    app.server.on('upgrade', (request: http.IncomingMessage, socket: Socket) => {
      const response = new http.ServerResponse(request);
      response.assignSocket(socket);
      app.routing(request, response);
      socket.resume().on('end', () => socket.end());
    });
    const request = http.get(`${await listen()}/socket`, { headers: { connection: 'Upgrade', upgrade: 'test' } });
    const [, socket] = await once(request, 'upgrade');
    spans.assertNone();
    socket.destroy();
    const span = await spans.take('SERVER');
    assert.equal(span.name, 'GET /socket');
    assert.equal(span.status.code, SpanStatusCode.UNSET);
    assert.equal(span.attributes['error.type'], undefined);
  });

  test(`${name}, registered as a promise of the module it is the default export`, async (t) => {
    const { spans } = tracedApp(t, fastify);
    const app = fastify();
    app.register(import('../src/index.ts'), { tracerProvider: spans.tracing.provider });
    app.get('/users/:id', async () => 'ok');
    t.after(() => app.close());
    await app.inject('/users/7');
    assert.equal((await spans.take('SERVER')).name, 'GET /users/:id');
  });

  test(`${name}, HTTP/2`, async (t) => {
    const { app, spans } = tracedApp(t, fastify, {}, { http2: true } as FastifyServerOptions);
    app.get('/users/:id', async () => 'ok');
    app.get('/endless', (_request, reply) => {
      reply.raw.write('on and on');
    });
    app.get('/destroyed', (_request, reply) => {
      reply.raw.write('half');
      setImmediate(() => reply.raw.destroy());
    });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    t.after(() => app.close());
    const client = http2.connect(url);
    t.after(() => client.close());
    const whole = client.request({ ':path': '/users/7?a=1', 'user-agent': 'h2' });
    await once(whole.resume(), 'close');
    const span = await spans.take('SERVER');
    const { 'network.peer.port': _, ...attributes } = span.attributes;
    assert.deepEqual(attributes, {
      'http.request.method': 'GET',
      'url.scheme': 'http',
      'url.path': '/users/7',
      'url.query': 'a=1',
      'http.route': '/users/:id',
      'http.response.status_code': 200,
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(url).port),
      'client.address': '127.0.0.1',
      'network.peer.address': '127.0.0.1',
      'network.protocol.version': '2',
      'user_agent.original': 'h2',
    });
    assert.equal(span.status.code, SpanStatusCode.UNSET);
    const cut = client.request({ ':path': '/endless' });
    await once(cut, 'response');
    cut.close(http2.constants.NGHTTP2_CANCEL);
    const left = await spans.take('SERVER');
    assert.equal(left.attributes['error.type'], 'client_disconnect');
    assert.equal(left.attributes['http.response.status_code'], 200);
    const destroyed = client.request({ ':path': '/destroyed' });
    destroyed.on('error', () => undefined);
    await once(destroyed.resume(), 'close').catch(() => undefined);
    assert.equal((await spans.take('SERVER')).attributes['error.type'], 'response_destroyed');
  });

  test(`${name}, a unix socket has no addresses of the client`, async (t) => {
    const { app, spans } = tracedApp(t, fastify);
    app.get('/users/:id', async () => 'ok');
    const folder = mkdtempSync(join(tmpdir(), 'clew-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const socketPath = join(folder, 'app.sock');
    await app.listen({ path: socketPath });
    t.after(() => app.close());
    const request = http.get({ socketPath, path: '/users/7', agent: false });
    const [response] = await once(request, 'response');
    await once(response.resume(), 'end');
    const { attributes } = await spans.take('SERVER');
    for (const key of ['client.address', 'network.peer.address', 'network.peer.port']) {
      assert.equal(attributes[key], undefined, key);
    }
    assert.equal(attributes['url.path'], '/users/7');
  });

  const TRUST: Array<[title: string, trustProxy: boolean, expected: (port: number) => unknown[]]> = [
    ['off', false, (port) => ['http', '127.0.0.1', port, '127.0.0.1']],
    ['on', true, () => ['https', 'shop.example', 8443, '203.0.113.9']],
  ];
  for (const [title, trustProxy, expected] of TRUST) {
    test(`${name}, trustProxy ${title}`, async (t) => {
      const { app, spans, listen } = tracedApp(t, fastify, {}, { trustProxy });
      app.get('/', async () => 'ok');
      const url = await listen();
      await get(url, {
        headers: {
          'x-forwarded-for': '203.0.113.9',
          'x-forwarded-proto': 'https',
          'x-forwarded-host': 'shop.example:8443',
        },
      });
      const { attributes } = await spans.take('SERVER');
      const keys = ['url.scheme', 'server.address', 'server.port', 'client.address'];
      assert.deepEqual(
        keys.map((key) => attributes[key]),
        expected(Number(new URL(url).port)),
      );
    });
  }

  test(`${name}, the context is active in every hook`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = fastify();
    const seen = new Map<string, string | undefined>();
    const note = (hook: string) => seen.set(hook, activeSpanId());
    app.register(tracingPlugin);
    app.addHook('onRequest', async () => void note('onRequest'));
    app.addHook('preParsing', async () => void note('preParsing'));
    app.addHook('preValidation', async () => void note('preValidation'));
    app.addHook('preHandler', async () => void note('preHandler'));
    app.addHook('onSend', async () => void note('onSend'));
    app.addHook('onResponse', async () => void note('onResponse'));
    app.post('/users/:id', async () => {
      note('handler');
      return 'ok';
    });
    const url = await listenTo(t, app);
    const headers = { 'content-type': 'application/json' };
    await get(`${url}/users/7`, { method: 'POST', headers, body: JSON.stringify({ text: 'z'.repeat(300_000) }) });
    const span = await backend.take('SERVER');
    assert.equal(seen.size, 7);
    for (const [hook, active] of seen) assert.equal(active, span.spanId, hook);
  });
}
