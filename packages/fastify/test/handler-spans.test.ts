/** Spans of single handlers and hooks of routes, on request. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import test from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { context, isClewError, propagation, SpanStatusCode, trace, withSpan } from '@clew/core';
import type { CollectedSpan } from '@clew/core/testing';
import { type Backend, BACKENDS, startBackend } from '@clew/testkit';
import type { FastifyInstance } from 'fastify';
import { type TracingPluginOptions, tracingPlugin } from '../src/index.ts';
import { FASTIFY_VERSIONS, get, isFastify5, listen, type MakeFastify } from './support.ts';

const RECORDING = BACKENDS.filter((kind) => kind !== 'none');

async function watched(fastify: MakeFastify, options: TracingPluginOptions = {}): Promise<FastifyInstance> {
  const app = fastify();
  await app.register(tracingPlugin, { handlerSpans: true, ...options });
  return app;
}

/** The span of the request, and those of its handler and hooks in the order of their end. */
async function takeAll(backend: Backend): Promise<{ server: CollectedSpan; steps: CollectedSpan[] }> {
  const server = await backend.take('SERVER');
  // Those of the steps have ended before.
  const steps = backend.all().filter((span) => span.kind === 'INTERNAL' && span.scope === '@clew/fastify');
  return { server, steps };
}

function names(steps: readonly CollectedSpan[]): string[] {
  return steps.map((span) => span.name);
}

for (const [name, fastify] of FASTIFY_VERSIONS) {
  for (const kind of RECORDING) {
    test(`${name} on ${kind}, the handler and each hook of a route have spans below that of the request`, async (t) => {
      const backend = startBackend(t, kind);
      const app = await watched(fastify);
      app.register(
        async function books(scope) {
          scope.post('/:id', {
            onRequest: async function first() {},
            preParsing: (_request, _reply, payload, done) => done(null, payload),
            preValidation: async () => undefined,
            preHandler: [async function load() {}, (_request, _reply, done) => done()],
            preSerialization: async (_request, _reply, payload) => payload,
            onSend: (_request, _reply, payload, done) => done(null, payload),
            onResponse: (_request, _reply, done) => done(),
            handler: async function show() {
              return { title: 'Dune' };
            },
          });
        },
        { prefix: '/books' },
      );
      const url = await listen(t, app);
      const headers = { 'content-type': 'application/json' };
      assert.equal((await get(`${url}/books/7`, { method: 'POST', headers, body: '{}' })).body, '{"title":"Dune"}');
      const { server, steps } = await takeAll(backend);
      assert.deepEqual(
        steps.map((span) => [span.name, span.attributes]),
        [
          ['onRequest books', { 'code.function.name': 'first' }],
          ['preParsing books', { 'code.function.name': 'preParsing' }],
          ['preValidation books', { 'code.function.name': 'preValidation' }],
          ['preHandler books', { 'code.function.name': 'load' }],
          ['preHandler books', {}],
          ['handler /books/:id', { 'code.function.name': 'show' }],
          ['preSerialization books', { 'code.function.name': 'preSerialization' }],
          ['onSend books', { 'code.function.name': 'onSend' }],
          ['onResponse books', { 'code.function.name': 'onResponse' }],
        ],
      );
      for (const span of steps) {
        assert.equal(span.parentSpanId, server.spanId, span.name);
        assert.equal(span.status.code, SpanStatusCode.UNSET);
      }
      assert.equal(server.name, 'POST /books/:id');
    });

    test(`${name} on ${kind}, a span is active in its function, and not in what follows`, async (t) => {
      const backend = startBackend(t, kind);
      const app = await watched(fastify);
      app.get('/', {
        preHandler: (_request, _reply, done) => {
          withSpan('in hook', () => undefined);
          const baggage = propagation.createBaggage({ tenant: { value: 'acme' } });
          context.with(propagation.setBaggage(context.active(), baggage), done);
        },
        handler: async function show() {
          await nextTurn();
          return withSpan('in handler', () => propagation.getActiveBaggage()?.getEntry('tenant')?.value ?? 'none');
        },
      });
      assert.equal((await get(await listen(t, app))).body, 'acme');
      const server = await backend.take('SERVER');
      const byName = new Map(backend.all().map((span) => [span.name, span]));
      const [hook, handler] = [byName.get('preHandler fastify'), byName.get('handler /')];
      assert.equal(byName.get('in hook')?.parentSpanId, hook?.spanId);
      assert.equal(byName.get('in handler')?.parentSpanId, handler?.spanId);
      assert.equal(hook?.parentSpanId, server.spanId);
      assert.equal(handler?.parentSpanId, server.spanId);
    });
  }

  test(`${name}, errors are on the span of what raised them, and those of 4xx on none`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = await watched(fastify);
    app.get('/throws', function fails() {
      throw new RangeError('too far');
    });
    app.get('/rejects', async () => Promise.reject(new RangeError('too far')));
    app.get('/hook', {
      preHandler: (_request, _reply, done) => done(new RangeError('too far')),
      handler: async () => 'ok',
    });
    app.get('/404', async () => Promise.reject(Object.assign(new RangeError('gone'), { statusCode: 404 })));
    const url = await listen(t, app);
    const seen: unknown[] = [];
    for (const path of ['/throws', '/rejects', '/hook', '/404']) {
      const { status } = await get(url + path);
      const { server, steps } = await takeAll(backend);
      const [step] = steps;
      assert.equal(steps.length, 1);
      assert.deepEqual(step?.events, [], 'the exception is on the span of the request alone');
      assert.equal(server.events.length, status === 500 ? 1 : 0);
      seen.push([step?.name, step?.attributes['error.type'], step?.status, status]);
    }
    const failed = { code: SpanStatusCode.ERROR, message: 'too far' };
    assert.deepEqual(seen, [
      ['handler /throws', 'RangeError', failed, 500],
      ['handler /rejects', 'RangeError', failed, 500],
      ['preHandler fastify', 'RangeError', failed, 500],
      ['handler /404', undefined, { code: SpanStatusCode.UNSET }, 404],
    ]);
  });

  test(`${name}, a handler that answers later lasts until the answer is over, and so does one nobody waits for`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = await watched(fastify);
    app.get('/later', function later(_request, reply) {
      setImmediate(() => reply.send('later'));
    });
    app.get('/open', function open(_request, reply) {
      reply.raw.write('half');
    });
    const url = await listen(t, app);
    assert.equal((await get(`${url}/later`)).body, 'later');
    assert.deepEqual(names((await takeAll(backend)).steps), ['handler /later']);
    const request = http.get(`${url}/open`).on('error', () => undefined);
    const [response] = await once(request, 'response');
    await once(response, 'data');
    request.destroy();
    assert.deepEqual(names((await takeAll(backend)).steps), ['handler /open']);
  });

  test(`${name}, a thenable that works when somebody waits for it is waited for once`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = await watched(fastify);
    let queries = 0;
    app.get('/query', () => ({
      // biome-ignore lint/suspicious/noThenProperty: what query builders are.
      then(resolve: (value: string) => void) {
        queries++;
        resolve('rows');
      },
    }));
    assert.equal((await get(`${await listen(t, app)}/query`)).body, 'rows');
    assert.deepEqual(names((await takeAll(backend)).steps), ['handler /query']);
    assert.equal(queries, 1);
  });

  test(`${name}, registered twice, or for ignored and unsampled requests, there is no span too many`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = await watched(fastify, { ignore: (request) => request.url === '/ignored' });
    await app.register(tracingPlugin, { handlerSpans: true });
    app.get('/once', async () => 'ok');
    app.get('/ignored', async () => 'ok');
    const url = await listen(t, app);
    await get(`${url}/ignored`);
    await get(`${url}/once`, { headers: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00` } });
    await get(`${url}/once`);
    assert.deepEqual(names((await takeAll(backend)).steps), ['handler /once']);
  });

  test(`${name}, HEAD routes and functions without a plugin's name are named too`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = fastify({ exposeHeadRoutes: true });
    await app.register(tracingPlugin, { handlerSpans: true });
    app.register(async (scope) => scope.get('/users/:id', { onRequest: async () => undefined }, async () => 'ok'));
    await get(`${await listen(t, app)}/users/7`, { method: 'HEAD' });
    const { server, steps } = await takeAll(backend);
    assert.equal(server.name, 'HEAD /users/:id');
    assert.deepEqual(names(steps), ['onRequest <anonymous>', 'handler /users/:id']);
  });

  test(`${name}, hooks and handlers that are called after the answer get no span`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = await watched(fastify);
    let release: (() => void) | undefined;
    const isSent = new Promise<void>((resolve) => {
      app.get('/slow', {
        onSend: async () => void setImmediate(resolve),
        handler: async () => {
          await new Promise<void>((go) => {
            release = go;
          });
          return 'too late';
        },
      });
    });
    const request = http.get(`${await listen(t, app)}/slow`).on('error', () => undefined);
    while (release === undefined) await nextTurn();
    request.destroy();
    const { steps } = await takeAll(backend);
    assert.deepEqual(names(steps), ['handler /slow']);
    release();
    await isSent;
    assert.deepEqual(backend.all(), []);
  });

  test(`${name}, without the option functions stay what they are, and with it they look the same`, async (t) => {
    startBackend(t, 'clew');
    const seen = new Map<boolean, unknown>();
    const handler = Object.assign(async function show(_request: unknown) {}, { tag: 1 });
    for (const handlerSpans of [false, true]) {
      const app = fastify();
      await app.register(tracingPlugin, { handlerSpans });
      app.addHook('onRoute', (route) => void seen.set(handlerSpans, route.handler));
      app.get('/', { exposeHeadRoute: false }, handler);
      t.after(() => app.close());
    }
    assert.equal(seen.get(false), handler);
    const traced = seen.get(true) as typeof handler;
    assert.notEqual(traced, handler);
    assert.deepEqual([traced.name, traced.length, traced.tag], ['show', 1, 1]);
    assert.equal(Object.getPrototypeOf(traced), Object.getPrototypeOf(handler));
  });

  test(`${name}, what Fastify refuses it still refuses`, async () => {
    const app = await watched(fastify);
    assert.throws(() => app.get('/', { preHandler: 7 as never }, async () => 'ok'), {
      code: 'FST_ERR_HOOK_INVALID_HANDLER',
    });
    if (isFastify5(name)) {
      const both = async (_request: unknown, _reply: unknown, _done: unknown): Promise<void> => undefined;
      assert.throws(() => app.get('/', { preHandler: [both as never] }, async () => 'ok'), {
        code: 'FST_ERR_HOOK_INVALID_ASYNC_HANDLER',
      });
    }
    const wrong = fastify();
    wrong.register(tracingPlugin, { handlerSpans: 'yes' as never });
    await assert.rejects(
      async () => wrong.ready(),
      (error) => isClewError(error) && /handlerSpans must be true or false, got "yes"/.test(error.message),
    );
  });

  test(`${name}, without a provider the application answers as ever`, async (t) => {
    startBackend(t, 'none');
    const app = await watched(fastify);
    app.get('/', { preHandler: (_request, _reply, done) => done() }, async () => String(trace.getActiveSpan()));
    assert.equal((await get(await listen(t, app))).status, 200);
  });
}
