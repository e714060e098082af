// fulfilment: takes accepted orders from Kafka, charges them through `payments` by undici, keeps shipments in PostgreSQL.
import { propagation, startTracing, withSpan } from '@clew/core';
import { traceKafka } from '@clew/kafkajs';
import { tracePool } from '@clew/pg';
import { tracingMixin } from '@clew/pino';
import { tracingInterceptor } from '@clew/undici';
import { Kafka } from 'kafkajs';
import { Pool } from 'pg';
import { pino } from 'pino';
import { Agent, request } from 'undici';

import { brokers, createTopic, kafkaLog, TOPIC } from './kafka.ts';
import { createShipmentTable } from './schema.ts';
import { announce, onShutdown, orExit } from './service.ts';

const PAYMENTS_URL = process.env.PAYMENTS_URL ?? 'http://127.0.0.1:3003';

interface Order {
  id: string;
  amountCents: number;
}

const tracing = startTracing({ serviceName: 'fulfilment' });
const log = pino({ name: 'fulfilment', mixin: tracingMixin() });
const pool = tracePool(new Pool({ connectionString: process.env.DATABASE_URL }));
const dispatcher = new Agent().compose(tracingInterceptor());
const kafka = traceKafka(new Kafka({ clientId: 'fulfilment', brokers, logCreator: kafkaLog(log) }));
// A fetch without news is answered after this time at the latest: orders are picked up at once.
const consumer = kafka.consumer({ groupId: 'fulfilment', maxWaitTimeInMs: 50 });

async function fulfil(order: Order): Promise<void> {
  // Set by the gateway, two services and a message broker ago.
  const tier = propagation.getActiveBaggage()?.getEntry('customer.tier')?.value ?? 'standard';
  // A message may come twice.
  await pool.query(`INSERT INTO shipments VALUES ($1, 'new', $2) ON CONFLICT (order_id) DO NOTHING`, [order.id, tier]);
  const state = (await charge(order)) ? 'packed' : 'unpaid';
  await pool.query('UPDATE shipments SET state = $2 WHERE order_id = $1', [order.id, state]);
  log.info({ orderId: order.id, tier, state }, 'order handled');
}

function charge(order: Order): Promise<boolean> {
  return withSpan('charge customer', { attributes: { 'shop.amount_cents': order.amountCents } }, async () => {
    const { statusCode, body } = await request(`${PAYMENTS_URL}/charges`, {
      dispatcher,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ orderId: order.id, amountCents: order.amountCents }),
    });
    await body.dump();
    if (statusCode >= 400) log.warn({ orderId: order.id, statusCode }, 'payment failed');
    return statusCode < 400;
  });
}

onShutdown(async () => {
  await Promise.allSettled([consumer.disconnect(), pool.end(), dispatcher.close()]);
  await tracing.shutdown();
});
await Promise.all([
  orExit('fulfilment cannot use PostgreSQL', createShipmentTable(pool)),
  orExit(
    'fulfilment cannot reach Kafka',
    createTopic(kafka).then(() => consumer.connect()),
  ),
]);
await orExit('fulfilment cannot subscribe', consumer.subscribe({ topic: TOPIC, fromBeginning: true }));
consumer.on(consumer.events.GROUP_JOIN, () => announce());
await consumer.run({ eachMessage: ({ message }) => fulfil(JSON.parse(String(message.value))) });
