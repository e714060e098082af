// Uses every package once, and prints what it saw. Plain JavaScript: Node.js 20 loads nothing else.
import { once } from 'node:events';

export async function useEverything(load) {
  const { startTracing, withSpan, activeSpan } = await load('@clew/core');
  const { InMemorySpanExporter } = await load('@clew/core/testing');
  const { tracingMiddleware } = await load('@clew/express');
  const { tracingPlugin } = await load('@clew/fastify');
  const { traceFetch, tracingInterceptor } = await load('@clew/undici');
  const { tracePool } = await load('@clew/pg');
  const { traceKafka } = await load('@clew/kafkajs');
  const { tracingMixin } = await load('@clew/pino');
  const { tracePromClient } = await load('@clew/prom-client');
  const { startViewer } = await load('@clew/viewer');
  const express = (await load('express')).default ?? (await load('express'));
  const fastify = (await load('fastify')).default ?? (await load('fastify'));
  const undici = await load('undici');
  const { Pool } = (await load('pg')).default ?? (await load('pg'));
  const { Kafka, logLevel } = (await load('kafkajs')).default ?? (await load('kafkajs'));
  const { pino } = await load('pino');
  const client = (await load('prom-client')).default ?? (await load('prom-client'));

  const viewer = await startViewer({ port: 0, otlpPort: 0 });
  const memory = new InMemorySpanExporter();
  const tracing = startTracing({ serviceName: 'packed', endpoint: viewer.otlpUrl, exporter: ['otlp', memory] });

  const lines = [];
  const log = pino({ mixin: tracingMixin() }, { write: (text) => lines.push(JSON.parse(text)) });
  client.register.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE);
  const { Counter } = tracePromClient(client);
  const counter = new Counter({ name: 'requests', help: 'h' });

  const app = express();
  app.use(tracingMiddleware());
  app.get('/express/:id', (req, res) => {
    log.info('in express');
    counter.inc();
    res.json({ id: req.params.id });
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const expressUrl = `http://127.0.0.1:${server.address().port}`;

  const other = fastify();
  await other.register(tracingPlugin);
  const tracedFetch = traceFetch(fetch);
  other.get('/fastify/:id', async (request) =>
    (await tracedFetch(`${expressUrl}/express/${request.params.id}`)).json(),
  );
  const fastifyUrl = await other.listen({ port: 0, host: '127.0.0.1' });

  const pool = tracePool(
    new Pool({ host: '127.0.0.1', port: 1, user: 'u', database: 'd', connectionTimeoutMillis: 2000 }),
  );
  const kafka = traceKafka(new Kafka({ brokers: ['127.0.0.1:1'], retry: { retries: 0 }, logLevel: logLevel.NOTHING }));
  const dispatcher = new undici.Agent().compose(tracingInterceptor());

  await withSpan('root', async () => {
    await (await undici.request(`${fastifyUrl}/fastify/7`, { dispatcher })).body.dump();
    await pool.query('SELECT 1').catch(() => {});
    await kafka
      .producer()
      .send({ topic: 't', messages: [{ value: 'v' }] })
      .catch(() => {});
  });
  await tracing.forceFlush();
  const spans = memory.getFinishedSpans();
  const traceId = spans.find((span) => span.name === 'root')?.spanContext().traceId;
  const stored = await viewer.waitForTrace(traceId, { spans: spans.length, timeoutMs: 5000 }).then(
    () => true,
    (error) => error.message,
  );
  const byId = new Map(spans.map((span) => [span.spanContext().spanId, span]));
  const path = (span) => {
    const parent = byId.get(span.parentSpanContext?.spanId);
    return parent === undefined ? span.name : `${path(parent)} > ${span.name}`;
  };
  const metrics = await client.register.metrics();
  const result = {
    oneTrace: new Set(spans.map((span) => span.spanContext().traceId)).size === 1,
    paths: spans.map(path).sort(),
    logged: lines[0]?.trace_id === traceId,
    exemplar: metrics.includes(`trace_id="${traceId}"`),
    stored,
    stats: tracing.stats().exporters.map(({ exported, dropped }) => ({ exported, dropped })),
    activeAfterwards: activeSpan?.(),
  };
  server.closeAllConnections();
  server.close();
  await other.close();
  await dispatcher.close();
  await tracing.shutdown();
  await viewer.close();
  return result;
}
