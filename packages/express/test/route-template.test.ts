/** The route of a request, whatever it is mounted on. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Express, RequestHandler } from 'express';
import { EXPRESS_VERSIONS, type ExpressModule, get, isExpress5, isNewestRouter, tracedApp } from './support.ts';

const answer: RequestHandler = (_req, res) => {
  res.send('ok');
};

type Build = (app: Express, express: ExpressModule) => void;
type Case = [
  title: string,
  build: Build,
  asked: Array<[path: string, route: string | undefined]>,
  settings?: readonly string[],
];

const nested: Build = (app, express) => {
  const books = express.Router();
  books.get('/books/:bid', answer);
  const api = express.Router();
  api.use(['/users/:uid', '/people/:uid'], books);
  app.use('/api/:ver', api);
};

const twice: Build = (app, express) => {
  const shared = express.Router();
  shared.get('/items/:id', answer);
  app.use('/old', shared);
  app.use('/new/:tenant', shared);
};

const subApps: Build = (app, express) => {
  const inner = express();
  inner.get('/deep/:y', answer);
  const outer = express();
  const router = express.Router();
  router.get('/r/:x', answer);
  outer.use('/in', inner);
  outer.use('/router', router);
  outer.get('/:own', answer);
  app.use('/sub/:t', outer);
};

const BOTH: Case[] = [
  ['a route of the application', (app) => app.get('/users/:id', answer), [['/users/7?a=1', '/users/:id']]],
  ['the root', (app) => app.get('/', answer), [['/', '/']]],
  [
    'nested routers with an array of mount paths',
    nested,
    [
      ['/api/v1/people/7/books/9', '/api/:ver/people/:uid/books/:bid'],
      ['/api/v1/users/users/books/9', '/api/:ver/users/:uid/books/:bid'],
    ],
  ],
  [
    'one router mounted at two prefixes',
    twice,
    [
      ['/old/items/1', '/old/items/:id'],
      ['/new/acme/items/1', '/new/:tenant/items/:id'],
      ['/old/items/2', '/old/items/:id'],
    ],
  ],
  [
    'the root route of a router has the prefix alone',
    (app, express) => {
      const router = express.Router();
      router.get('/', answer);
      app.use('/users', router);
      app.use('/slash/', router);
    },
    [
      ['/users', '/users'],
      ['/users/', '/users'],
      ['/slash', '/slash'],
    ],
  ],
  [
    'a router without a path of its own',
    (app, express) => app.use(express.Router().get('/plain/:id', answer)),
    [['/plain/1', '/plain/:id']],
  ],
  ['a trailing slash of the request', (app) => app.get('/users/:id', answer), [['/users/7/', '/users/:id']]],
  ['another case than the route', (app) => app.get('/Users/:id', answer), [['/uSERs/7', '/Users/:id']]],
  [
    'strict and case-sensitive routing',
    (app) => {
      app.get('/Users/', answer);
      app.get('/users', answer);
    },
    [
      ['/Users/', '/Users/'],
      ['/users', '/users'],
    ],
    ['strict routing', 'case sensitive routing'],
  ],
  ['a RegExp', (app) => app.get(/^\/re\/(.*)$/, answer), [['/re/7/8', '/^\\/re\\/(.*)$/']]],
  [
    'an array of paths',
    (app) => app.get(['/a/:x', '/b/:x/c', ['/d']] as string[], answer),
    [
      ['/b/7/c', '/b/:x/c'],
      ['/a/1', '/a/:x'],
      ['/d', '/d'],
    ],
  ],
  [
    'sub-applications',
    subApps,
    [
      ['/sub/1/2', '/sub/:t/:own'],
      ['/sub/1/router/r/3', '/sub/:t/router/r/:x'],
      ['/sub/1/in/deep/4', '/sub/:t/in/deep/:y'],
    ],
  ],
  [
    'a router behind a plain function has its own path, never the concrete prefix',
    (app, express) => {
      const router = express.Router();
      router.get('/own/:id', answer);
      app.use('/hidden', (req, res, next) => router(req, res, next));
    },
    [['/hidden/own/7', '/own/:id']],
  ],
  [
    'an earlier mount that falls through leaves no trace in the route',
    (app, express) => {
      app.use('/:any', express.Router());
      app.use('/:any', (_req, _res, next) => next());
      app.use('/api/:ver', express.Router().get('/x/:id', answer));
    },
    [['/api/v1/x/7', '/api/:ver/x/:id']],
  ],
  [
    'next("route") and next("router") lead to the route that answers',
    (app, express) => {
      app.get('/skip/:id', (_req, _res, next) => next('route'));
      const router = express.Router();
      router.get('/skip/:id', (_req, _res, next) => next('router'));
      app.use(router);
      app.get('/skip/:last', answer);
    },
    [['/skip/7', '/skip/:last']],
  ],
  ['a route for all methods', (app) => app.all('/all/:id', answer), [['/all/7', '/all/:id']]],
  ['app.route', (app) => app.route('/chain/:id').get(answer), [['/chain/7', '/chain/:id']]],
  [
    'a URL that a middleware has rewritten',
    (app) => {
      app.use((req, _res, next) => {
        req.url = req.url.replace('/old-name', '/new-name');
        next();
      });
      app.get('/new-name/:id', answer);
    },
    [['/old-name/7', '/new-name/:id']],
  ],
  [
    'an answer of a middleware has no route',
    (app) => app.use('/static', answer),
    [
      ['/static/file.js', undefined],
      ['/missing', undefined],
    ],
  ],
  ['a path that cannot be decoded has no route', (app) => app.get('/users/:id', answer), [['/users/%zz', undefined]]],
];

const EXPRESS_5: Case[] = [
  [
    'an optional part',
    (app) => app.get('/opt{/:x}', answer),
    [
      ['/opt', '/opt{/:x}'],
      ['/opt/1', '/opt{/:x}'],
    ],
  ],
  ['a wildcard', (app) => app.get('/splat/*rest', answer), [['/splat/a/b', '/splat/*rest']]],
];

const optionalMount: Build = (app, express) => app.use('/m{/:x}', express.Router().get('/y', answer));
const ROUTER_2_3: Case[] = [['an optional part of a mount path', optionalMount, [['/m/1/y', '/m{/:x}/y']]]];
// Older routers keep no text of a mount path: what they matched is shown, with the names of the parameters.
const ROUTER_2_0: Case[] = [
  ['an optional part of a mount path', optionalMount, [['/m/1/y', '/m/:x/y']]],
  [
    'mount paths whose values have to be found again',
    (app, express) => {
      app.use('/w/*rest/end', express.Router().get('/y', answer));
      app.use('/file-:name.txt', express.Router().get('/y', answer));
    },
    [
      ['/w/a/b%20c/end/y', '/w/*rest/end/y'],
      ['/file-e.txt/y', '/file-:name.txt/y'],
    ],
  ],
];

const EXPRESS_4: Case[] = [
  [
    'a pattern with an optional parameter',
    (app) => app.get('/ab?cd/:x(\\d+)?', answer),
    [['/acd/7', '/ab?cd/:x(\\d+)?']],
  ],
  ['a star', (app) => app.get('/files/*', answer), [['/files/a/b', '/files/*']]],
  ['the star alone', (app) => app.get('*', answer), [['/anything', '/*']]],
  [
    'mount paths that only a match can show',
    (app, express) => app.use('/m/:x(\\d+)?', express.Router().get('/y', answer)),
    [
      ['/m/12/y', '/m/:x/y'],
      ['/m/y', '/m/y'],
    ],
  ],
  [
    'a mount path with dots and dashes',
    (app, express) => app.use('/v1.2-beta/:x', express.Router().get('/y', answer)),
    [['/V1.2-Beta/7/y', '/v1.2-beta/:x/y']],
  ],
];

for (const [name, express] of EXPRESS_VERSIONS) {
  const own = isExpress5(name) ? [...EXPRESS_5, ...(isNewestRouter(name) ? ROUTER_2_3 : ROUTER_2_0)] : EXPRESS_4;
  for (const [title, build, asked, settings] of [...BOTH, ...own]) {
    test(`${name}, route of ${title}`, async (t) => {
      const { app, spans, listen } = tracedApp(t, express, {}, settings);
      build(app, express);
      const url = await listen();
      for (const [path, route] of asked) {
        await get(url + path);
        const span = await spans.take('SERVER');
        assert.equal(span.attributes['http.route'], route, path);
        assert.equal(span.name, route === undefined ? 'GET' : `GET ${route}`);
      }
    });
  }

  test(`${name}, an error handler of the application keeps the route of the failed request`, async (t) => {
    const { app, spans, listen } = tracedApp(t, express);
    const router = express.Router();
    router.get('/fails/:id', (req) => {
      throw new Error(`failed ${req.params.id}`);
    });
    app.use('/api/:ver', router);
    app.use((_error: unknown, _req: unknown, res: import('express').Response, _next: unknown) => {
      res.status(500).send('sorry');
    });
    const url = await listen();
    await get(`${url}/api/v1/fails/7`);
    assert.equal((await spans.take('SERVER')).name, 'GET /api/:ver/fails/:id');
  });
}
