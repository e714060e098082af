/** Where and how often the middleware is mounted, and what is already there. */
import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import { context, SpanKind, SpanStatusCode, trace, withSpan } from '@clew/core';
import { collectSpans } from '@clew/core/testing';
import { startBackend } from '@clew/testkit';
import compression from 'compression';
import helmet from 'helmet';
import { tracingErrorMiddleware, tracingMiddleware } from '../src/index.ts';
import { EXPRESS_VERSIONS, get, listen, tracedApp } from './support.ts';

for (const [name, express] of EXPRESS_VERSIONS) {
  test(`${name}, mounted twice it makes one span`, async (t) => {
    const { app, spans, listen } = tracedApp(t, express);
    app.use(tracingMiddleware({ tracerProvider: spans.tracing.provider }));
    app.get('/users/:id', (_req, res) => {
      res.send('ok');
    });
    const url = await listen();
    await get(`${url}/users/7`);
    assert.equal((await spans.take('SERVER')).name, 'GET /users/:id');
    spans.assertNone();
  });

  test(`${name}, mounted on a router only it traces that router`, async (t) => {
    const spans = collectSpans(t);
    const app = express();
    const router = express.Router();
    router.use(tracingMiddleware({ tracerProvider: spans.tracing.provider }));
    router.get('/in/:id', (_req, res) => {
      res.send('ok');
    });
    app.get('/out', (_req, res) => {
      res.send('ok');
    });
    app.use('/api', router);
    const url = await listen(t, app);
    await get(`${url}/out`);
    await get(`${url}/api/in/7?x=1`);
    const span = await spans.take('SERVER');
    assert.equal(span.name, 'GET /api/in/:id');
    assert.equal(span.attributes['url.path'], '/api/in/7');
    spans.assertNone();
  });

  test(`${name}, the context is active in handlers behind body parser, helmet and compression`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = express();
    app.use(tracingMiddleware(), helmet(), compression({ threshold: 0 }), express.json({ limit: '1mb' }));
    app.post('/echo', (req, res) => {
      withSpan('inside', () => res.json(req.body));
    });
    const url = await listen(t, app);
    const answer = await get(`${url}/echo`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'y'.repeat(200_000) }),
    });
    assert.equal(answer.body.length, 200_011);
    const span = await backend.take('SERVER');
    assert.equal((await backend.take('inside')).parentSpanId, span.spanId);
    assert.equal(span.status.code, SpanStatusCode.UNSET);
  });

  test(`${name}, a file that is sent in part has no route and no error`, async (t) => {
    const { app, spans, listen } = tracedApp(t, express);
    app.use('/files', express.static(import.meta.dirname));
    const url = await listen();
    const headers = { range: 'bytes=0-9' };
    assert.equal((await get(`${url}/files/mounting.test.ts`, { headers })).status, 206);
    const span = await spans.take('SERVER');
    assert.equal(span.name, 'GET');
    assert.equal(span.attributes['http.response.status_code'], 206);
    assert.equal(span.status.code, SpanStatusCode.UNSET);
  });

  for (const kind of ['clew', 'sdk'] as const) {
    test(`${name} on ${kind}, a SERVER span of another instrumentation is completed, not doubled`, async (t) => {
      const backend = startBackend(t, kind);
      const app = express().set('env', 'test');
      app.use(tracingMiddleware());
      app.get('/users/:id', () => {
        throw new RangeError('too far');
      });
      app.use(tracingErrorMiddleware());
      const url = await listen(t, underForeignSpan(app));
      await get(`${url}/users/7`);
      const span = await backend.take('SERVER');
      assert.equal(span.scope, 'other-instrumentation');
      assert.equal(span.name, 'GET /users/:id');
      assert.equal(span.attributes['http.route'], '/users/:id');
      assert.equal(span.attributes['error.type'], 'RangeError');
      assert.equal(span.events.length, 1);
    });

    test(`${name} on ${kind}, and learns of a client that leaves before it ends`, async (t) => {
      const backend = startBackend(t, kind);
      const app = express();
      app.use(tracingMiddleware());
      let arrived: () => void = () => undefined;
      const isHere = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      app.use(
        '/api/:v',
        express.Router().get('/slow', () => arrived()),
      );
      const request = http.get(`${await listen(t, underForeignSpan(app))}/api/1/slow`).on('error', () => undefined);
      await isHere;
      request.destroy();
      const span = await backend.take('SERVER');
      assert.equal(span.scope, 'other-instrumentation');
      assert.equal(span.name, 'GET /api/:v/slow');
      assert.equal(span.attributes['error.type'], 'client_disconnect');
      assert.equal(span.attributes['http.response.status_code'], undefined);
    });

    test(`${name} on ${kind}, or gets an INTERNAL child when asked for`, async (t) => {
      const backend = startBackend(t, kind);
      const app = express();
      app.use(tracingMiddleware({ nested: 'internal' }));
      app.get('/users/:id', (_req, res) => {
        res.send('ok');
      });
      const url = await listen(t, underForeignSpan(app));
      await get(`${url}/users/7`);
      const outer = await backend.take('SERVER');
      const inner = await backend.take('INTERNAL');
      assert.equal(inner.name, 'GET /users/:id');
      assert.equal(inner.parentSpanId, outer.spanId);
      assert.equal(outer.name, 'outer');
    });
  }
}

// As an instrumentation of node:http does it: a span around the listener, ended by its own close listener.
function underForeignSpan(app: import('node:http').RequestListener): import('node:http').RequestListener {
  return (req, res) => {
    const span = trace.getTracer('other-instrumentation').startSpan('outer', { kind: SpanKind.SERVER });
    res.on('close', () => span.end());
    context.with(trace.setSpan(context.active(), span), () => app(req, res));
  };
}
