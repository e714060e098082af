/** Errors of handlers: recorded once, passed on unchanged, and only when the request failed by them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { SpanStatusCode } from '@clew/core';
import { collectSpans } from '@clew/core/testing';
import type { ErrorRequestHandler } from 'express';
import { tracingErrorMiddleware, tracingMiddleware } from '../src/index.ts';
import { EXPRESS_VERSIONS, get, listen, isNewestRouter, tracedApp } from './support.ts';

class DatabaseError extends Error {
  override name = 'DatabaseError';
}

const passOn: ErrorRequestHandler = (error, _req, _res, next) => next(error);

for (const [name, express] of EXPRESS_VERSIONS) {
  test(`${name}, an error that passes two error handlers is recorded once and stays the same object`, async (t) => {
    const { app, spans } = tracedApp(t, express);
    const thrown = new DatabaseError('lost');
    const seen: unknown[] = [];
    const look: ErrorRequestHandler = (error, _req, _res, next) => {
      seen.push(error);
      next(error);
    };
    app.get('/fails', (_req, _res, next) => next(thrown));
    app.use(tracingErrorMiddleware(), look, look);
    await get(`${await listen(t, app)}/fails`);
    const span = await spans.take('SERVER');
    assert.deepEqual(seen, [thrown, thrown]);
    assert.equal(span.events.length, 1);
    assert.equal(span.attributes['error.type'], 'DatabaseError');
    assert.deepEqual(span.status, { code: SpanStatusCode.ERROR, message: 'lost' });
  });

  test(`${name}, an error that an error handler answers with 400 is no error`, async (t) => {
    const { app, spans } = tracedApp(t, express);
    app.get('/fails', () => {
      throw new DatabaseError('wrong input');
    });
    app.use(tracingErrorMiddleware());
    app.use(((_error, _req, res, _next) => res.status(400).send('no')) as ErrorRequestHandler);
    await get(`${await listen(t, app)}/fails`);
    const span = await spans.take('SERVER');
    assert.equal(span.status.code, SpanStatusCode.UNSET);
    assert.deepEqual(span.events, []);
    assert.equal(span.attributes['error.type'], undefined);
  });

  test(`${name}, an error after the headers is recorded with the status that was sent`, async (t) => {
    const { app, spans, listen } = tracedApp(t, express);
    app.get('/fails', (_req, res, next) => {
      res.write('half');
      next(new DatabaseError('cursor lost'));
    });
    const url = await listen();
    await assert.rejects(get(`${url}/fails`));
    const span = await spans.take('SERVER');
    assert.equal(span.attributes['http.response.status_code'], 200);
    assert.equal(span.attributes['error.type'], 'DatabaseError');
    assert.equal(span.events.length, 1);
  });

  test(`${name}, an error that an error handler of a router answers with 500 is recorded once`, async (t) => {
    const { app, spans, listen: start } = tracedApp(t, express);
    const router = express.Router();
    router.get('/fails/:id', () => {
      throw new DatabaseError('lost');
    });
    router.use(tracingErrorMiddleware());
    router.use(((_error, _req, res, _next) => res.status(500).send('no')) as ErrorRequestHandler);
    app.use('/api/:v', router);
    await get(`${await start()}/api/1/fails/7`);
    const span = await spans.take('SERVER');
    assert.equal(span.name, 'GET /api/:v/fails/:id');
    assert.equal(span.attributes['error.type'], 'DatabaseError');
    assert.equal(span.events.length, 1);
  });

  test(`${name}, an error handler that recovers leaves a request without error`, async (t) => {
    const { app, spans } = tracedApp(t, express);
    app.get('/fails', () => {
      throw new DatabaseError('lost');
    });
    app.use(tracingErrorMiddleware(), ((_error, _req, _res, next) => next()) as ErrorRequestHandler);
    app.use((_req, res) => {
      res.send('all the same');
    });
    assert.equal((await get(`${await listen(t, app)}/fails`)).status, 200);
    const span = await spans.take('SERVER');
    assert.equal(span.status.code, SpanStatusCode.UNSET);
    assert.deepEqual(span.events, []);
  });

  test(`${name}, a parameter that cannot be decoded is answered with 400, without error`, async (t) => {
    const { app, spans, listen: start } = tracedApp(t, express);
    app.get('/users/:id', (_req, res) => {
      res.send('ok');
    });
    assert.equal((await get(`${await start()}/users/%zz`)).status, 400);
    const span = await spans.take('SERVER');
    assert.equal(span.name, 'GET');
    assert.equal(span.attributes['url.path'], '/users/%zz');
    assert.equal(span.status.code, SpanStatusCode.UNSET);
    assert.deepEqual(span.events, []);
  });

  const VALUES: Array<[title: string, value: unknown]> = [
    ['a string', 'just text'],
    ['an object', { reason: 'none' }],
    ['a number', 7],
  ];
  for (const [title, value] of VALUES) {
    test(`${name}, next with ${title} is an error of type _OTHER`, async (t) => {
      const { app, spans, listen } = tracedApp(t, express);
      app.get('/fails', (_req, _res, next) => next(value));
      const url = await listen();
      assert.equal((await get(`${url}/fails`)).status, 500);
      const span = await spans.take('SERVER');
      assert.equal(span.attributes['error.type'], '_OTHER');
      assert.equal(span.status.code, SpanStatusCode.ERROR);
      assert.equal(span.events.length, 1);
    });
  }

  test(`${name}, throwing undefined goes on to the next handler, as without tracing`, async (t) => {
    const { app, spans, listen } = tracedApp(t, express);
    app.get('/fails', () => {
      throw undefined;
    });
    const url = await listen();
    assert.equal((await get(`${url}/fails`)).status, 404);
    assert.equal((await spans.take('SERVER')).status.code, SpanStatusCode.UNSET);
  });

  test(`${name}, an error that replaces another is recorded beside it`, async (t) => {
    const { app, spans } = tracedApp(t, express);
    app.get('/fails', () => {
      throw new DatabaseError('lost');
    });
    app.use(tracingErrorMiddleware());
    app.use(((_error, _req, _res, next) => next(new TypeError('sorry'))) as ErrorRequestHandler);
    app.use(tracingErrorMiddleware(), passOn);
    await get(`${await listen(t, app)}/fails`);
    const span = await spans.take('SERVER');
    assert.equal(span.attributes['error.type'], 'TypeError');
    assert.deepEqual(
      span.events.map((event) => event.attributes?.['exception.type']),
      ['DatabaseError', 'TypeError'],
    );
  });
}

for (const [name, express] of EXPRESS_VERSIONS.filter(([one]) => !isNewestRouter(one))) {
  test(`${name}, without the error middleware of ours the status is all that is known`, async (t) => {
    const { app, spans } = tracedApp(t, express);
    app.get('/fails', () => {
      throw new DatabaseError('lost');
    });
    await get(`${await listen(t, app)}/fails`);
    const span = await spans.take('SERVER');
    assert.equal(span.attributes['error.type'], '500');
    assert.deepEqual(span.events, []);
    assert.deepEqual(span.status, { code: SpanStatusCode.ERROR });
  });
}

for (const [name, express] of EXPRESS_VERSIONS.filter(([one]) => isNewestRouter(one))) {
  const FAILURES: Array<[title: string, handler: () => unknown]> = [
    [
      'thrown',
      () => {
        throw new DatabaseError('lost');
      },
    ],
    ['rejected with', () => Promise.reject(new DatabaseError('lost'))],
  ];
  for (const [title, handler] of FAILURES) {
    test(`${name}, an error ${title} needs no error middleware of ours`, async (t) => {
      const spans = collectSpans(t);
      const app = express().set('env', 'test');
      app.use(tracingMiddleware({ tracerProvider: spans.tracing.provider }));
      const router = express.Router();
      router.get('/fails', handler as never);
      app.use('/api', router);
      app.use(((_error, _req, res, _next) => res.status(500).send('no')) as ErrorRequestHandler);
      await get(`${await listen(t, app)}/api/fails`);
      const span = await spans.take('SERVER');
      assert.equal(span.attributes['error.type'], 'DatabaseError');
      assert.equal(span.events.length, 1);
    });
  }

  test(`${name}, a rejection without a reason is an error`, async (t) => {
    const { app, spans, listen } = tracedApp(t, express);
    app.get('/fails', () => Promise.reject());
    const url = await listen();
    assert.equal((await get(`${url}/fails`)).status, 500);
    const span = await spans.take('SERVER');
    assert.equal(span.status.message, 'Rejected promise');
  });
}
