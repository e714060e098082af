/** Promises on Express 4, which leaves them alone. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import test from 'node:test';
import { promisify } from 'node:util';
import type { ErrorRequestHandler, NextFunction, Request, Response } from 'express';
import { EXPRESS_VERSIONS, get, isExpress5, listen, tracedApp } from './support.ts';
import { tracingErrorMiddleware } from '../src/index.ts';

const require = createRequire(import.meta.url);
const run = promisify(execFile);

type Handler = (req: Request, res: Response, next: NextFunction) => unknown;

/** What `express-async-errors` does: every handler that a layer is given hands its rejection to `next`. */
function handRejectionsOn(alias: string): () => void {
  const Layer = require(`${alias}/lib/router/layer`) as { prototype: object };
  const handlers = new WeakMap<object, Handler>();
  Object.defineProperty(Layer.prototype, 'handle', {
    configurable: true,
    get(this: object) {
      return handlers.get(this);
    },
    set(this: object, handler: Handler) {
      if (handler.length > 3) {
        handlers.set(this, handler);
        return;
      }
      const waiting = function wrapped(this: unknown, req: Request, res: Response, next: NextFunction): unknown {
        const result = handler.call(this, req, res, next);
        if (result instanceof Promise) result.catch((error: unknown) => next(error));
        return result;
      };
      handlers.set(this, Object.assign(waiting, handler));
    },
  });
  return () => {
    Reflect.deleteProperty(Layer.prototype, 'handle');
  };
}

for (const [name, express] of EXPRESS_VERSIONS.filter(([one]) => !isExpress5(one))) {
  const alias = name.includes('4.18') ? 'express-4.18' : 'express-4';

  for (const middlewareSpans of [false, true]) {
    const how = middlewareSpans ? ', with spans of middlewares' : '';
    test(`${name}, a rejection that a wrapper of all handlers hands on is recorded once${how}`, async (t) => {
      const undo = handRejectionsOn(alias);
      t.after(undo);
      const { app, spans } = tracedApp(t, express, { middlewareSpans });
      const router = express.Router();
      router.get('/fails/:id', async () => {
        throw new RangeError('too far');
      });
      app.use('/api/:v', router);
      app.use(tracingErrorMiddleware());
      app.use(((_error, _req, res, _next) => res.status(500).send('no')) as ErrorRequestHandler);
      assert.equal((await get(`${await listen(t, app)}/api/1/fails/7`)).status, 500);
      const span = await spans.take('SERVER');
      assert.equal(span.name, 'GET /api/:v/fails/:id');
      assert.equal(span.attributes['error.type'], 'RangeError');
      assert.equal(span.events.length, 1);
      const handlers = spans.all().filter((one) => one.name === 'handler /api/:v/fails/:id');
      assert.deepEqual(
        handlers.map((one) => one.attributes['error.type']),
        middlewareSpans ? ['RangeError'] : [],
      );
    });
  }

  test(`${name}, a rejection that nobody takes stays one of the process, and the span ends when the client gives up`, async () => {
    const { stdout } = await run(process.execPath, ['--conditions=clew-source', '--input-type=module', '-e', PROGRAM], {
      cwd: import.meta.dirname,
      env: { ...process.env, EXPRESS: alias },
    });
    assert.deepEqual(JSON.parse(stdout), { unhandled: 'too far', name: 'GET /fails', type: 'client_disconnect' });
  });
}

// In a process of its own: the test runner takes unhandled rejections for failures.
const PROGRAM = `
import { createRequire } from 'node:module';
import { once } from 'node:events';
import http from 'node:http';
import { SpanCollector } from '@clew/core/testing';
import { startTracing } from '@clew/core';
import { tracingMiddleware } from '@clew/express';
const express = createRequire(process.cwd() + '/')(process.env.EXPRESS);
const spans = new SpanCollector();
const tracing = startTracing({ serviceName: 'test', exporter: 'none', spanProcessors: [spans] });
const app = express();
app.use(tracingMiddleware());
app.get('/fails', async () => { throw new RangeError('too far'); });
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
const unhandled = new Promise((resolve) => process.once('unhandledRejection', resolve));
const request = http.get({ port: server.address().port, host: '127.0.0.1', path: '/fails' }).on('error', () => undefined);
const error = await unhandled;
request.destroy();
const span = await spans.take('SERVER');
console.log(JSON.stringify({ unhandled: error.message, name: span.name, type: span.attributes['error.type'] }));
server.close();
await tracing.shutdown();
`;
