/** Without the option for spans of middlewares nothing is there for them. In a process of its own: see `hasSubscribers`. */
import assert from 'node:assert/strict';
import { tracingChannel } from 'node:diagnostics_channel';
import test from 'node:test';
import type { Express } from 'express';
import { tracingErrorMiddleware, tracingMiddleware } from '../src/index.ts';
import { EXPRESS_VERSIONS, get, listen, tracedApp } from './support.ts';

interface AnyLayer {
  readonly route?: { readonly stack: readonly AnyLayer[] };
}

// The types of Express 5 have no `_router`.
function layersOf(app: Express): readonly AnyLayer[] {
  const { _router: router = app.router } = app as { _router?: { stack: AnyLayer[] } } & Express;
  return router.stack.flatMap((layer: AnyLayer) => [layer, ...(layer.route?.stack ?? [])]);
}

function ownMethods(app: Express): string[] {
  const methods = ['handle_request', 'handle_error', 'handleRequest', 'handleError'];
  return layersOf(app).flatMap((layer) => methods.filter((method) => Object.hasOwn(layer, method)));
}

for (const [name, express] of EXPRESS_VERSIONS) {
  test(`${name}, without the option nobody listens to the router, and its layers are as they were`, async (t) => {
    const { app, spans, listen: start } = tracedApp(t, express);
    app.get('/users/:id', (_req, res) => {
      res.send('ok');
    });
    await get(`${await start()}/users/7`);
    await spans.take('SERVER');
    assert.equal(tracingChannel('express.router.request').hasSubscribers, false);
    assert.deepEqual(ownMethods(app), []);
  });
}

// The last test of this file: from here on the channel has a listener.
for (const [name, express] of EXPRESS_VERSIONS) {
  test(`${name}, with the option the functions of the application stay what they are`, async (t) => {
    const { app, spans } = tracedApp(t, express, { middlewareSpans: true });
    const handler = Object.assign((_req: unknown, res: import('express').Response) => void res.send('ok'), { tag: 1 });
    app.get('/users/:id', handler);
    app.use(tracingErrorMiddleware(), tracingMiddleware());
    const before = layersOf(app).map((layer) => (layer as { handle?: unknown }).handle);
    await get(`${await listen(t, app)}/users/7`);
    await spans.take('SERVER');
    await spans.take('handler /users/:id');
    assert.deepEqual(
      layersOf(app).map((layer) => (layer as { handle?: unknown }).handle),
      before,
    );
    assert.ok(before.includes(handler));
  });
}
