// What is bundled: a traced Express service that asks itself once and prints its trace.
import { once } from 'node:events';
import { startTracing } from '@clew/core';
import { InMemorySpanExporter } from '@clew/core/testing';
import { tracingMiddleware } from '@clew/express';
import { traceFetch } from '@clew/undici';
import express from 'express';

async function main() {
  const memory = new InMemorySpanExporter();
  const tracing = startTracing({ serviceName: 'bundled', exporter: memory });
  const app = express();
  app.use(tracingMiddleware());
  app.get('/items/:id', (req, res) => res.json(req.params));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await (await traceFetch(fetch)(`http://127.0.0.1:${server.address().port}/items/7`)).json();
  await tracing.forceFlush();
  const spans = memory.getFinishedSpans();
  const [client] = spans.filter((span) => span.name === 'GET');
  const [item] = spans.filter((span) => span.name === 'GET /items/:id');
  console.log(item.parentSpanContext.spanId === client.spanContext().spanId ? 'one trace' : 'broken');
  server.closeAllConnections();
  server.close();
  await tracing.shutdown();
}

main();
