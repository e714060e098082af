import { createRequire } from 'node:module';

import type { Express } from 'express';
import type { FastifyInstance } from 'fastify';

import type { Variant } from './variant.ts';

// Frameworks are loaded by `require` in every variant: the official instrumentations need it so,
// and pairs must differ in the tracing alone.
const require = createRequire(import.meta.url);

/** Makes the answer to one request; the server counts how often it is called. */
export type FindUser = (id: string) => object;

/** The Express application of a variant. */
export function expressApp({ middleware = [] }: Variant, findUser: FindUser): Express {
  const express = require('express') as typeof import('express');
  const app = express();
  for (const handler of middleware) app.use(handler);
  app.get('/users/:id', (request, response) => {
    response.json(findUser(request.params.id));
  });
  return app;
}

/** The Fastify application of a variant, not yet listening. */
export async function fastifyApp(variant: Variant, findUser: FindUser): Promise<FastifyInstance> {
  const { fastify } = require('fastify') as typeof import('fastify');
  const app = fastify();
  await variant.register?.(app);
  app.get<{ Params: { id: string } }>('/users/:id', async (request) => findUser(request.params.id));
  return app;
}

/** What the one route answers. */
export function makeUser(id: string): object {
  return { id: Number(id), name: 'Ada Lovelace', email: 'ada@example.org', active: true, roles: ['reader', 'writer'] };
}
