/** The route of what is mounted several times, late, on routers, or by paths that only a request can show. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import test from 'node:test';
import type { ErrorRequestHandler, Express, RequestHandler } from 'express';
import { tracingMiddleware } from '../src/index.ts';
import { EXPRESS_VERSIONS, type ExpressModule, get, isExpress5, isNewestRouter, listen, tracedApp } from './support.ts';

const answer: RequestHandler = (_req, res) => {
  res.send('ok');
};

type Build = (app: Express, express: ExpressModule) => void;
type Case = [title: string, build: Build, asked: Array<[path: string, route: string | undefined]>];

const twiceInside: Build = (app, express) => {
  const shared = express.Router().get('/x/:id', answer);
  const middle = express.Router().use('/one', shared).use('/two/:b', shared);
  app.use('/m', middle);
  app.use('/n/:k', middle);
};

const subAppTwice: Build = (app, express) => {
  const shared = express().get('/x/:id', answer);
  app.use('/a', shared);
  app.use('/b/:t', shared);
  app.use('/c/:t', express().get('/y/:id', answer));
};

const subAppsAlike: Build = (app, express) => {
  app.use('/a/:p', express().get('/x/:id', answer));
  app.use('/a/:q', express().get('/y/:id', answer));
};

const subAppOnRouter: Build = (app, express) => {
  const inner = express().get('/x/:id', answer);
  inner.use('/deep/:z', express().get('/y', answer));
  app.use('/r/:a', express.Router().use('/in/:b', inner));
};

const ALL: Case[] = [
  [
    'routers mounted twice inside of routers mounted twice',
    twiceInside,
    [
      ['/m/one/x/1', '/m/one/x/:id'],
      ['/n/1/two/2/x/1', '/n/:k/two/:b/x/:id'],
      ['/n/1/one/x/1', '/n/:k/one/x/:id'],
    ],
  ],
  [
    'an application mounted at two paths',
    subAppTwice,
    [
      ['/a/x/1', '/a/x/:id'],
      ['/b/1/x/1', '/b/:t/x/:id'],
      ['/c/1/y/1', '/c/:t/y/:id'],
    ],
  ],
  [
    'an application mounted at an array of paths',
    (app, express) => app.use(['/a', '/b/:t'], express().get('/x/:id', answer)),
    [
      ['/a/x/1', '/a/x/:id'],
      ['/b/1/x/1', '/b/:t/x/:id'],
    ],
  ],
  [
    'applications whose mount paths look alike',
    subAppsAlike,
    [
      ['/a/1/x/1', '/a/:p/x/:id'],
      ['/a/1/y/1', '/a/:q/y/:id'],
    ],
  ],
  [
    'an application that is mounted on a router',
    subAppOnRouter,
    [
      ['/r/1/in/2/x/1', '/r/:a/in/:b/x/:id'],
      ['/r/1/in/2/deep/3/y', '/r/:a/in/:b/deep/:z/y'],
    ],
  ],
  [
    'a router that is mounted a second time while the application runs',
    (app, express) => {
      const shared = express.Router().get('/x/:id', answer);
      app.use('/a', shared);
      app.post('/mount', (_req, res) => {
        app.use('/late/:z', shared);
        res.send('ok');
      });
    },
    [
      ['/a/x/1', '/a/x/:id'],
      ['POST /mount', '/mount'],
      ['/late/1/x/1', '/late/:z/x/:id'],
      ['/a/x/1', '/a/x/:id'],
    ],
  ],
  [
    'values with escapes, in whatever form',
    (app, express) => app.use(['/p/:q', '/s/:t'], express.Router().get('/x/:id', answer)),
    [
      ['/p/a%2fb:c%20%41/x/%20', '/p/:q/x/:id'],
      ['/s/%E4%BD%A0/x/1', '/s/:t/x/:id'],
      ['/s/%F0%9F%99%82-z/x/1', '/s/:t/x/:id'],
    ],
  ],
  [
    'a value that is also a part of the mount path',
    (app, express) => app.use('/api/:v/api', express.Router().get('/x/:id', answer)),
    [['/api/api/api/x/1', '/api/:v/api/x/:id']],
  ],
  [
    'a RegExp in an array of paths',
    (app) => app.get(['/a/:x', /^\/b(\d+)$/] as never, answer),
    [
      ['/b12', '/^\\/b(\\d+)$/'],
      ['/a/1', '/a/:x'],
    ],
  ],
  [
    'merged parameters of the same name',
    (app, express) => {
      const shared = express.Router({ mergeParams: true }).get('/:id', answer);
      app.use('/m/:id', shared);
      app.use('/n/:id', shared);
    },
    [
      ['/m/1/2', '/m/:id/:id'],
      ['/n/2/2', '/n/:id/:id'],
    ],
  ],
  [
    'a route that hands on to no other is the one that was entered last',
    (app) => app.get('/x/:id', (_req, _res, next) => next()),
    [['/x/1', '/x/:id']],
  ],
];

const regExpMounts: Build = (app, express) => {
  app.use(/^\/re\d+/, express.Router().get('/y/:id', answer));
  app.use([/^\/se(\d+)/], express.Router().get('/y/:id', answer));
};

const WITH_TEXT: Case[] = [['a RegExp as mount path', regExpMounts, [['/re7/y/1', '/^\\/re\\d+/y/:id']]]];
// Their routers have made a function of it.
const WITHOUT_TEXT: Case[] = [
  [
    'a RegExp as mount path is a star, never what the client sent',
    regExpMounts,
    [
      ['/re7/y/1', '/*/y/:id'],
      ['/se7/y/1', '/*/y/:id'],
    ],
  ],
];
const EXPRESS_4: Case[] = [
  [
    'a pattern outside of parameters is shown as it is, never what the client sent',
    (app, express) => app.use('/v(?:\\d+)', express.Router().get('/y', answer)),
    [['/v12/y', '/^\\/v(?:\\d+)\\/?(?=\\/|$)/i/y']],
  ],
];

for (const [name, express] of EXPRESS_VERSIONS) {
  const hasText = !isExpress5(name) || isNewestRouter(name);
  const own = [...(hasText ? WITH_TEXT : WITHOUT_TEXT), ...(isExpress5(name) ? [] : EXPRESS_4)];
  for (const [title, build, asked] of [...ALL, ...own]) {
    test(`${name}, route of ${title}`, async (t) => {
      const { app, spans, listen: start } = tracedApp(t, express);
      build(app, express);
      const url = await start();
      for (const [request, route] of asked) {
        const [path = '', method = 'GET'] = request.split(' ').reverse();
        await get(url + path, { method });
        assert.equal((await spans.take('SERVER')).attributes['http.route'], route, request);
      }
    });
  }

  test(`${name}, a request target with scheme and host has the same route`, async (t) => {
    const { app, spans, listen: start } = tracedApp(t, express);
    app.use(['/p/:q', '/s/:t'], express.Router().get('/x/:id', answer));
    const { port } = new URL(await start());
    const request = http.get({ port, host: '127.0.0.1', path: 'http://shop.example/s/1/x/2?a=1' });
    const [response] = await once(request, 'response');
    response.resume();
    const { attributes } = await spans.take('SERVER');
    assert.equal(attributes['http.route'], '/s/:t/x/:id');
    assert.equal(attributes['url.path'], '/s/1/x/2');
  });

  test(`${name}, two applications that share middleware and router have their own prefixes`, async (t) => {
    const { app, spans, listen: start } = tracedApp(t, express);
    const shared = express.Router().get('/x/:id', answer);
    const middleware = tracingMiddleware({ tracerProvider: spans.tracing.provider });
    const first = await listen(t, express().use(middleware).use('/first/:a', shared));
    const second = await listen(t, express().use(middleware).use('/second/:b', shared));
    app.use(answer);
    await start();
    for (const path of ['/first/1/x/2', '/second/1/x/2', '/first/3/x/4']) {
      await get((path.startsWith('/first') ? first : second) + path);
      const route = path.startsWith('/first') ? '/first/:a/x/:id' : '/second/:b/x/:id';
      assert.equal((await spans.take('SERVER')).attributes['http.route'], route);
    }
  });

  test(`${name}, an application whose error is answered outside of it keeps its own part of the route`, async (t) => {
    const { app, spans, listen: start } = tracedApp(t, express);
    const inner = express().get('/x/:id', (req, res) => {
      if (req.params.id === '0') throw new Error('none');
      res.send('ok');
    });
    app.use('/sub/:t', inner);
    app.use(((_error, _req, res, _next) => res.status(500).send('no')) as ErrorRequestHandler);
    const url = await start();
    const routes: unknown[] = [];
    for (const id of [0, 1, 0]) {
      await get(`${url}/sub/1/x/${id}`);
      routes.push((await spans.take('SERVER')).attributes['http.route']);
    }
    // The outer application cannot see into the inner one, until a request has shown the way.
    assert.deepEqual(routes, ['/x/:id', '/sub/:t/x/:id', '/sub/:t/x/:id']);
  });
}
