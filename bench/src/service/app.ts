import { createRequire } from 'node:module';
import { devNull } from 'node:os';

import type { RequestListener } from 'node:http';
import type { Framework } from '../http/variant.ts';
import type { ServiceVariant } from './variant.ts';

const require = createRequire(import.meta.url);

export interface Surroundings {
  readonly databaseUrl: string;
  /** The service that this one asks. */
  readonly targetUrl: string;
}

/**
 * The service of a variant: two queries by key, a request to another service, a log line and a histogram for each
 * `GET /users/:id`.
 */
export async function serviceApp(
  framework: Framework,
  variant: ServiceVariant,
  surroundings: Surroundings,
): Promise<RequestListener> {
  const answer = makeAnswer(variant, surroundings);
  if (framework === 'express') {
    const express = require('express') as typeof import('express');
    const app = express();
    for (const handler of variant.middleware ?? []) app.use(handler);
    app.get('/users/:id', async (request, response) => {
      response.json(await answer(request.params.id));
    });
    return app;
  }
  const { fastify } = require('fastify') as typeof import('fastify');
  const app = fastify();
  await variant.register?.(app);
  app.get<{ Params: { id: string } }>('/users/:id', async (request) => answer(request.params.id));
  await app.ready();
  return app.routing;
}

function makeAnswer(
  variant: ServiceVariant,
  { databaseUrl, targetUrl }: Surroundings,
): (id: string) => Promise<object> {
  const { pg, undici, pino } = variant.libraries;
  const pool = variant.tracePool(new pg.Pool({ connectionString: databaseUrl, max: 8 }));
  const dispatcher = variant.traceDispatcher(new undici.Agent());
  const mixin = variant.mixin === undefined ? {} : { mixin: variant.mixin };
  const log = pino.pino(mixin, pino.pino.destination(devNull));
  const seconds = variant.makeHistogram({ name: 'answer_seconds', help: 'Time to answer', labelNames: ['route'] });
  return async (id) => {
    const startMs = performance.now();
    const key = Number(id) % 1000;
    const user = await pool.query('SELECT id, name, email FROM clew_bench_users WHERE id = $1', [key]);
    const orders = await pool.query('SELECT id, total FROM clew_bench_orders WHERE user_id = $1', [key]);
    const { body } = await undici.request(`${targetUrl}/prices/${id}`, { dispatcher });
    const price = await body.json();
    log.info({ user: key, orders: orders.rowCount }, 'answered');
    seconds.observe({ route: '/users/:id' }, (performance.now() - startMs) / 1000);
    return { user: user.rows[0], orders: orders.rows, price };
  };
}
