/** Express in all supported versions, and servers that are closed by their test. */
import http, { type Server } from 'node:http';
import { createRequire, registerHooks } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { type CollectedSpans, collectSpans } from '@clew/core/testing';
import type { Express } from 'express';
import { tracingErrorMiddleware, tracingMiddleware } from '../src/index.ts';

/** The Express module; the types are those of Express 5 for all versions. */
export type ExpressModule = typeof import('express');

const require = createRequire(import.meta.url);

/** Newest and lowest supported version of each major, by npm alias, with the routers that Express 5 can have. */
export const EXPRESS_VERSIONS: ReadonlyArray<readonly [name: string, express: ExpressModule]> = [
  [nameOf('express', 'router'), require('express')],
  [nameOf('express-5.0', 'router-2.2'), loadWithRouter('router-2.2')],
  [nameOf('express-5.0', 'router-2.0'), loadWithRouter('router-2.0')],
  [nameOf('express-4'), require('express-4')],
  [nameOf('express-4.18'), require('express-4.18')],
];

function nameOf(express: string, router?: string): string {
  const versionOf = (alias: string): string => (require(`${alias}/package.json`) as { version: string }).version;
  return `express ${versionOf(express)}${router === undefined ? '' : ` with router ${versionOf(router)}`}`;
}

// npm gives every Express 5 the newest router; applications with an older lock file have an older one.
function loadWithRouter(alias: string): ExpressModule {
  for (const file of Object.keys(require.cache)) {
    if (/[\\/]node_modules[\\/](express-5\.0|router-2\.\d)[\\/]/.test(file)) delete require.cache[file];
  }
  const hooks = registerHooks({
    resolve: (specifier, context, next) => next(specifier === 'router' ? alias : specifier, context),
  });
  try {
    return require('express-5.0');
  } finally {
    hooks.deregister();
  }
}

/** Whether a version is Express 5. */
export function isExpress5(name: string): boolean {
  return name.startsWith('express 5.');
}

/** Whether a version's router keeps the text of mount paths, and the errors that pass it. */
export function isNewestRouter(name: string): boolean {
  return name.includes('router 2.3');
}

/** Close a server with all its connections. */
export async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** Listen, closed by `t.after`; gives the base URL. */
export async function listen(t: TestContext, app: http.RequestListener): Promise<string> {
  const server = http.createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => closeServer(server));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An application with our middleware in front, and the spans it makes. */
export interface TracedApp {
  readonly app: Express;
  readonly spans: CollectedSpans;
  /** Mount what comes after the routes, and listen. */
  listen(): Promise<string>;
}

type Options = Parameters<typeof tracingMiddleware>[0];

/** @param settings  to enable before anything is mounted, when Express makes its router */
export function tracedApp(
  t: TestContext,
  express: ExpressModule,
  options: Options = {},
  settings: readonly string[] = [],
): TracedApp {
  const spans = collectSpans(t);
  const app = express();
  // Express prints errors that reach its end to the console, except in tests.
  app.set('env', 'test');
  for (const setting of settings) app.enable(setting);
  app.use(tracingMiddleware({ tracerProvider: spans.tracing.provider, ...options }));
  return {
    app,
    spans,
    listen: () => {
      app.use(tracingErrorMiddleware());
      return listen(t, app);
    },
  };
}

/** Fetch and read the whole answer. */
export async function get(url: string, init?: RequestInit): Promise<{ status: number; body: string }> {
  const response = await fetch(url, init);
  return { status: response.status, body: await response.text() };
}
