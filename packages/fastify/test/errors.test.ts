/** Errors of handlers, hooks and Fastify itself. */
import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';
import { isClewError, SpanStatusCode } from '@clew/core';
import { FASTIFY_VERSIONS, get, isFastify5, tracedApp } from './support.ts';
import { tracingPlugin } from '../src/index.ts';

class DatabaseError extends Error {
  override name = 'DatabaseError';
}

for (const [name, fastify] of FASTIFY_VERSIONS) {
  test(`${name}, an error handler that answers 400 makes it no error`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    app.setErrorHandler((_error, _request, reply) => reply.code(400).send('no'));
    app.get('/fails', async () => {
      throw new DatabaseError('wrong input');
    });
    await get(`${await listen()}/fails`);
    const span = await spans.take('SERVER');
    assert.equal(span.status.code, SpanStatusCode.UNSET);
    assert.deepEqual(span.events, []);
  });

  test(`${name}, an exception with statusCode 503 is an error of its own type`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    app.get('/fails', async () => {
      throw Object.assign(new DatabaseError('too many'), { statusCode: 503 });
    });
    await get(`${await listen()}/fails`);
    const span = await spans.take('SERVER');
    assert.equal(span.attributes['http.response.status_code'], 503);
    assert.equal(span.attributes['error.type'], 'DatabaseError');
    assert.equal(span.status.message, 'too many');
    assert.equal(span.events.length, 1);
  });

  test(`${name}, invalid JSON and refused input are no errors`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    const schema = { body: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } };
    app.post('/users', { schema }, async () => 'ok');
    const url = await listen();
    for (const body of ['{', '{}']) {
      const answer = await get(`${url}/users`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      assert.equal(answer.status, 400);
      const span = await spans.take('SERVER');
      assert.equal(span.name, 'POST /users');
      assert.equal(span.status.code, SpanStatusCode.UNSET);
      assert.deepEqual(span.events, []);
    }
  });

  test(`${name}, an error of a hook is recorded, and a hook may answer early`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    app.addHook('preHandler', async (request, reply) => {
      if (request.url === '/fails') throw new DatabaseError('no session');
      if (request.url === '/early') return reply.code(401).send('who are you');
      return undefined;
    });
    for (const path of ['/fails', '/early']) app.get(path, async () => 'ok');
    const url = await listen();
    assert.equal((await get(`${url}/fails`)).status, 500);
    const failed = await spans.take('SERVER');
    assert.equal(failed.attributes['error.type'], 'DatabaseError');
    assert.equal(failed.events.length, 1);
    assert.equal((await get(`${url}/early`)).status, 401);
    assert.equal((await spans.take('SERVER')).status.code, SpanStatusCode.UNSET);
  });

  test(`${name}, an answer given twice is one span without error`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    app.get('/twice', (_request, reply) => {
      reply.send('first');
      reply.send('second');
    });
    assert.equal((await get(`${await listen()}/twice`)).body, 'first');
    assert.equal((await spans.take('SERVER')).status.code, SpanStatusCode.UNSET);
  });

  test(`${name}, a socket that times out is an error of type timeout`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify, {}, { connectionTimeout: 50 });
    app.get('/slow', () => new Promise(() => undefined));
    const url = await listen();
    await assert.rejects(get(`${url}/slow`));
    const span = await spans.take('SERVER');
    assert.equal(span.attributes['error.type'], 'timeout');
    assert.equal(span.status.code, SpanStatusCode.ERROR);
    assert.equal(span.attributes['http.response.status_code'], undefined);
  });

  test(`${name}, a server that closes its connections ends the spans of open requests`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    let arrived: () => void = () => undefined;
    const isHere = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    app.get('/open', () => {
      arrived();
      return new Promise(() => undefined);
    });
    const request = http.get(`${await listen()}/open`);
    const isClosed = new Promise((resolve) => request.on('error', () => undefined).on('close', resolve));
    await isHere;
    app.server.closeAllConnections();
    await isClosed;
    const span = await spans.take('SERVER');
    assert.equal(span.attributes['error.type'], 'response_destroyed');
  });

  test(`${name}, an option that does not exist is refused when the application gets ready`, async () => {
    const app = fastify();
    app.register(tracingPlugin, { ignored: () => true } as never);
    await assert.rejects(
      async () => app.ready(),
      (error) =>
        isClewError(error) && /tracingPlugin has no option "ignored", did you mean "ignore"\?/.test(error.message),
    );
  });

  test(`${name}, what register itself takes beside our options is no error`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    app.register(async (scope) => {
      scope.register(tracingPlugin, { prefix: '/ignored', logLevel: 'warn' } as never);
    });
    await listen();
    spans.assertNone();
  });
}

for (const [name, fastify] of FASTIFY_VERSIONS.filter(([one]) => isFastify5(one))) {
  test(`${name}, a handler over its time is an error of Fastify's type`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify, {}, { handlerTimeout: 50 } as never);
    app.get('/slow', () => new Promise(() => undefined));
    assert.equal((await get(`${await listen()}/slow`)).status, 503);
    const span = await spans.take('SERVER');
    assert.equal(span.attributes['error.type'], 'FST_ERR_HANDLER_TIMEOUT');
    assert.equal(span.events.length, 1);
  });

  test(`${name}, and of type timeout when the answer had begun and is cut off`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify, {}, { handlerTimeout: 50 } as never);
    app.get('/slow', (_request, reply) => {
      reply.raw.write('half');
      return new Promise(() => undefined);
    });
    await assert.rejects(get(`${await listen()}/slow`));
    const span = await spans.take('SERVER');
    assert.equal(span.attributes['error.type'], 'timeout');
    assert.equal(span.attributes['http.response.status_code'], 200);
  });
}
