/** Spans of single middlewares and handlers, on request. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'node:test';
import { context, propagation, SpanKind, SpanStatusCode, trace, withSpan } from '@clew/core';
import type { CollectedSpan } from '@clew/core/testing';
import { type Backend, BACKENDS, startBackend } from '@clew/testkit';
import type { ErrorRequestHandler, Express, RequestHandler } from 'express';
import { tracingErrorMiddleware, tracingMiddleware } from '../src/index.ts';
import { EXPRESS_VERSIONS, type ExpressModule, get, isExpress5, isNewestRouter, listen } from './support.ts';

const RECORDING = BACKENDS.filter((kind) => kind !== 'none');

const pass: RequestHandler = (_req, _res, next) => next();
const answer: RequestHandler = (_req, res) => {
  res.send('ok');
};

function named<Fn extends object>(name: string, fn: Fn): Fn {
  return Object.defineProperty(fn, 'name', { value: name });
}

function watched(express: ExpressModule, options: Parameters<typeof tracingMiddleware>[0] = {}): Express {
  const app = express().set('env', 'test');
  app.use(tracingMiddleware({ middlewareSpans: true, ...options }));
  return app;
}

/** The span of the request, and those of its layers in the order of their start. */
async function takeAll(backend: Backend): Promise<{ server: CollectedSpan; layers: CollectedSpan[] }> {
  const server = await backend.take('SERVER');
  // Those of the layers have ended before.
  const layers = backend.all().filter((span) => span.kind === 'INTERNAL' && span.scope === '@clew/express');
  return { server, layers };
}

function names(layers: readonly CollectedSpan[]): string[] {
  return layers.map((span) => span.name);
}

for (const [name, express] of EXPRESS_VERSIONS) {
  for (const kind of RECORDING) {
    test(`${name} on ${kind}, each middleware and handler has a span below that of the request`, async (t) => {
      const backend = startBackend(t, kind);
      const app = watched(express);
      app.use(named('authenticate', pass.bind(undefined)), named('', pass.bind(undefined)));
      const router = express.Router();
      router.use(named('audit', pass.bind(undefined)));
      router.get('/users/:id', named('load', pass.bind(undefined)), named('show', answer.bind(undefined)));
      app.use('/api/:v', router);
      await get(`${await listen(t, app)}/api/1/users/7`);
      const { server, layers } = await takeAll(backend);
      assert.deepEqual(
        layers.map((span) => [span.name, span.attributes]),
        [
          ['middleware authenticate', { 'code.function.name': 'authenticate' }],
          ['middleware <anonymous>', {}],
          ['middleware audit', { 'code.function.name': 'audit' }],
          ['handler /api/:v/users/:id', { 'code.function.name': 'load' }],
          ['handler /api/:v/users/:id', { 'code.function.name': 'show' }],
        ],
      );
      for (const span of layers) {
        assert.equal(span.parentSpanId, server.spanId);
        assert.equal(span.status.code, SpanStatusCode.UNSET);
      }
      assert.equal(server.name, 'GET /api/:v/users/:id');
    });

    test(`${name} on ${kind}, the span of a layer is active in it, and not in what follows`, async (t) => {
      const backend = startBackend(t, kind);
      const app = watched(express);
      app.use(
        named('waits', async (_req: unknown, _res: unknown, next: () => void) => {
          await withSpan('in waits', () => nextTurn());
          next();
          await withSpan('after waits', () => nextTurn());
        }) as RequestHandler,
      );
      app.use(express.json());
      app.post('/users/:id', ((_req, res) =>
        withSpan('in handler', async () => {
          await nextTurn();
          res.send('ok');
        })) as RequestHandler);
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' };
      await get(`${await listen(t, app)}/users/7`, init);
      const [server, inWaits, , inHandler] = [
        await backend.take('SERVER'),
        await backend.take('in waits'),
        await backend.take('after waits'),
        await backend.take('in handler'),
      ];
      const [waits, json, handler] = [
        await backend.take('middleware waits'),
        await backend.take('middleware jsonParser'),
        await backend.take('handler /users/:id'),
      ];
      assert.equal(inWaits?.parentSpanId, waits?.spanId);
      assert.equal(inHandler?.parentSpanId, handler?.spanId);
      for (const span of [waits, json, handler]) assert.equal(span?.parentSpanId, server?.spanId);
    });

    test(`${name} on ${kind}, baggage and spans that a middleware puts around what follows stay there`, async (t) => {
      const backend = startBackend(t, kind);
      const app = watched(express);
      app.use(
        named('tenant', (_req: unknown, _res: unknown, next: () => void) => {
          const baggage = propagation.createBaggage({ tenant: { value: 'acme' } });
          context.with(propagation.setBaggage(context.active(), baggage), () => withSpan('around', () => next()));
        }) as RequestHandler,
      );
      let seen: string | undefined;
      app.get('/', (_req, res) => {
        seen = propagation.getActiveBaggage()?.getEntry('tenant')?.value;
        res.send('ok');
      });
      await get(await listen(t, app));
      const server = await backend.take('SERVER');
      const around = await backend.take('around');
      const tenant = await backend.take('middleware tenant');
      assert.equal(seen, 'acme');
      assert.equal((await backend.take('handler /')).parentSpanId, around.spanId);
      assert.equal(around.parentSpanId, tenant.spanId);
      assert.equal(tenant.parentSpanId, server.spanId);
    });
  }

  test(`${name}, layers are siblings in time: each ends when it hands on`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = watched(express);
    const late: RequestHandler = (_req, _res, next) => void setImmediate(next);
    for (const one of ['a', 'b', 'c']) app.use(named(one, late.bind(undefined)));
    app.use(answer);
    await get(await listen(t, app));
    const { layers } = await takeAll(backend);
    assert.equal(layers.length, 4);
    const times = layers.map(({ span }) => [nanos(span.startTime), nanos(span.endTime)] as const);
    for (const [i, [start, end]] of times.entries()) {
      assert.ok(start <= end);
      const following = times[i + 1];
      if (following !== undefined) assert.ok(end <= following[0], `${i} ends before ${i + 1} starts`);
    }
  });

  test(`${name}, thirty middlewares leave as many listeners as none, and warn of nothing`, async (t) => {
    const backend = startBackend(t, 'clew');
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on('warning', note);
    t.after(() => process.off('warning', note));
    const counts: number[] = [];
    const count: RequestHandler = (req, res) => {
      counts.push(
        ['close', 'finish', 'error'].reduce(
          (sum, event) => sum + res.listenerCount(event) + req.listenerCount(event),
          0,
        ),
      );
      res.send('ok');
    };
    for (const many of [0, 30]) {
      const app = watched(express, { middlewareSpans: many > 0 });
      for (let i = 0; i < many; i++) app.use(named(`m${i}`, (async (_req, _res, next) => next()) as RequestHandler));
      app.get('/', count);
      await get(await listen(t, app));
      const { layers } = await takeAll(backend);
      assert.equal(layers.length, many === 0 ? 0 : 31);
    }
    await nextTurn();
    assert.equal(counts[0], counts[1]);
    assert.deepEqual(warnings, []);
  });

  const FAILURES: Array<[title: string, fail: RequestHandler]> = [
    [
      'throws',
      () => {
        throw new RangeError('too far');
      },
    ],
    ['hands an error on', (_req, _res, next) => next(new RangeError('too far'))],
    ['hands an error on later', (_req, _res, next) => void setImmediate(() => next(new RangeError('too far')))],
  ];
  if (isExpress5(name)) FAILURES.push(['rejects', () => Promise.reject(new RangeError('too far'))]);
  for (const [title, fail] of FAILURES) {
    test(`${name}, a middleware that ${title} has a failed span, and the request the exception`, async (t) => {
      const backend = startBackend(t, 'clew');
      const app = watched(express);
      app.use(named('before', pass.bind(undefined)), named('fails', fail));
      app.use(named('sorry', ((_error, _req, res, _next) => res.status(500).send('no')) as ErrorRequestHandler));
      await get(await listen(t, app));
      const { server, layers } = await takeAll(backend);
      assert.deepEqual(names(layers), ['middleware before', 'middleware fails', 'middleware sorry']);
      assert.deepEqual(
        layers.map((span) => span.attributes['error.type']),
        [undefined, 'RangeError', undefined],
      );
      assert.deepEqual(layers[1]?.status, { code: SpanStatusCode.ERROR, message: 'too far' });
      assert.deepEqual(layers[1]?.events, []);
      // Without an error middleware of ours.
      assert.equal(server.attributes['error.type'], 'RangeError');
      assert.equal(server.events.length, 1);
    });
  }

  test(`${name}, an error that stands for a 4xx answer is no failure of the middleware`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = watched(express);
    app.use(
      named('guard', (_req: unknown, _res: unknown, next: (e: unknown) => void) =>
        next(Object.assign(new Error('no'), { status: 403 })),
      ) as RequestHandler,
    );
    assert.equal((await get(await listen(t, app))).status, 403);
    const { server, layers } = await takeAll(backend);
    assert.deepEqual(names(layers), ['middleware guard']);
    assert.equal(layers[0]?.status.code, SpanStatusCode.UNSET);
    assert.equal(server.status.code, SpanStatusCode.UNSET);
  });

  test(`${name}, an error that cannot be read harms neither the answer nor the spans`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = watched(express);
    const unreadable = new Proxy(
      {},
      {
        get() {
          throw new Error('hands off');
        },
      },
    );
    let seen: unknown;
    app.use(
      named('fails', (_req: unknown, _res: unknown, next: (e: unknown) => void) => next(unreadable)) as RequestHandler,
    );
    app.use(((error, _req, res, _next) => {
      seen = error;
      res.status(500).send('no');
    }) as ErrorRequestHandler);
    assert.equal((await get(await listen(t, app))).body, 'no');
    const { server, layers } = await takeAll(backend);
    assert.equal(seen, unreadable);
    assert.equal(server.attributes['error.type'], '_OTHER');
    assert.deepEqual(names(layers), ['middleware fails', 'middleware <anonymous>']);
  });

  test(`${name}, next("route") and next("router") are no failures`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = watched(express);
    app.get('/x', (_req, _res, next) => next('route'));
    app.use(express.Router().use((_req, _res, next) => next('router')));
    app.get('/x', answer);
    await get(`${await listen(t, app)}/x`);
    const { layers } = await takeAll(backend);
    assert.deepEqual(names(layers), ['handler /x', 'middleware <anonymous>', 'handler /x']);
    for (const { status } of layers) assert.equal(status.code, SpanStatusCode.UNSET);
  });

  test(`${name}, a handler whose client leaves is ended once, and what it calls later gets no span`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = watched(express);
    let handOn: () => void = () => undefined;
    let arrived: () => void = () => undefined;
    const isHere = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    app.get('/slow', (_req, _res, next) => {
      handOn = next;
      arrived();
    });
    let wentOn = false;
    // Each hands on or answers, so that a span of its own would end.
    app.use((_req, _res, next) => {
      wentOn = true;
      next();
    }, answer);
    const request = http.get(`${await listen(t, app)}/slow`).on('error', () => undefined);
    await isHere;
    request.destroy();
    const { server, layers } = await takeAll(backend);
    assert.equal(server.attributes['error.type'], 'client_disconnect');
    assert.deepEqual(names(layers), ['handler /slow']);
    handOn();
    await nextTurn();
    assert.equal(wentOn, true);
    assert.deepEqual(backend.all(), []);
  });

  test(`${name}, a middleware that calls next twice ends each span once`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = watched(express);
    app.use(
      named('twice', (_req: unknown, _res: unknown, next: () => void) => {
        next();
        next();
      }) as RequestHandler,
    );
    let calls = 0;
    app.use(
      named('counts', (_req: unknown, res: import('express').Response) => {
        calls++;
        if (calls === 2) res.send('ok');
      }) as RequestHandler,
    );
    await get(await listen(t, app));
    const { layers } = await takeAll(backend);
    // The router has gone past its end already when it is asked again.
    assert.equal(new Set(layers.map((span) => span.spanId)).size, layers.length);
    assert.deepEqual(names(layers).slice(0, 2), ['middleware twice', 'middleware counts']);
  });

  test(`${name}, mounted twice, with routers that are mounted later, each layer has one span`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = watched(express);
    app.use(tracingMiddleware({ middlewareSpans: true }), tracingErrorMiddleware());
    const router = express.Router();
    router.get('/first', answer);
    app.use('/r', router);
    const url = await listen(t, app);
    await get(`${url}/r/first`);
    assert.deepEqual(names((await takeAll(backend)).layers), ['handler /r/first']);
    router.get('/second', answer);
    await get(`${url}/r/second`);
    assert.deepEqual(names((await takeAll(backend)).layers), ['handler /r/second']);
  });

  test(`${name}, a mounted application that has the middleware too shows its layers`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = watched(express);
    const inner = watched(express);
    inner.use(named('inside', pass.bind(undefined)));
    inner.get('/x/:id', answer);
    app.use('/sub/:t', inner);
    await get(`${await listen(t, app)}/sub/1/x/2`);
    const { layers } = await takeAll(backend);
    assert.deepEqual(
      // Express 4 puts two middlewares of its own before all others.
      names(layers).filter((one) => !/ (query|expressInit)$/.test(one)),
      ['middleware inside', 'handler /sub/:t/x/:id'],
    );
  });

  for (const nested of ['enrich', 'internal'] as const) {
    test(`${name}, layers are below the span of the request when another instrumentation has one (${nested})`, async (t) => {
      const backend = startBackend(t, 'clew');
      const app = watched(express, { nested });
      app.get('/users/:id', answer);
      await get(`${await listen(t, underForeignSpan(app))}/users/7`);
      const server = await backend.take('SERVER');
      const handler = await backend.take('handler /users/:id');
      const parent = nested === 'enrich' ? server : await backend.take('GET /users/:id');
      assert.equal(handler.parentSpanId, parent.spanId);
    });
  }

  test(`${name}, a request that is not sampled or is ignored has no spans of layers, nor have other applications`, async (t) => {
    const backend = startBackend(t, 'clew', { sampler: 0 });
    const app = watched(express, { ignore: (req) => req.url === '/ignored' });
    app.use(answer);
    const plain = express().use(answer);
    const [url, plainUrl] = [await listen(t, app), await listen(t, plain)];
    assert.equal((await get(`${url}/ignored`)).body, 'ok');
    assert.equal((await get(`${url}/unsampled`)).body, 'ok');
    assert.equal((await get(plainUrl)).body, 'ok');
    assert.deepEqual(backend.all(), []);
  });

  test(`${name}, without a provider the application answers as ever`, async (t) => {
    startBackend(t, 'none');
    const app = watched(express);
    app.use(pass);
    app.get('/users/:id', answer);
    assert.equal((await get(`${await listen(t, app)}/users/7`)).body, 'ok');
  });

  test(`${name}, functions of parameters run in the span of the request`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = watched(express);
    app.use(named('before', pass.bind(undefined)));
    app.param('id', (_req, _res, next) => withSpan('in param', () => next()));
    app.get('/users/:id', answer);
    await get(`${await listen(t, app)}/users/7`);
    const server = await backend.take('SERVER');
    const param = await backend.take('in param');
    assert.equal(param.parentSpanId, server.spanId);
    // It calls `next` inside of its span.
    assert.equal((await backend.take('handler /users/:id')).parentSpanId, param.spanId);
    await backend.take('middleware before');
  });
}

for (const [name, express] of EXPRESS_VERSIONS.filter(([one]) => isNewestRouter(one))) {
  test(`${name}, mounted applications and routers behind functions need nothing of their own`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = watched(express);
    const hidden = express.Router().use(named('hidden', pass.bind(undefined)));
    app.use((req, res, next) => hidden(req, res, next));
    app.use('/sub/:t', express().get('/x/:id', answer));
    await get(`${await listen(t, app)}/sub/1/x/2`);
    assert.deepEqual(names((await takeAll(backend)).layers), [
      'middleware <anonymous>',
      'middleware hidden',
      'handler /sub/:t/x/:id',
    ]);
  });
}

function nanos([seconds, rest]: readonly [number, number]): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(rest);
}

function underForeignSpan(app: http.RequestListener): http.RequestListener {
  return (req, res) => {
    const span = trace.getTracer('other-instrumentation').startSpan('outer', { kind: SpanKind.SERVER });
    res.on('close', () => span.end());
    context.with(trace.setSpan(context.active(), span), () => app(req, res));
  };
}
