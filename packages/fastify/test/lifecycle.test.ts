/** What else happens in the life of a request: leaving clients, errors of hooks, early answers, log lines. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { Transform } from 'node:stream';
import test from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SpanStatusCode, trace } from '@clew/core';
import { BACKENDS, startBackend } from '@clew/testkit';
import { tracingPlugin } from '../src/index.ts';
import { activeSpanId, FASTIFY_VERSIONS, get, listen as listenTo, tracedApp } from './support.ts';

for (const [name, fastify] of FASTIFY_VERSIONS) {
  for (const kind of BACKENDS) {
    test(`${name} on ${kind}, a client that leaves while the handler runs ends the span, and a late answer changes nothing`, async (t) => {
      const backend = startBackend(t, kind);
      const app = fastify();
      app.register(tracingPlugin);
      let answer: ((text: string) => void) | undefined;
      const isAborted = new Promise<void>((resolve) => app.addHook('onRequestAbort', async (_request) => resolve()));
      const isSent = new Promise<void>((resolve) => {
        app.addHook('onSend', async () => void setImmediate(resolve));
      });
      app.get(
        '/slow',
        () =>
          new Promise<string>((resolve) => {
            answer = resolve;
          }),
      );
      const request = http.get(`${await listenTo(t, app)}/slow`).on('error', () => undefined);
      while (answer === undefined) await nextTurn();
      request.destroy();
      await isAborted;
      const span = backend.records ? await backend.take('SERVER') : undefined;
      answer('too late');
      await isSent;
      assert.deepEqual(backend.all(), []);
      if (span === undefined) return;
      assert.equal(span.name, 'GET /slow');
      assert.equal(span.attributes['error.type'], 'client_disconnect');
      assert.equal(span.attributes['http.response.status_code'], undefined);
    });

    test(`${name} on ${kind}, a body of 300 kB that preParsing reads and replaces keeps the context`, async (t) => {
      const backend = startBackend(t, kind);
      const app = fastify();
      app.register(tracingPlugin);
      const seen = new Set<string | undefined>();
      app.addHook('preParsing', async (_request, _reply, payload) => {
        await nextTurn();
        seen.add(activeSpanId());
        return payload.pipe(
          new Transform({
            transform(chunk, _encoding, done) {
              done(undefined, chunk);
            },
          }),
        );
      });
      app.post('/', async (request) => {
        seen.add(activeSpanId());
        return String((request.body as { text: string }).text.length);
      });
      const url = await listenTo(t, app);
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ text: 'z'.repeat(300_000) });
      assert.equal((await get(url, { method: 'POST', headers, body })).body, '300000');
      const span = backend.records ? await backend.take('SERVER') : undefined;
      assert.deepEqual([...seen], [span?.spanId]);
    });
  }

  test(`${name}, lines of request.log carry the ids, though its logger was made before our hook`, async (t) => {
    const backend = startBackend(t, 'clew');
    const lines: Array<Record<string, unknown>> = [];
    const mixin = (): object => {
      const context = trace.getActiveSpan()?.spanContext();
      return context === undefined ? {} : { trace_id: context.traceId, span_id: context.spanId };
    };
    const stream = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
    const app = fastify({ logger: { mixin, stream } });
    app.register(tracingPlugin);
    app.get('/users/:id', async (request) => {
      await nextTurn();
      request.log.info('in the handler');
      return 'ok';
    });
    await get(`${await listenTo(t, app)}/users/7`);
    const span = await backend.take('SERVER');
    for (const text of ['in the handler', 'request completed']) {
      const line = lines.find(({ msg }) => msg === text);
      assert.deepEqual([line?.trace_id, line?.span_id], [span.traceId, span.spanId], text);
    }
  });

  for (const hook of [
    'onRequest',
    'preParsing',
    'preValidation',
    'preHandler',
    'preSerialization',
    'onSend',
  ] as const) {
    test(`${name}, an async ${hook} that throws is recorded once`, async (t) => {
      const { app, spans, listen } = tracedApp(t, fastify);
      const fails = async (_request: unknown, reply: { statusCode: number }): Promise<void> => {
        // `onSend` is called for the answer to its own error too.
        if (reply.statusCode === 200) throw new RangeError('too far');
      };
      app.register(async (scope) => {
        scope.addHook(hook as 'preHandler', fails as never);
        scope.get('/', async () => ({ ok: true }));
      });
      assert.equal((await get(await listen())).status, 500);
      const span = await spans.take('SERVER');
      assert.equal(span.attributes['error.type'], 'RangeError');
      assert.equal(span.events.length, 1);
    });
  }

  test(`${name}, an answer by onRequest ends the span, and one given twice by an async handler is no error`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    app.register(async (scope) => {
      scope.addHook('onRequest', async (request, reply) => {
        return request.url === '/early' ? reply.code(401).send('who are you') : undefined;
      });
      scope.get('/early', async () => 'ok');
      scope.get('/twice', async (_request, reply) => {
        reply.send('first');
        return 'second';
      });
    });
    const url = await listen();
    assert.equal((await get(`${url}/early`)).status, 401);
    assert.equal((await spans.take('SERVER')).name, 'GET /early');
    assert.equal((await get(`${url}/twice`)).body, 'first');
    assert.equal((await spans.take('SERVER')).status.code, SpanStatusCode.UNSET);
  });

  test(`${name}, a raw response that ends without hijack ends its span`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    app.get('/raw', (_request, reply) => {
      reply.raw.writeHead(202).end('mine');
    });
    assert.deepEqual(await get(`${await listen()}/raw`), { status: 202, body: 'mine' });
    assert.equal((await spans.take('SERVER')).attributes['http.response.status_code'], 202);
  });

  test(`${name}, a route by host constraint has its template, and other hosts have none`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    app.get('/shop/:id', { constraints: { host: 'shop.example' } }, async () => 'ok');
    const url = await listen();
    for (const [host, route] of [
      ['shop.example', '/shop/:id'],
      ['other.example', undefined],
    ] as const) {
      const [response] = await once(http.get(`${url}/shop/7`, { headers: { host } }), 'response');
      await once(response.resume(), 'end');
      assert.equal((await spans.take('SERVER')).attributes['http.route'], route);
    }
  });

  test(`${name}, hundreds of requests on one connection leave no listener and no timer behind`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify, { handlerSpans: true });
    await app.after();
    const counts = new Set<string>();
    const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
    let asked = 0;
    app.get('/', { preHandler: (_request, _reply, done) => done() }, async ({ raw }) => {
      const emitters = [raw.socket, process, app.server];
      const sizes = emitters.map((one) => one.eventNames().reduce((sum, event) => sum + one.listenerCount(event), 0));
      // The first requests of a connection find listeners of its set-up.
      if (asked++ > 2) counts.add([...sizes, timers()].join(' '));
      return 'ok';
    });
    const url = await listen();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    for (let i = 0; i < 200; i++) {
      const [response] = await once(http.get(url, { agent }), 'response');
      await once(response.resume(), 'end');
      await spans.take('SERVER');
      spans.all();
    }
    assert.equal(counts.size, 1);
  });
}
