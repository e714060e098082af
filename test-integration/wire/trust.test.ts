import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type StartTracingOptions, startTracing } from '@clew/core';
import { type CollectedSpan, SpanCollector } from '@clew/core/testing';
import { tracingMiddleware } from '@clew/express';
import { tracingPlugin } from '@clew/fastify';
import { traceFetch, tracingInterceptor, traceUndici } from '@clew/undici';
import express from 'express';
import fastify from 'fastify';
import { Agent, fetch as undiciFetch, request } from 'undici';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const OFFERED = { traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01`, baggage: 'customer.tier=gold,secret=1' };

async function urlOf(t: TestContext, server: Server): Promise<string> {
  if (!server.listening) server.listen(0, '127.0.0.1');
  if (!server.listening) await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server of somebody else, and the headers that it got. */
async function startOther(t: TestContext): Promise<{ url: string; seen: IncomingHttpHeaders[] }> {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((req, res) => {
    seen.push(req.headers);
    res.end('ok');
  });
  return { url: await urlOf(t, server), seen };
}

function start(t: TestContext, options: StartTracingOptions): SpanCollector {
  const spans = new SpanCollector();
  const tracing = startTracing({ ...options, exporter: 'none', spanProcessors: [spans] });
  t.after(() => tracing.shutdown());
  return spans;
}

type Handler = () => Promise<unknown>;

const SERVERS: Array<[name: string, open: (handler: Handler) => Promise<Server>]> = [
  [
    'Express',
    async (handler) => {
      const app = express();
      app.use(tracingMiddleware());
      app.get('/a', (_req, res, next) => void handler().then(() => res.end(), next));
      return createServer(app);
    },
  ],
  [
    'Fastify',
    async (handler) => {
      const app = fastify();
      await app.register(tracingPlugin);
      app.get('/a', async () => {
        await handler();
        return 'ok';
      });
      await app.listen({ port: 0, host: '127.0.0.1' });
      return app.server;
    },
  ],
];

const CLIENTS: Array<[name: string, attach: (t: TestContext) => (url: string) => Promise<unknown>]> = [
  [
    'fetch',
    () => {
      const traced = traceFetch(undiciFetch);
      return async (url) => (await traced(url)).text();
    },
  ],
  [
    'interceptor',
    (t) => {
      const dispatcher = new Agent().compose(tracingInterceptor());
      t.after(() => dispatcher.close());
      return async (url) => (await request(url, { dispatcher })).body.text();
    },
  ],
  [
    'channels',
    (t) => {
      const stop = traceUndici();
      t.after(() => stop());
      return async (url) => (await request(url)).body.text();
    },
  ],
];

/** One request to a traced server that makes one call of its own. */
async function through(
  t: TestContext,
  open: (typeof SERVERS)[number][1],
  attach: (typeof CLIENTS)[number][1],
  options: StartTracingOptions,
): Promise<{ server: CollectedSpan; client: CollectedSpan; headers: IncomingHttpHeaders }> {
  const spans = start(t, options);
  const call = attach(t);
  const other = await startOther(t);
  const url = await urlOf(t, await open(() => call(`${other.url}/b`)));
  // Not by fetch, which the channels would trace as well.
  const [answer] = (await once(get(`${url}/a`, { headers: OFFERED }), 'response')) as [IncomingMessage];
  assert.equal(answer.resume().statusCode, 200);
  const [headers = assert.fail()] = other.seen;
  return { server: await spans.take('SERVER'), client: await spans.take('CLIENT'), headers };
}

for (const [serverName, open] of SERVERS) {
  for (const [clientName, attach] of CLIENTS) {
    const title = `${serverName} and ${clientName}`;

    test(`${title}: by default trace and baggage go on`, async (t) => {
      const { server, client, headers } = await through(t, open, attach, {});
      assert.deepEqual([server.traceId, client.traceId], [TRACE_ID, TRACE_ID]);
      assert.match(headers.traceparent as string, new RegExp(`^00-${TRACE_ID}-${client.spanId}-0[13]$`));
      assert.match(String(headers.baggage), /customer\.tier=gold/);
      assert.equal(server.attributes['customer.tier'], undefined);
    });

    test(`${title}: who is not trusted is linked, and nothing of theirs goes on`, async (t) => {
      const { server, client, headers } = await through(t, open, attach, { trustIncoming: 'none' });
      assert.notEqual(server.traceId, TRACE_ID);
      assert.equal(server.links[0]?.context.traceId, TRACE_ID);
      assert.equal(client.traceId, server.traceId);
      assert.match(headers.traceparent as string, new RegExp(client.spanId));
      assert.equal(headers.baggage, undefined);
    });

    test(`${title}: other hosts get neither traceparent nor baggage, and the call has its span`, async (t) => {
      const { client, headers } = await through(t, open, attach, { propagateTo: ['*.own.example'] });
      assert.equal(client.traceId, TRACE_ID);
      assert.deepEqual([headers.traceparent, headers.tracestate, headers.baggage], [undefined, undefined, undefined]);
    });

    test(`${title}: listed baggage is on the spans`, async (t) => {
      const { server, client } = await through(t, open, attach, { baggageSpanKeys: ['customer.tier'] });
      for (const span of [server, client]) {
        assert.deepEqual([span.attributes['customer.tier'], span.attributes.secret], ['gold', undefined]);
      }
    });
  }
}
