import { setImmediate as nextTurn } from 'node:timers/promises';

import { type Attributes, SpanKind, SpanStatusCode } from '@opentelemetry/api';

import { BATCH_SPANS, type Implementation } from './variant.ts';

/** Something to time: one call of `run` is one operation. */
export interface Case {
  /** What is timed, for the tables. */
  readonly title: string;
  /** Whether the implementation records what it is asked to. */
  readonly sampled: boolean;
  /** Whether it runs in a process with its like only. */
  readonly isOfPlugin?: boolean;
  prepare(implementation: Implementation): () => void;
}

/** Given at the start, as instrumentations do: five strings and numbers of an HTTP server span. */
const START_ATTRIBUTES: Attributes = {
  'http.request.method': 'GET',
  'url.scheme': 'http',
  'url.path': '/users/4711',
  'server.address': 'shop.example.org',
  'server.port': 8080,
};
const REQUEST_HEADERS = {
  host: 'shop.example.org',
  'user-agent': 'bench',
  accept: 'application/json',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};

/** One span with eight attributes, five at its start and three before its end. */
export function spanWithAttributes({ tracer }: Implementation): void {
  const span = tracer.startSpan('GET /users/:id', { kind: SpanKind.SERVER, attributes: START_ATTRIBUTES });
  span.setAttribute('http.route', '/users/:id');
  span.setAttribute('http.response.status_code', 200);
  span.setAttribute('user_agent.original', 'bench');
  span.end();
}

/** Everything that is timed per operation, by the name that the tables and the JSON use. */
export const CASES: Record<string, Case> = {
  'span-8-attributes': {
    title: 'span with 8 attributes, ended, batched and encoded',
    sampled: true,
    prepare: (implementation) => () => spanWithAttributes(implementation),
  },
  'server-span': {
    title: "span of an HTTP plugin for one request, from the `request` event to the response's `close`",
    sampled: true,
    isOfPlugin: true,
    prepare:
      ({ serve }) =>
      () =>
        serve(true),
  },
  'empty-span': {
    title: 'span without attributes, ended, batched and encoded',
    sampled: true,
    prepare: emptySpan,
  },
  exception: {
    title: 'span with a recorded exception and an error status, batched and encoded',
    sampled: true,
    prepare: exception,
  },
  'active-span': {
    title: '`startActiveSpan` around an empty function, batched and encoded',
    sampled: true,
    prepare: activeSpan,
  },
  'unsampled-span': {
    title: 'span without attributes that the sampler refuses',
    sampled: false,
    prepare: emptySpan,
  },
  'unsampled-server-span': {
    title: 'the same for a request that its caller has not sampled',
    sampled: false,
    isOfPlugin: true,
    prepare:
      ({ serve }) =>
      () =>
        serve(false),
  },
  inject: { title: 'inject the active span into an empty carrier', sampled: true, prepare: inject },
  extract: { title: 'extract from request headers with `traceparent`', sampled: true, prepare: extract },
};

function emptySpan({ tracer }: Implementation): () => void {
  return () => tracer.startSpan('work').end();
}

function exception({ tracer }: Implementation): () => void {
  const error = new TypeError('cannot read the order');
  return () => {
    const span = tracer.startSpan('work');
    span.recordException(error);
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    span.end();
  };
}

function activeSpan({ tracer }: Implementation): () => void {
  return () => tracer.startActiveSpan('work', (span) => span.end());
}

function inject({ context, propagation, tracer }: Implementation): () => void {
  // From an implementation's own active span, as in front of an outgoing request.
  const active = tracer.startActiveSpan('request', () => context.active());
  return () => propagation.inject(active, {});
}

function extract({ context, propagation }: Implementation): () => void {
  const active = context.active();
  return () => {
    propagation.extract(active, REQUEST_HEADERS);
  };
}

/**
 * Run a case for at least `seconds` and return what one operation costs.
 *
 * All threads of the process count, so the garbage that a span leaves is paid by the one who made it.
 *
 * @returns CPU per operation. Nanoseconds.
 */
export async function timeCase(run: () => void, implementation: Implementation, seconds: number): Promise<number> {
  const endMs = performance.now() + seconds * 1000;
  const start = process.cpuUsage();
  let operations = 0;
  do {
    for (let i = 0; i < BATCH_SPANS; i++) run();
    operations += BATCH_SPANS;
    // Exporters work between turns of the event loop; without one the queue would fill and spans be dropped.
    await implementation.flush();
    await nextTurn();
  } while (performance.now() < endMs);
  const { user, system } = process.cpuUsage(start);
  return ((user + system) * 1000) / operations;
}
