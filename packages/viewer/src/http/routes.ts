/** Every route of the viewer: what is received, Jaeger's query API, and our own. */
import { BodyReader } from './body.ts';
import { receiveLogs, receiveTraces } from '../receive/otlp-http.ts';
import { receivePinoLines } from '../receive/pino-http.ts';
import { jaegerError, jaegerReply, jaegerTrace } from '../query/jaeger.ts';
import { ParameterError, parseTraceId, parseTraceQuery } from '../query/jaeger-params.ts';
import { newestTraces, operations, searchTraces, serviceNames } from '../query/search.ts';
import type { LogStore } from '../store/log-store.ts';
import type { TraceStore } from '../store/trace-store.ts';
import { json, problem, type Reply, text } from './reply.ts';
import type { Route, RouteContext } from './router.ts';

/** What the routes work on. */
export interface Stores {
  readonly traces: TraceStore;
  readonly logs: LogStore;
  /** Counts receiver requests under way, for `flush`. */
  readonly tracking: { track<Result>(work: Promise<Result>): Promise<Result> };
  /** Base URL of the OTLP receiver, for the page to show. */
  readonly otlpUrl: () => string;
}

const DEFAULT_LIST = 50;
const MAX_LIST = 1000;

/** What both ports take in. */
export function receiverRoutes({ traces, logs, tracking }: Stores): Route[] {
  const bodies = new BodyReader();
  const route = (path: string, receive: (context: RouteContext) => Promise<Reply>): Route => {
    return { method: 'POST', path, isReceiver: true, answer: (context) => tracking.track(receive(context)) };
  };
  return [
    route('/v1/traces', ({ request }) => receiveTraces(request, bodies, traces)),
    route('/v1/logs', ({ request }) => receiveLogs(request, bodies, logs)),
    route('/api/clew/logs', ({ request }) => receivePinoLines(request, bodies, logs)),
    { method: 'GET', path: '/healthz', answer: () => text(200, 'ok') },
  ];
}

/** Jaeger's query API. */
export function jaegerRoutes({ traces }: Stores): Route[] {
  return [
    jaegerRoute('/api/services', () => jaegerNames(serviceNames(traces))),
    jaegerRoute('/api/services/{}/operations', ({ parameters: [service = ''] }) => {
      return jaegerNames([...new Set(operations(traces, service, '').map(({ name }) => name))]);
    }),
    jaegerRoute('/api/operations', ({ query }) => {
      const service = query.get('service') ?? '';
      if (service === '') throw new ParameterError("parameter 'service' is required");
      return jaegerNames(operations(traces, service, query.get('spanKind') ?? ''));
    }),
    jaegerRoute('/api/traces', ({ query }) => someTraces(traces, query)),
    jaegerRoute('/api/traces/{}', (context) => oneTrace(traces, context)),
  ];
}

/** Our own query routes. */
export function clewRoutes(stores: Stores): Route[] {
  const { traces, logs } = stores;
  return [
    { method: 'GET', path: '/api/clew/search', answer: ({ query }) => listTraces(traces, query) },
    {
      method: 'GET',
      path: '/api/clew/traces/{}/logs',
      answer: ({ parameters: [id = ''] }) =>
        json(200, { lines: logs.get(id.toLowerCase().padStart(32, '0')).map(line) }),
    },
    {
      method: 'GET',
      path: '/api/clew/stats',
      answer: () =>
        json(200, { ...traces.stats(), logs: logs.stats(), revision: traces.revision, otlpUrl: stores.otlpUrl() }),
    },
    { method: 'POST', path: '/api/clew/clear', answer: ({ request }) => clear(stores, request.headers['x-clew']) },
  ];
}

function jaegerRoute(path: string, answer: (context: RouteContext) => Reply): Route {
  const guarded = (context: RouteContext): Reply => {
    try {
      return answer(context);
    } catch (error) {
      if (error instanceof ParameterError) return json(400, jaegerError(400, error.message));
      throw error;
    }
  };
  return { method: 'GET', path, answer: guarded };
}

function jaegerNames(names: readonly unknown[]): Reply {
  return json(200, jaegerReply(names, names.length));
}

function someTraces(traces: TraceStore, query: URLSearchParams): Reply {
  const wanted = parseTraceQuery(query, BigInt(Date.now()) * 1_000_000n);
  const isRaw = query.get('raw') === 'true';
  const reply = jaegerReply(searchTraces(traces, wanted).map(({ trace }) => jaegerTrace(trace, isRaw)));
  const missing = wanted.traceIds.filter((id) => traces.get(id) === undefined);
  const errors = missing.map((traceID) => ({ msg: 'trace not found', traceID }));
  return json(200, errors.length === 0 ? reply : { ...reply, errors });
}

function oneTrace(traces: TraceStore, { request, query, parameters: [id = ''] }: RouteContext): Reply {
  const trace = traces.get(parseTraceId(id));
  if (trace === undefined) return json(404, jaegerError(404, 'trace not found'));
  // The page asks every second or two while a trace may still grow; most answers are "no change".
  const etag = `"${traces.epoch}-${trace.revision}"`;
  if (request.headers['if-none-match'] === etag) return { status: 304, type: '', body: '', headers: { etag } };
  return json(200, jaegerReply([jaegerTrace(trace, query.get('raw') === 'true')]), { etag });
}

function listTraces(traces: TraceStore, query: URLSearchParams): Reply {
  const unknown = [...query.keys()].find((key) => key !== 'service' && key !== 'limit');
  if (unknown !== undefined)
    return problem(400, 'parameter', `unknown parameter "${unknown}"`, 'service and limit are known');
  const limit = query.get('limit') ?? String(DEFAULT_LIST);
  if (!/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > MAX_LIST) {
    return problem(400, 'parameter', `limit must be 1 to ${MAX_LIST}, got "${limit}"`);
  }
  const found = newestTraces(traces, query.get('service') ?? '', Number(limit));
  return json(200, { traces: found.map(({ summary }) => summary), revision: traces.revision });
}

function line({ traceId: _, ...shown }: ReturnType<LogStore['get']>[number]): unknown {
  return shown;
}

function clear({ traces, logs }: Stores, header: string | string[] | undefined): Reply {
  if (header !== '1')
    return problem(403, 'header', 'the header "X-Clew: 1" is missing', 'send it, to show that no foreign page asks');
  traces.clear();
  logs.clear();
  return { status: 204, type: '', body: '' };
}
