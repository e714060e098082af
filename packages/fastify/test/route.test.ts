/** The route of a request, wherever it is registered. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { FastifyInstance, FastifyServerOptions } from 'fastify';
import { tracingPlugin } from '../src/index.ts';
import { FASTIFY_VERSIONS, get, tracedApp } from './support.ts';

type Case = [
  title: string,
  build: (app: FastifyInstance) => void,
  asked: Array<[path: string, route: string | undefined, method?: string]>,
  options?: FastifyServerOptions,
];

const answer = async (): Promise<string> => 'ok';

const CASES: Case[] = [
  ['a parameter', (app) => app.get('/users/:id', answer), [['/users/7?a=1', '/users/:id']]],
  ['the root', (app) => app.get('/', answer), [['/', '/']]],
  [
    'nested prefixes',
    (app) => {
      app.register(
        async (outer) => {
          outer.get('/', answer);
          outer.register(async (inner) => inner.get('/books/:bid', answer), { prefix: '/u/:uid' });
        },
        { prefix: '/api/:ver' },
      );
    },
    [
      ['/api/v1/u/2/books/3', '/api/:ver/u/:uid/books/:bid'],
      ['/api/v1', '/api/:ver'],
    ],
  ],
  ['a wildcard', (app) => app.get('/files/*', answer), [['/files/a/b', '/files/*']]],
  ['a pattern', (app) => app.get('/n/:id(^\\d+$)', answer), [['/n/7', '/n/:id(^\\d+$)']]],
  ['HEAD of a GET route', (app) => app.get('/users/:id', answer), [['/users/7', '/users/:id', 'HEAD']]],
  [
    'a path that nothing answers, a method that has no route',
    (app) => app.get('/users/:id', answer),
    [
      ['/nothing', undefined],
      ['/users/7', undefined, 'DELETE'],
    ],
  ],
  [
    'a not-found handler of a scope, and reply.callNotFound()',
    (app) => {
      app.register(
        async (scope) => {
          scope.setNotFoundHandler((_request, reply) => reply.code(404).send('not here'));
          scope.get('/gone/:id', (_request, reply) => reply.callNotFound());
        },
        { prefix: '/s' },
      );
    },
    [
      ['/s/nothing', undefined],
      ['/s/gone/7', undefined],
    ],
  ],
  [
    'an answer of 404 by the handler keeps the route',
    (app) => app.get('/users/:id', (_request, reply) => reply.code(404).send('no such user')),
    [['/users/7', '/users/:id']],
  ],
  [
    'a URL that Fastify rewrites',
    (app) => app.get('/new/:id', answer),
    [['/old/7', '/new/:id']],
    { rewriteUrl: (request) => (request.url ?? '').replace('/old', '/new') },
  ],
];

for (const [name, fastify] of FASTIFY_VERSIONS) {
  for (const [title, build, asked, options] of CASES) {
    test(`${name}, route of ${title}`, async (t) => {
      const { app, spans, listen } = tracedApp(t, fastify, {}, options);
      build(app);
      const url = await listen();
      for (const [path, route, method = 'GET'] of asked) {
        await get(url + path, { method });
        const span = await spans.take('SERVER');
        assert.equal(span.attributes['http.route'], route, path);
        assert.equal(span.name, route === undefined ? method : `${method} ${route}`);
        // The oldest supported version does not keep the URL that it was asked for.
        const keepsUrl = options?.rewriteUrl === undefined || !name.startsWith('fastify 4.14');
        if (keepsUrl) assert.equal(span.attributes['url.path'], path.split('?')[0]);
      }
    });
  }

  test(`${name}, a route by version constraint`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    app.get('/v/:id', { constraints: { version: '2.0.0' } }, answer);
    const url = await listen();
    assert.equal((await get(`${url}/v/7`, { headers: { 'accept-version': '2.x' } })).status, 200);
    assert.equal((await spans.take('SERVER')).name, 'GET /v/:id');
  });

  test(`${name}, a URL that cannot be decoded is answered before any hook, so there is no span`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    app.get('/users/:id', answer);
    const url = await listen();
    assert.equal((await get(`${url}/users/%zz`)).status, 400);
    spans.assertNone();
  });

  test(`${name}, registered after routes and hooks it still traces them`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    await app.ready();
    spans.assertNone();
    const late = fastify();
    let order = '';
    late.get('/users/:id', answer);
    late.addHook('preHandler', async () => {
      order += 'hook';
    });
    late.register(tracingPlugin, { tracerProvider: spans.tracing.provider });
    t.after(() => late.close());
    const url = await late.listen({ port: 0, host: '127.0.0.1' });
    await get(`${url}/users/7`);
    assert.equal((await spans.take('SERVER')).name, 'GET /users/:id');
    assert.equal(order, 'hook');
    await listen();
  });

  test(`${name}, registered twice it makes one span; in a scope it traces that scope`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    app.register(tracingPlugin, { tracerProvider: spans.tracing.provider });
    app.get('/users/:id', answer);
    const url = await listen();
    await get(`${url}/users/7`);
    await spans.take('SERVER');
    const scoped = fastify();
    scoped.get('/out', answer);
    scoped.register(
      async (scope) => {
        scope.register(tracingPlugin, { tracerProvider: spans.tracing.provider });
        scope.get('/in', answer);
      },
      { prefix: '/scope' },
    );
    t.after(() => scoped.close());
    const scopedUrl = await scoped.listen({ port: 0, host: '127.0.0.1' });
    await get(`${scopedUrl}/out`);
    await get(`${scopedUrl}/scope/in`);
    assert.equal((await spans.take('SERVER')).name, 'GET /scope/in');
    spans.assertNone();
  });
}
