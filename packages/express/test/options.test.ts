/** Options: what they add, and what is refused. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { isClewError } from '@clew/core';
import type { Request, Response } from 'express';
import { tracingMiddleware } from '../src/index.ts';
import { EXPRESS_VERSIONS, get, listen, tracedApp } from './support.ts';

const [[name, express]] = EXPRESS_VERSIONS as [(typeof EXPRESS_VERSIONS)[number]];

const REFUSED: Array<[given: object, message: RegExp]> = [
  [{ ignored: () => true }, /tracingMiddleware has no option "ignored", did you mean "ignore"\?/],
  [{ ignore: 'health' }, /ignore must be a function, got "health"/],
  [{ nested: 'inside' }, /nested must be one of enrich, internal, got "inside"/],
  [{ trustIncoming: 'some' }, /trustIncoming must be one of all, none, got "some"/],
  [{ endOn: 'body' }, /endOn must be one of close, headers, got "body"/],
  [{ semconv: 'old' }, /semconv must be one of stable, dup, got "old"/],
  [{ captureRequestHeaders: 'accept' }, /captureRequestHeaders must be an array, got "accept"/],
  [{ captureRequestHeaders: [''] }, /a name in captureRequestHeaders must be a string that is not empty, got ""/],
  [{ allowSensitiveHeaders: 1 }, /allowSensitiveHeaders must be true or false, got 1/],
  [{ middlewareSpans: 'yes' }, /middlewareSpans must be true or false, got "yes"/],
  [{ middlewareSpan: true }, /tracingMiddleware has no option "middlewareSpan", did you mean "middlewareSpans"\?/],
  [{ tracerProvider: {} }, /tracerProvider must be a tracer provider, got an object/],
];
for (const [given, message] of REFUSED) {
  test(`refused at set-up: ${message.source}`, () => {
    assert.throws(
      () => tracingMiddleware(given as never),
      (error: Error) => {
        assert.ok(isClewError(error));
        assert.equal(error.code, 'CLEW_ERR_OPTION');
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test(`${name}, hooks name the span and add attributes, with Express's own types`, async (t) => {
  const { app, spans, listen: start } = tracedApp(t, express);
  app.use('/typed', express.Router());
  await start();
  const other = express();
  other.use(
    tracingMiddleware({
      tracerProvider: spans.tracing.provider,
      ignore: (req: Request) => req.path === '/health',
      spanName: (req: Request, route) => `${req.method} ${route} for ${req.get('x-tenant')}`,
      requestAttributes: (req: Request) => ({ 'app.tenant': req.get('x-tenant') ?? 'none', 'url.path': '/hidden' }),
      responseAttributes: (_req: Request, res: Response) => ({ 'app.cached': res.get('x-cache') === 'hit' }),
    }),
  );
  other.get('/health', (_req, res) => {
    res.send('ok');
  });
  other.get('/users/:id', (_req, res) => {
    res.set('x-cache', 'hit').send('ok');
  });
  const url = await listen(t, other);
  await get(`${url}/health`);
  await get(`${url}/users/7`, { headers: { 'x-tenant': 'acme' } });
  const span = await spans.take('SERVER');
  assert.equal(span.name, 'GET /users/:id for acme');
  assert.equal(span.attributes['app.tenant'], 'acme');
  assert.equal(span.attributes['app.cached'], true);
  assert.equal(span.attributes['url.path'], '/hidden');
  assert.equal(span.attributes['http.route'], '/users/:id');
});

test(`${name}, listed headers are recorded as arrays, secrets only when allowed`, async (t) => {
  const listed = {
    captureRequestHeaders: ['X-Tenant', 'Authorization', 'x-missing'],
    captureResponseHeaders: ['content-type', 'set-cookie'],
  };
  for (const allowSensitiveHeaders of [false, true]) {
    const { app, spans, listen: start } = tracedApp(t, express, { ...listed, allowSensitiveHeaders });
    app.get('/', (_req, res) => {
      res.append('set-cookie', 'a=1').append('set-cookie', 'b=2').type('text').send('ok');
    });
    await get(await start(), { headers: { 'x-tenant': 'acme'.repeat(300), authorization: 'Bearer x' } });
    const { attributes } = await spans.take('SERVER');
    assert.deepEqual(attributes['http.request.header.x-tenant'], ['acme'.repeat(256)]);
    assert.deepEqual(attributes['http.request.header.authorization'], [
      allowSensitiveHeaders ? 'Bearer x' : 'REDACTED',
    ]);
    assert.equal(attributes['http.request.header.x-missing'], undefined);
    assert.deepEqual(attributes['http.response.header.content-type'], ['text/plain; charset=utf-8']);
    assert.deepEqual(
      attributes['http.response.header.set-cookie'],
      allowSensitiveHeaders ? ['a=1', 'b=2'] : ['REDACTED'],
    );
  }
});

test(`${name}, only trusted callers are continued when a function decides`, async (t) => {
  const {
    app,
    spans,
    listen: start,
  } = tracedApp(t, express, {
    trustIncoming: (req) => req.headers['x-internal'] === 'yes',
  });
  app.get('/', (_req, res) => {
    res.send('ok');
  });
  const url = await start();
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await get(url, { headers: { traceparent } });
  assert.equal((await spans.take('SERVER')).parentSpanId, undefined);
  await get(url, { headers: { traceparent, 'x-internal': 'yes' } });
  assert.equal((await spans.take('SERVER')).parentSpanId, 'b7ad6b7169203331');
});

test(`${name}, the old attribute names stand beside the new ones in dup mode`, async (t) => {
  const { app, spans, listen: start } = tracedApp(t, express, { semconv: 'dup' });
  app.get('/users/:id', (_req, res) => {
    res.send('ok');
  });
  const url = await start();
  await get(`${url}/users/7?sig=secret`, { headers: { 'user-agent': 'test/1' } });
  const { attributes } = await spans.take('SERVER');
  const port = Number(new URL(url).port);
  const old = {
    'http.method': 'GET',
    'http.scheme': 'http',
    'http.target': '/users/7?sig=REDACTED',
    'http.url': `${url}/users/7?sig=REDACTED`,
    'http.host': `127.0.0.1:${port}`,
    'net.host.name': '127.0.0.1',
    'net.host.port': port,
    'http.flavor': '1.1',
    'http.status_code': 200,
    'http.user_agent': 'test/1',
    'http.client_ip': '127.0.0.1',
    'net.peer.ip': '127.0.0.1',
    'net.transport': 'ip_tcp',
  };
  for (const [key, value] of Object.entries(old)) assert.equal(attributes[key], value, key);
  assert.equal(attributes['net.peer.port'], attributes['network.peer.port']);
  assert.equal(attributes['http.response.status_code'], 200);
  assert.equal(attributes['http.request.method'], 'GET');
});

test(`${name}, a span that ends on headers does not wait for the body`, async (t) => {
  const { app, spans, listen: start } = tracedApp(t, express, { endOn: 'headers', captureResponseHeaders: ['etag'] });
  let end: () => void = () => undefined;
  app.get('/streams/:id', (_req, res) => {
    res.status(206).set('etag', '"1"').write('first');
    end = () => res.end('last');
  });
  const answer = get(`${await start()}/streams/7`);
  const span = await spans.take('SERVER');
  end();
  assert.deepEqual(await answer, { status: 206, body: 'firstlast' });
  assert.equal(span.name, 'GET /streams/:id');
  assert.equal(span.attributes['http.response.status_code'], 206);
  assert.deepEqual(span.attributes['http.response.header.etag'], ['"1"']);
  assert.equal(span.attributes['error.type'], undefined);
});
