/** Fastify in all supported versions, and applications that are closed by their test. */
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { trace } from '@clew/core';
import { type CollectedSpans, collectSpans } from '@clew/core/testing';
import type { FastifyInstance, FastifyServerOptions } from 'fastify';
import { type TracingPluginOptions, tracingPlugin } from '../src/index.ts';

/** Makes an application; the types are those of Fastify 5 for all versions. */
export type MakeFastify = (options?: FastifyServerOptions) => FastifyInstance;

const require = createRequire(import.meta.url);

/** Newest and lowest supported version of each major, by npm alias. */
export const FASTIFY_VERSIONS: ReadonlyArray<readonly [name: string, fastify: MakeFastify]> = [
  'fastify',
  'fastify-4',
  'fastify-4.14',
].map((name) => [`fastify ${(require(`${name}/package.json`) as { version: string }).version}`, require(name)]);

/** Whether a version is Fastify 5. */
export function isFastify5(name: string): boolean {
  return name.startsWith('fastify 5.');
}

/** Listen, closed by `t.after`; gives the base URL. */
export async function listen(t: TestContext, app: FastifyInstance): Promise<string> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  t.after(async () => {
    app.server.closeAllConnections();
    await app.close();
  });
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}

/** An application with our plugin registered first, and the spans it makes. */
export interface TracedApp {
  readonly app: FastifyInstance;
  readonly spans: CollectedSpans;
  listen(): Promise<string>;
}

export function tracedApp(
  t: TestContext,
  fastify: MakeFastify,
  options: TracingPluginOptions = {},
  serverOptions: FastifyServerOptions = {},
): TracedApp {
  const spans = collectSpans(t);
  const app = fastify(serverOptions);
  app.register(tracingPlugin, { tracerProvider: spans.tracing.provider, ...options });
  return { app, spans, listen: () => listen(t, app) };
}

/** Fetch and read the whole answer. */
export async function get(url: string, init?: RequestInit): Promise<{ status: number; body: string }> {
  const response = await fetch(url, init);
  return { status: response.status, body: await response.text() };
}

/** The id of the span that is active; `undefined` without one. */
export function activeSpanId(): string | undefined {
  return trace.getActiveSpan()?.spanContext().spanId;
}
