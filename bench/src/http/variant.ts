import type { RequestHandler } from 'express';
import type { FastifyInstance } from 'fastify';

export const FRAMEWORKS = ['express', 'fastify'] as const;
export type Framework = (typeof FRAMEWORKS)[number];

/** What a variant puts into the application, and how it gets rid of what waits for export. */
export interface Variant {
  /** Express: mounted in front of the routes. */
  readonly middleware?: readonly RequestHandler[];
  /** Fastify: called before the routes are added. */
  register?(app: FastifyInstance): Promise<void>;
  /** Send every span that has ended. Resolves when the exporter is done, so that its work is inside the measured window. */
  flush(): Promise<void>;
}

export interface VariantOptions {
  readonly framework: Framework;
  /** Base URL for OTLP/HTTP, with a path of this server's own. */
  readonly endpoint: string;
  /** Share of new traces that are recorded. 0 or 1. */
  readonly ratio: 0 | 1;
  /** Whether this variant has the process for itself, and so may register itself for all of it. */
  readonly isAlone: boolean;
}

/** The variants of the HTTP benchmarks, in the order of the tables. Modules load only in the process that runs them. */
export const VARIANTS: Record<string, (options: Omit<VariantOptions, 'ratio'>) => Promise<Variant>> = {
  bare: async () => ({ flush: async () => {} }),
  control: async (options) => (await import('./control.ts')).control(options),
  clew: async (options) => (await import('./clew.ts')).clew({ ...options, ratio: 1 }),
  'clew-unsampled': async (options) => (await import('./clew.ts')).clew({ ...options, ratio: 0 }),
  otel: async (options) => (await import('./otel.ts')).otel({ ...options, ratio: 1 }),
  'otel-unsampled': async (options) => (await import('./otel.ts')).otel({ ...options, ratio: 0 }),
};

/** Variants that can live in one process; the official SDK patches the modules that the others run on. */
export const TOGGLED: readonly string[] = ['bare', 'control', 'clew', 'clew-unsampled'];

/** Variants from which every request has to arrive at the sink as one SERVER span. */
export function isSampled(variant: string): boolean {
  return variant === 'clew' || variant === 'otel';
}
