// gateway: the public face of the shop. Express 5, asks `orders` by fetch, shows metrics with exemplars.
import { createServer } from 'node:http';

import { context, propagation, startTracing, trace } from '@clew/core';
import { tracingMiddleware } from '@clew/express';
import { tracingMixin } from '@clew/pino';
import { metricsHandler, tracePromClient } from '@clew/prom-client';
import { traceFetch } from '@clew/undici';
import express, { type NextFunction, type Request, type Response } from 'express';
import { pino } from 'pino';
import promClient from 'prom-client';

import { announce, closeServer, listen, onShutdown, orExit, portOr } from './service.ts';

const ORDERS_URL = process.env.ORDERS_URL ?? 'http://127.0.0.1:3001';
const TIERS = ['standard', 'gold'];

const tracing = startTracing({ serviceName: 'gateway' });
const log = pino({ name: 'gateway', mixin: tracingMixin() });
const fetch = traceFetch(globalThis.fetch);
// Exemplars exist in the OpenMetrics format only.
const registry = new promClient.Registry<promClient.OpenMetricsContentType>();
registry.setContentType(promClient.Registry.OPENMETRICS_CONTENT_TYPE);
const { Histogram } = tracePromClient(promClient);
const orderDuration = new Histogram({
  name: 'shop_order_duration_seconds',
  help: 'Time from the request for an order to its acceptance',
  registers: [registry],
  labelNames: ['tier'],
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
});

const app = express();
app.get('/metrics', metricsHandler(registry));
app.use(tracingMiddleware());
app.use(express.json());
app.use(showTraceId, rememberTier);

app.post('/orders', async (req, res) => {
  const stop = orderDuration.startTimer({ tier: tierOf(req) });
  const answer = await askOrders('/orders', req.body ?? {});
  stop();
  log.info({ sku: req.body?.sku, status: answer.status }, 'order passed on');
  res.status(answer.status).json(answer.body);
});
app.get('/orders', passOn);
app.get('/orders/:id', passOn);
app.get('/reports/sales', passOn);
app.get('/reports/returns', passOn);

/** A customer who reports a problem can name the trace. */
function showTraceId(_req: Request, res: Response, next: NextFunction): void {
  const traceId = trace.getActiveSpan()?.spanContext().traceId;
  if (traceId) res.set('x-trace-id', traceId);
  next();
}

/** Baggage travels with the trace: whatever this request causes, in any service, knows the customer's tier. */
function rememberTier(req: Request, _res: Response, next: NextFunction): void {
  const baggage = propagation.getActiveBaggage() ?? propagation.createBaggage();
  const withTier = baggage.setEntry('customer.tier', { value: tierOf(req) });
  context.with(propagation.setBaggage(context.active(), withTier), next);
}

/** Only values we know: a header's content would travel to every service behind us. */
function tierOf(req: Request): string {
  const tier = req.get('x-customer-tier');
  return tier !== undefined && TIERS.includes(tier) ? tier : 'standard';
}

async function passOn(req: Request, res: Response): Promise<void> {
  const answer = await askOrders(req.path);
  res.status(answer.status).json(answer.body);
}

async function askOrders(path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const request =
    body === undefined
      ? undefined
      : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(`${ORDERS_URL}${path}`, request);
  if (response.status < 500) return { status: response.status, body: await response.json() };
  log.error({ path, status: response.status }, 'orders failed');
  return { status: 502, body: { error: 'the orders service failed' } };
}

const server = createServer(app);
onShutdown(async () => {
  await closeServer(server);
  await tracing.shutdown();
});
const url = await orExit('gateway cannot listen', listen(server, portOr(3000)));
log.info({ url }, 'gateway listens');
announce(url);
