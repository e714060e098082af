import type { RequestHandler } from 'express';
import type { FastifyInstance } from 'fastify';
import type { Pool } from 'pg';
import type { LoggerOptions } from 'pino';
import type { Histogram } from 'prom-client';
import type { Dispatcher } from 'undici';

import type { Framework } from '../http/variant.ts';

/** The libraries of the service, loaded by `require` in every variant, so that pairs differ in the tracing alone. */
export interface Libraries {
  readonly pg: typeof import('pg');
  readonly undici: typeof import('undici');
  readonly pino: typeof import('pino');
  readonly prom: typeof import('prom-client');
}

/** Makes the histogram of a variant, in a registry of its own: metrics with exemplars need one of their own kind. */
export type MakeHistogram = (configuration: { name: string; help: string; labelNames: string[] }) => Histogram;

/** What a variant puts into the service. */
export interface ServiceVariant {
  readonly libraries: Libraries;
  /** Express: mounted in front of the routes. */
  readonly middleware?: readonly RequestHandler[];
  /** Fastify: called before the routes are added. */
  register?(app: FastifyInstance): Promise<void>;
  tracePool(pool: Pool): Pool;
  traceDispatcher(dispatcher: Dispatcher): Dispatcher;
  /** Fields of every log line. */
  readonly mixin?: LoggerOptions['mixin'];
  readonly makeHistogram: MakeHistogram;
  /** Send every span that has ended. */
  flush(): Promise<void>;
}

export interface ServiceOptions {
  readonly framework: Framework;
  /** Base URL for OTLP/HTTP, with a path of this server's own. */
  readonly endpoint: string;
  /** Share of new traces that are recorded. 0 or 1. */
  readonly ratio: 0 | 1;
  /** Whether this variant has the process for itself, and so may register itself for all of it. */
  readonly isAlone: boolean;
}

type Make = (options: Omit<ServiceOptions, 'ratio'>) => Promise<ServiceVariant>;

/** The variants of the service, in the order of the tables. Modules load only in the process that runs them. */
export const SERVICE_VARIANTS: Record<string, Make> = {
  bare: async () => (await import('./bare.ts')).bare(),
  control: async ({ framework }) => (await import('./control.ts')).control(framework),
  clew: async (options) => (await import('./clew.ts')).clew({ ...options, ratio: 1 }),
  'clew-unsampled': async (options) => (await import('./clew.ts')).clew({ ...options, ratio: 0 }),
  otel: async (options) => (await import('./otel.ts')).otel({ ...options, ratio: 1 }),
  'otel-unsampled': async (options) => (await import('./otel.ts')).otel({ ...options, ratio: 0 }),
};

/** Variants that can live in one process; the official SDK patches the modules that the others run on. */
export const TOGGLED_SERVICE: readonly string[] = ['bare', 'clew', 'clew-unsampled'];
