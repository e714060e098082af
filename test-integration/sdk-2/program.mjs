// The plugins over the official SDK 2.x and API 1.9; prints the spans that the SDK exported.
import { once } from 'node:events';
import { tracingMiddleware } from '@clew/express';
import { tracingPlugin } from '@clew/fastify';
import { tracingMixin } from '@clew/pino';
import { traceFetch } from '@clew/undici';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import express from 'express';
import fastify from 'fastify';
import { pino } from 'pino';

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();

const lines = [];
const log = pino({ mixin: tracingMixin() }, { write: (text) => lines.push(JSON.parse(text)) });
const app = express();
app.use(tracingMiddleware());
app.get('/express/:id', (req, res) => {
  log.info('in express');
  res.json(req.params);
});
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');

const other = fastify();
await other.register(tracingPlugin);
const tracedFetch = traceFetch(fetch);
other.get('/fastify/:id', async () =>
  (await tracedFetch(`http://127.0.0.1:${server.address().port}/express/7`)).json(),
);
const url = await other.listen({ port: 0, host: '127.0.0.1' });
await (await fetch(`${url}/fastify/1`)).json();

await other.close();
server.closeAllConnections();
server.close();
const spans = exporter.getFinishedSpans();
const nameOf = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
console.log(
  JSON.stringify({
    spans: spans
      .map((span) => [span.name, nameOf.get(span.parentSpanContext?.spanId) ?? null, span.instrumentationScope.name])
      .sort(),
    logged: lines[0].trace_id === spans[0].spanContext().traceId,
  }),
);
