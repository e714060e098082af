/** Plugins that applications put between our hook and their handlers. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import test, { type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { context, SpanStatusCode, withSpan } from '@clew/core';
import { type Backend, BACKENDS, startBackend } from '@clew/testkit';
import type { FastifyInstance, FastifyPluginCallback, RouteOptions } from 'fastify';
import { tracingPlugin } from '../src/index.ts';
import { activeSpanId, FASTIFY_VERSIONS, get, isFastify5, listen, type MakeFastify } from './support.ts';

const require = createRequire(import.meta.url);

/** The major of a plugin that goes with a version of Fastify. */
function pluginFor(name: string, plugin: string): FastifyPluginCallback<object> {
  return require(isFastify5(name) ? `@fastify/${plugin}` : `fastify-${plugin}-4`) as FastifyPluginCallback<object>;
}

function application(fastify: MakeFastify): FastifyInstance {
  const app = fastify();
  app.register(tracingPlugin);
  return app;
}

/** Take the span of a request and check that what was seen inside of it belongs to it. */
async function takeServer(backend: Backend, seen: ReadonlyArray<string | undefined>) {
  if (!backend.records) {
    assert.deepEqual(new Set(seen), new Set([undefined]));
    return undefined;
  }
  const span = await backend.take('SERVER');
  assert.ok(seen.length > 0);
  for (const active of seen) assert.equal(active, span.spanId);
  assert.equal(span.status.code, SpanStatusCode.UNSET);
  return span;
}

for (const [name, fastify] of FASTIFY_VERSIONS) {
  for (const kind of BACKENDS) {
    test(`${name} on ${kind}, @fastify/multipart reads files and fields in the context of the request`, async (t) => {
      const backend = startBackend(t, kind);
      const app = application(fastify);
      app.register(pluginFor(name, 'multipart'));
      const seen: Array<string | undefined> = [];
      app.post('/upload/:id', async (request) => {
        const read: string[] = [];
        for await (const part of (request as unknown as MultipartRequest).parts()) {
          seen.push(activeSpanId());
          read.push(part.type === 'file' ? String((await part.toBuffer()).length) : String(part.value));
          seen.push(activeSpanId());
        }
        return read.join(' ');
      });
      const body = new FormData();
      body.append('title', 'holiday');
      body.append('photo', new Blob(['p'.repeat(300_000)]), 'photo.jpg');
      const url = await listen(t, app);
      assert.deepEqual(await get(`${url}/upload/7`, { method: 'POST', body }), { status: 200, body: 'holiday 300000' });
      assert.equal((await takeServer(backend, seen))?.name ?? 'POST /upload/:id', 'POST /upload/:id');
    });

    test(`${name} on ${kind}, @fastify/formbody, helmet and compress keep the context, and the span ends once`, async (t) => {
      const backend = startBackend(t, kind);
      const app = application(fastify);
      for (const plugin of ['helmet', 'formbody', 'compress']) app.register(pluginFor(name, plugin));
      const seen: Array<string | undefined> = [];
      app.addHook('onSend', async () => void seen.push(activeSpanId()));
      await app.after();
      app.post('/orders', async (request) => {
        seen.push(activeSpanId());
        return { order: (request.body as { item: string }).item.repeat(2000) };
      });
      const url = await listen(t, app);
      const response = await fetch(`${url}/orders`, {
        method: 'POST',
        headers: { 'accept-encoding': 'gzip' },
        body: new URLSearchParams({ item: 'tea' }),
      });
      assert.deepEqual(await response.json(), { order: 'tea'.repeat(2000) });
      assert.equal(response.headers.get('content-encoding'), 'gzip');
      assert.equal(response.headers.get('x-frame-options'), 'SAMEORIGIN');
      const span = await takeServer(backend, seen);
      assert.equal(span?.attributes['http.response.status_code'] ?? 200, 200);
    });
  }
}

// The library needs Fastify 4.16; on 4.14 a connection is taken over by hand in replies.test.ts.
for (const [name, fastify] of FASTIFY_VERSIONS.filter(([one]) => !one.startsWith('fastify 4.14'))) {
  for (const kind of BACKENDS) {
    test(`${name} on ${kind}, a WebSocket of @fastify/websocket has a span until it closes, and its context`, async (t) => {
      const backend = startBackend(t, kind);
      const { url, seen } = await echoServer(t, name, fastify);
      const client = await connect(`${url}/rooms/7`);
      assert.equal(await answerOf(client, 'hello'), 'echo hello');
      assert.deepEqual(
        backend.all().map((span) => span.name),
        backend.records ? ['echo'] : [],
      );
      client.close();
      const span = await takeServer(backend, seen);
      assert.equal(seen.length, 2);
      if (span === undefined) return;
      assert.equal(span.name, 'GET /rooms/:id');
      assert.equal(span.attributes['error.type'], undefined);
    });
  }

  test(`${name}, two WebSockets at a time keep their own traces, and one that is torn down is no error`, async (t) => {
    const backend = startBackend(t, 'clew');
    const { url, sockets } = await echoServer(t, name, fastify);
    const [first, second] = [await connect(`${url}/rooms/1`), await connect(`${url}/rooms/2`)];
    await answerOf(first, 'a');
    await answerOf(second, 'b');
    await answerOf(first, 'c');
    const echoes = backend.all();
    for (const socket of sockets) socket.terminate();
    const spans = [await backend.take('SERVER'), await backend.take('SERVER')];
    const parents = echoes.map((echo) => spans.findIndex((span) => span.spanId === echo.parentSpanId));
    assert.equal(parents[0], parents[2]);
    assert.deepEqual(new Set(parents), new Set([0, 1]));
    for (const span of spans) assert.equal(span.status.code, SpanStatusCode.UNSET);
  });

  test(`${name}, a plain request to a route of WebSockets is answered and traced`, async (t) => {
    const backend = startBackend(t, 'clew');
    const { url } = await echoServer(t, name, fastify);
    assert.equal((await get(`${url.replace('ws:', 'http:')}/rooms/7`)).status, 404);
    const span = await backend.take('SERVER');
    assert.equal(span.attributes['http.response.status_code'], 404);
    assert.equal(span.status.code, SpanStatusCode.UNSET);
  });
}

/** The part of a WebSocket of `ws` that is used. */
interface ServerSocket {
  on(event: 'message', listener: (data: unknown) => void): void;
  send(text: string): void;
  terminate(): void;
}

async function echoServer(t: TestContext, name: string, fastify: MakeFastify) {
  const app = application(fastify);
  app.register(pluginFor(name, 'websocket'));
  const seen: Array<string | undefined> = [];
  const sockets: ServerSocket[] = [];
  const talk = (socket: ServerSocket): void => {
    sockets.push(socket);
    seen.push(activeSpanId());
    const echo = async (data: unknown): Promise<void> => {
      await nextTurn();
      seen.push(activeSpanId());
      withSpan('echo', () => socket.send(`echo ${data}`));
    };
    // Sockets call their listeners in the context of the connection.
    socket.on('message', context.bind(context.active(), echo));
  };
  app.register(async (scope) => {
    // The types of a route know nothing of the plugin's option here.
    scope.route({ method: 'GET', url: '/rooms/:id', websocket: true, handler: talk as never } as RouteOptions);
  });
  // Fastify does not close connections that were taken over.
  t.after(() => {
    for (const socket of sockets) socket.terminate();
  });
  const url = await listen(t, app);
  return { url: url.replace('http:', 'ws:'), seen, sockets };
}

async function connect(url: string): Promise<WebSocket> {
  const client = new WebSocket(url);
  await new Promise((resolve, reject) => {
    client.addEventListener('open', resolve);
    client.addEventListener('error', () => reject(new Error(`no WebSocket at ${url}`)));
  });
  return client;
}

async function answerOf(client: WebSocket, text: string): Promise<string> {
  const answer = new Promise<string>((resolve) => {
    client.addEventListener('message', ({ data }) => resolve(String(data)), { once: true });
  });
  client.send(text);
  return await answer;
}

interface MultipartRequest {
  parts(): AsyncIterable<{ type: 'file'; toBuffer(): Promise<Buffer> } | { type: 'field'; value: unknown }>;
}
