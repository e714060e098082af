import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { withSpan } from '@clew/core';
import { metricsHandler, tracePromClient } from '@clew/prom-client';
import { startBackend } from '@clew/testkit';
import express from 'express';
import fastify from 'fastify';
import client from 'prom-client';

const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
const PLAIN = 'text/plain; version=0.0.4; charset=utf-8';

function makeRegistry() {
  const registry = new client.Registry<client.OpenMetricsContentType>();
  registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE);
  const { Counter, Histogram } = tracePromClient(client);
  const counter = new Counter({ name: 'orders_total', help: 'Orders', labelNames: ['note'], registers: [registry] });
  const histogram = new Histogram({ name: 'seconds', help: 'Time', buckets: [1], registers: [registry] });
  withSpan('work', () => {
    counter.inc({ note: 'a # {b="c"} \\ "quoted"' });
    histogram.observe(0.5);
  });
  return registry;
}

const PLAIN_TEXT = [
  '# HELP orders_total Orders',
  '# TYPE orders_total counter',
  'orders_total{note="a # {b=\\"c\\"} \\\\ \\"quoted\\""} 1',
  '# HELP seconds Time',
  '# TYPE seconds histogram',
  'seconds_bucket{le="1"} 1',
  'seconds_bucket{le="+Inf"} 1',
  'seconds_sum 0.5',
  'seconds_count 1',
  '',
].join('\n');

type Serve = (handler: ReturnType<typeof metricsHandler>) => Promise<{ url: string; close: () => unknown }>;

const SERVERS: Array<[string, Serve]> = [
  [
    'node:http',
    async (handler) => {
      const server = createServer((req, res) => void handler(req, res)).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      return { url: urlOf(server.address()), close: () => server.close() };
    },
  ],
  [
    'express',
    async (handler) => {
      const server = express().get('/', handler).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      return { url: urlOf(server.address()), close: () => server.close() };
    },
  ],
  [
    'fastify',
    async (handler) => {
      const app = fastify();
      app.get('/', handler);
      return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
    },
  ],
];

function urlOf(address: unknown): string {
  return `http://127.0.0.1:${(address as { port: number }).port}`;
}

for (const [name, serve] of SERVERS) {
  test(`${name}: a scraper gets the format that it asks for`, async (t) => {
    const backend = startBackend(t, 'clew');
    const { url, close } = await serve(metricsHandler(makeRegistry()));
    t.after(close);
    const open = await fetch(url, {
      headers: { accept: `${OPENMETRICS};q=0.7,text/plain;q=0.3`, connection: 'close' },
    });
    assert.equal(open.headers.get('content-type'), OPENMETRICS);
    const text = await open.text();
    assert.match(text, /seconds_bucket\{le="1"\} 1 # \{trace_id="[0-9a-f]{32}",span_id="[0-9a-f]{16}"\} 0\.5 /);
    assert.match(text, /# EOF\n$/);
    for (const accept of ['*/*', 'text/plain', 'text/plain;q=0.9,application/openmetrics-text;q=0.2']) {
      const plain = await fetch(url, { headers: { accept, connection: 'close' } });
      assert.equal(plain.headers.get('content-type'), PLAIN);
      assert.equal(await plain.text(), PLAIN_TEXT);
    }
    backend.all();
  });
}

test('a metric that cannot be collected answers 500 and leaves the server alive', async (t) => {
  const registry = new client.Registry();
  new client.Gauge({
    name: 'g',
    help: 'h',
    registers: [registry],
    collect() {
      throw new Error('no');
    },
  });
  const { url, close } = await (SERVERS[0] as [string, Serve])[1](metricsHandler(registry));
  t.after(close);
  for (let i = 0; i < 2; i++) {
    const answer = await fetch(url, { headers: { connection: 'close' } });
    assert.equal(answer.status, 500);
    assert.equal(await answer.text(), 'metrics could not be collected\n');
  }
});

test('a registry in the plain format is served as it is', async (t) => {
  const registry = new client.Registry();
  new client.Counter({ name: 'c_total', help: 'h', registers: [registry] }).inc();
  const { url, close } = await (SERVERS[0] as [string, Serve])[1](metricsHandler(registry));
  t.after(close);
  const answer = await fetch(url, { headers: { accept: OPENMETRICS, connection: 'close' } });
  assert.equal(answer.headers.get('content-type'), PLAIN);
  assert.match(await answer.text(), /^c_total 1$/m);
});
