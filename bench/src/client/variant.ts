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
  /** Send every span that has ended. Resolves when the exporter is done. */
  flush(): Promise<void>;
}

export interface ClientOptions {
  readonly client: ClientName;
  /** Base URL for OTLP/HTTP, with a path of this process's own. */
  readonly endpoint: string;
  /** Share of new traces that are recorded. 0 or 1. */
  readonly ratio: 0 | 1;
}

/** The variants of the client benchmark, in the order of the tables. Modules load only in the process that runs them. */
export const CLIENT_VARIANTS: Record<string, (options: Omit<ClientOptions, 'ratio'>) => Promise<Client>> = {
  bare: async (options) => (await import('./plain.ts')).bare(options),
  control: async (options) => (await import('./plain.ts')).control(options),
  clew: async (options) => (await import('./clew.ts')).clew({ ...options, ratio: 1 }),
  'clew-unsampled': async (options) => (await import('./clew.ts')).clew({ ...options, ratio: 0 }),
  otel: async (options) => (await import('./otel.ts')).otel({ ...options, ratio: 1 }),
  'otel-unsampled': async (options) => (await import('./otel.ts')).otel({ ...options, ratio: 0 }),
};
