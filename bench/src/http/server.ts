// The measured process: server.ts <framework> <variant> <sink URL>
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { answerParent } from '../child.ts';
import { type Framework, VARIANTS, type Variant } from './variant.ts';

// Frameworks are loaded by `require` in every variant: the official instrumentations need it so,
// and pairs must differ in the tracing alone.
const require = createRequire(import.meta.url);

let requests = 0;
let cpu = process.cpuUsage();

const [framework = '', variantName = '', sinkUrl = ''] = process.argv.slice(2);
const variant = await VARIANTS[variantName]?.({
  framework: framework as Framework, // The parent takes it from the list of frameworks.
  endpoint: `${sinkUrl}/${variantName}`,
});
if (variant === undefined) throw new Error(`unknown variant ${variantName}`);
const server = framework === 'express' ? expressServer(variant) : await fastifyServer(variant);
if (!server.listening) await once(server, 'listening');

answerParent({
  address: () => ({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }), // AddressInfo: it listens on TCP.
  begin: async () => {
    await settle(variant);
    const before = requests;
    cpu = process.cpuUsage();
    return { requests: before };
  },
  end: async () => {
    await settle(variant);
    const { user, system } = process.cpuUsage(cpu);
    return { cpuMicros: user + system, requests, rssBytes: process.memoryUsage.rss() };
  },
});

/** Wait until no request is under way and no span waits, so that a window pays for its own spans and no others. */
async function settle(variant: Variant): Promise<void> {
  await sleep(20);
  await variant.flush();
  // A batch that the timer had already handed over is not waited for by the official SDK's flush.
  await sleep(50);
}

function user(id: string): object {
  requests++;
  return { id: Number(id), name: 'Ada Lovelace', email: 'ada@example.org', active: true, roles: ['reader', 'writer'] };
}

function expressServer({ middleware = [] }: Variant): Server {
  const express = require('express') as typeof import('express');
  const app = express();
  for (const handler of middleware) app.use(handler);
  app.get('/users/:id', (request, response) => {
    response.json(user(request.params.id));
  });
  return app.listen(0, '127.0.0.1');
}

async function fastifyServer(variant: Variant): Promise<Server> {
  const { fastify } = require('fastify') as typeof import('fastify');
  const app = fastify();
  await variant.register?.(app);
  app.get<{ Params: { id: string } }>('/users/:id', async (request) => user(request.params.id));
  await app.listen({ port: 0, host: '127.0.0.1' });
  return app.server;
}
