import type { Dispatcher } from 'undici';

/** How a client process makes its requests; the ways that Clew has to trace them. */
export const CLIENTS = ['request', 'fetch', 'channels'] as const;
export type ClientName = (typeof CLIENTS)[number];

/** What each of them is, for the tables. */
export const TITLES: Record<ClientName, string> = {
  request: '`request` of undici 8, traced by the interceptor',
  fetch: 'built-in `fetch`, traced by the wrapper',
  channels: '`request` of undici 8, traced by the diagnostics channels, as the official instrumentation does',
};

/** One traced client, or one that is not. */
export interface Client {
  /** Make one request and read its whole answer. */
  send(url: string): Promise<unknown>;
  /** Begin to listen to undici's channels, where the variant does; returns the end of it. */
  listen?(): () => void;
  /** Send every span that has ended. Resolves when the exporter is done. */
  flush(): Promise<void>;
}

/** What a client makes its requests with. */
export type Transport =
  | { readonly client: 'fetch' }
  | { readonly client: Exclude<ClientName, 'fetch'>; readonly dispatcher: Dispatcher };

/** Where a variant sends its spans, and how many. */
export interface Recording {
  /** Base URL for OTLP/HTTP, with a path of this process's own. */
  readonly endpoint: string;
  /** Share of new traces that are recorded. 0 or 1. */
  readonly ratio: 0 | 1;
}

/** The variants of the client benchmark, in the order of the tables. Modules load only in the process that runs them. */
export const CLIENT_VARIANTS: Record<string, (transport: Transport, endpoint: string) => Promise<Client>> = {
  bare: async (transport) => (await import('./plain.ts')).bare(transport),
  control: async (transport) => (await import('./plain.ts')).control(transport),
  clew: async (transport, endpoint) => (await import('./clew.ts')).clew(transport, { endpoint, ratio: 1 }),
  'clew-unsampled': async (transport, endpoint) => (await import('./clew.ts')).clew(transport, { endpoint, ratio: 0 }),
  otel: async (transport, endpoint) => (await import('./otel.ts')).otel(transport, { endpoint, ratio: 1 }),
  'otel-unsampled': async (transport, endpoint) => (await import('./otel.ts')).otel(transport, { endpoint, ratio: 0 }),
};

/**
 * Variants that share a process and take turns there. Only one of them has tracing, so that nothing is in it that a
 * program would not have: a second tracer, or a second interceptor. The official SDK takes part: its instrumentation
 * patches nothing, but listens.
 */
export const TOGGLED: ReadonlyArray<readonly string[]> = [
  ['bare', 'control', 'clew'],
  ['bare', 'clew-unsampled'],
  ['bare', 'otel'],
  ['bare', 'otel-unsampled'],
];
