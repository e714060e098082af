// payments: a partner's service. Express 4, sometimes slow and sometimes out of order, as partners are.
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { startTracing, withSpan } from '@clew/core';
import { tracingErrorMiddleware, tracingMiddleware } from '@clew/express';
import { tracingMixin } from '@clew/pino';
import type { NextFunction, Request, Response } from 'express';
import express from 'express-4';
import { pino } from 'pino';

import { announce, closeServer, listen, onShutdown, orExit, portOr } from './service.ts';

/** A person looks at charges from here on, which takes a while. */
const REVIEW_FROM_CENTS = 1_000_000;
const REVIEW_MS = 700;

const tracing = startTracing({ serviceName: 'payments' });
const log = pino({ name: 'payments', mixin: tracingMixin() });

const app = express();
app.use(tracingMiddleware());
app.use(express.json());
app.post('/charges', (req: Request, res: Response, next: NextFunction) => {
  charge(req.body).then((charged) => res.status(201).json(charged), next);
});
// Express 4 tells nobody about an error that a handler passed on, so one middleware listens for it.
app.use(tracingErrorMiddleware());
app.use((error: Error, _req: Request, res: Response, _next: NextFunction) => {
  log.error({ err: error }, 'charge failed');
  res.status(503).json({ error: error.message });
});

async function charge(order: { orderId: string; amountCents: number }): Promise<{ charged: number }> {
  const { orderId, amountCents } = order;
  if (amountCents >= REVIEW_FROM_CENTS) await withSpan('review charge', () => sleep(REVIEW_MS));
  // As with the test cards of real partners, the amount decides the outcome.
  if (amountCents % 100 === 13) throw new Error('the bank does not answer');
  log.info({ orderId, amountCents }, 'charged');
  return { charged: amountCents };
}

const server = createServer(app);
onShutdown(async () => {
  await closeServer(server);
  await tracing.shutdown();
});
const url = await orExit('payments cannot listen', listen(server, portOr(3003)));
log.info({ url }, 'payments listens');
announce(url);
