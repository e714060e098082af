// orders: keeps the orders. Fastify 5, PostgreSQL, tells Kafka about each new one.
import { startTracing, withSpan } from '@clew/core';
import { tracingPlugin } from '@clew/fastify';
import { traceKafka } from '@clew/kafkajs';
import { tracePool } from '@clew/pg';
import { tracingMixin } from '@clew/pino';
import { fastify } from 'fastify';
import { Kafka } from 'kafkajs';
import { Pool } from 'pg';
import { pino } from 'pino';

import { brokers, createTopic, kafkaLog, TOPIC } from './kafka.ts';
import { createOrderTables } from './schema.ts';
import { announce, host, onShutdown, orExit, portOr } from './service.ts';

const tracing = startTracing({ serviceName: 'orders' });
const log = pino({ name: 'orders', mixin: tracingMixin() });
const pool = tracePool(new Pool({ connectionString: process.env.DATABASE_URL }));
const kafka = traceKafka(new Kafka({ clientId: 'orders', brokers, logCreator: kafkaLog(log) }));
const producer = kafka.producer();

const app = fastify({ loggerInstance: log });
await app.register(tracingPlugin);

const newOrder = {
  type: 'object',
  required: ['sku'],
  properties: { sku: { type: 'string' }, quantity: { type: 'integer', minimum: 1, maximum: 100, default: 1 } },
};

app.post<{ Body: { sku: string; quantity: number } }>(
  '/orders',
  { schema: { body: newOrder } },
  async (request, reply) => {
    const { sku, quantity } = request.body;
    const product = await reserveStock(sku, quantity);
    if (product === undefined) return reply.code(404).send({ error: `no such product, or not enough of it: ${sku}` });

    const amountCents = product.price_cents * quantity;
    const inserted = await pool.query(
      'INSERT INTO orders (sku, quantity, amount_cents) VALUES ($1, $2, $3) RETURNING id',
      [sku, quantity, amountCents],
    );
    const order = { id: inserted.rows[0].id, sku, quantity, amountCents };
    await producer.send({ topic: TOPIC, messages: [{ key: order.id, value: JSON.stringify(order) }] });
    request.log.info({ orderId: order.id }, 'order accepted');
    return reply.code(201).send(order);
  },
);

/** A step that the business knows by name gets a span of its own; the query inside becomes its child. */
function reserveStock(sku: string, quantity: number): Promise<{ price_cents: number } | undefined> {
  return withSpan('reserve stock', { attributes: { 'shop.sku': sku } }, async () => {
    const reserved = await pool.query(
      'UPDATE products SET stock = stock - $2 WHERE sku = $1 AND stock >= $2 RETURNING price_cents',
      [sku, quantity],
    );
    return reserved.rows[0];
  });
}

app.get<{ Params: { id: string } }>('/orders/:id', async (request, reply) => {
  const found = await pool.query('SELECT id, sku, quantity, amount_cents FROM orders WHERE id::text = $1', [
    request.params.id,
  ]);
  return found.rows[0] ?? reply.code(404).send({ error: 'no such order' });
});

// The N+1 mistake, on purpose: one query for the list, then one more for each of its rows, where a JOIN would do.
app.get('/orders', async () => {
  const orders = await pool.query('SELECT id, sku, quantity FROM orders ORDER BY created_at DESC LIMIT 12');
  for (const order of orders.rows) {
    const product = await pool.query('SELECT title FROM products WHERE sku = $1', [order.sku]);
    order.title = product.rows[0]?.title;
  }
  return orders.rows;
});

// Slow on purpose: makes millions of rows up and reads every one of them.
app.get('/reports/sales', async () => {
  const report = await pool.query(
    `SELECT p.sku, count(*)::int AS visits FROM products p CROSS JOIN generate_series(1, 1500000) AS visit
      WHERE visit % 7 = length(p.sku) % 7 GROUP BY p.sku ORDER BY p.sku`,
  );
  return report.rows;
});

// Fails on purpose: nobody made this table.
app.get('/reports/returns', async () => (await pool.query('SELECT sku, count(*) FROM returns GROUP BY sku')).rows);

onShutdown(async () => {
  await app.close();
  await Promise.allSettled([producer.disconnect(), pool.end()]);
  await tracing.shutdown();
});
await Promise.all([
  orExit('orders cannot use PostgreSQL', createOrderTables(pool)),
  orExit(
    'orders cannot reach Kafka',
    createTopic(kafka).then(() => producer.connect()),
  ),
]);
announce(await orExit('orders cannot listen', app.listen({ host, port: portOr(3001) })));
