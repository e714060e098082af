/**
 * The applications under load, a process of their own: Express and Fastify with tracing, which call a third server by
 * fetch. Started with one argument, `AppOptions` as JSON; answers each message of the parent with a `Reading`.
 */
import { subscribe } from 'node:diagnostics_channel';
import { type EventEmitter, once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { startTracing, type Tracing } from '@clew/core';
import { tracingMiddleware } from '@clew/express';
import { tracingPlugin } from '@clew/fastify';
import { traceFetch } from '@clew/undici';
import { trace } from '@opentelemetry/api';
import express from 'express';
import Fastify from 'fastify';
import { SpanCounter } from './span-counter.ts';

/** What the parent wants. */
export interface AppOptions {
  /** The third server, which answers `/orders/:id` with the headers that came, and takes spans at `/v1/traces`. */
  innerUrl: string;
}

/** Where the applications listen. */
export interface Listening {
  express: string;
  fastify: string;
}

/** The body of a request. */
export interface Order {
  order: number;
  padding: string;
}

/** The body of an answer. */
export interface Answer {
  order: number;
  /** The current trace id, in hex, at each step of the handler. */
  traceIds: string[];
  /** What the third server was sent. */
  innerTraceparent: string;
}

/** What the process holds; complete when no request is open. */
export interface Reading {
  /** Requests that have arrived, and those of them that are not over. */
  requests: number;
  open: number;
  /** Calls of fetch. */
  fetches: number;
  /** Spans that have ended, by kind. */
  spans: Record<string, number>;
  /** Spans that the handler of another request has written on. */
  strangeSpans: number;
  /** After a forced collection. Bytes. */
  heapBytes: number;
  /** Listeners on the process and on both servers, and the most on one socket. */
  listeners: { process: number; servers: number; socket: number };
  /** Node.js's own warnings, such as of too many listeners. */
  warnings: string[];
  stats: ReturnType<Tracing['stats']>;
}

const KEEP_ALIVE_MS = 60_000;
const MAX_QUEUE_SPANS = 8192;

// The parent is this repository's own code.
const { innerUrl } = JSON.parse(process.argv[2] ?? '') as AppOptions;
const counter = new SpanCounter();
const tracing = startTracing({
  serviceName: 'load',
  endpoint: innerUrl,
  spanProcessors: [counter],
  batch: { maxQueueSpans: MAX_QUEUE_SPANS },
});
const fetch = traceFetch(globalThis.fetch);
const sockets = new Set<Socket>();
const counts = { requests: 0, open: 0, fetches: 0 };
const warnings: string[] = [];
process.on('warning', ({ message }) => warnings.push(message));
// Those of the built-in fetch, which tells nobody else.
subscribe('undici:client:connected', (message) => watch((message as { socket: Socket }).socket));

const servers = [await startExpress(), await startFastify()];
const [forExpress = '', forFastify = ''] = servers.map(urlOf);
process.on('message', () => process.send?.(read()));
process.on('disconnect', () => process.exit());
process.send?.({ express: forExpress, fastify: forFastify } satisfies Listening);

async function startExpress(): Promise<Server> {
  const app = express();
  // Keeps Express from printing the errors of callers that left.
  app.set('env', 'test');
  app.use(tracingMiddleware());
  app.use(express.json());
  app.post('/orders/:id', async (req, res) => {
    res.json(await handle(req.body, req.headers.traceparent, res));
  });
  const server = app.listen(0, '127.0.0.1');
  count(server);
  await once(server, 'listening');
  return server;
}

async function startFastify(): Promise<Server> {
  const app = Fastify();
  app.register(tracingPlugin);
  app.post<{ Body: Order }>('/orders/:id', ({ body, headers }, reply) => handle(body, headers.traceparent, reply.raw));
  count(app.server);
  await app.listen({ port: 0, host: '127.0.0.1' });
  return app.server;
}

function count(server: Server): void {
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.on('connection', watch);
  server.on('request', (_request, response) => {
    counts.requests++;
    counts.open++;
    response.once('close', () => counts.open--);
  });
}

/** @param offered  the header of the request, beside which the span says to whom it belongs */
async function handle({ order }: Order, offered: unknown, response: EventEmitter): Promise<Answer> {
  const traceIds: string[] = [];
  const note = (): void => {
    traceIds.push(trace.getActiveSpan()?.spanContext().traceId ?? 'none');
  };
  note();
  trace.getActiveSpan()?.setAttribute('test.traceparent', String(offered));
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  await setTimeout(Math.random() * 10);
  note();
  await setImmediate();
  note();
  counts.fetches++;
  // Of two callers one lets the inner call end although its own caller has left.
  const inner = await fetch(`${innerUrl}/orders/${order}`, order % 2 === 0 ? { signal: gone.signal } : {});
  note();
  const { traceparent } = (await inner.json()) as { traceparent: string };
  note();
  return { order, traceIds, innerTraceparent: traceparent };
}

function watch(socket: Socket): void {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
}

function read(): Reading {
  globalThis.gc?.();
  return {
    ...counts,
    ...{ spans: { ...counter.ended }, strangeSpans: counter.strange, warnings, stats: tracing.stats() },
    heapBytes: process.memoryUsage().heapUsed,
    listeners: {
      process: listenersOn(process),
      servers: servers.reduce((sum, server) => sum + listenersOn(server), 0),
      socket: Math.max(0, ...[...sockets].map(listenersOn)),
    },
  };
}

function listenersOn(emitter: EventEmitter): number {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
}

function urlOf(server: Server): string {
  // A TCP server's address is an object.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
