/** Puts the viewer together: stores, routes, and the two ports. */
import type { Server } from 'node:http';

import { clewRoutes, jaegerRoutes, receiverRoutes, type Stores } from './http/routes.ts';
import { routeRequests } from './http/router.ts';
import { staticRoutes } from './http/static.ts';
import { closeServer, listen, urlOf } from './listen.ts';
import { type ResolvedOptions, resolveOptions, type ViewerOptions } from './options.ts';
import { newestTraces } from './query/search.ts';
import { LogStore } from './store/log-store.ts';
import { TraceStore } from './store/trace-store.ts';
import type { Viewer, ViewerTrace, WaitForTraceOptions } from './types.ts';
import { viewerTrace } from './viewer-trace.ts';
import { TraceWaits, Tracking } from './wait.ts';

/** Bytes of spans and of log lines that are kept, as received: spans may be few and huge. */
const MAX_STORED_BYTES = 256 * 1024 * 1024;

/**
 * Starts a viewer in this process.
 *
 * @returns its addresses, and what tests ask of it
 * @throws (rejects) ViewerError: `CLEW_ERR_OPTION` for a wrong option, `EADDRINUSE` and its like for a port that cannot be had
 */
export async function startViewer(options: ViewerOptions = {}): Promise<Viewer> {
  const resolved = resolveOptions(options);
  const traces = new TraceStore({ maxSpans: resolved.maxSpans, maxBytes: MAX_STORED_BYTES });
  const logs = new LogStore({ maxLines: resolved.maxSpans, maxBytes: MAX_STORED_BYTES });
  traces.onEvict = (traceId) => logs.drop(traceId);
  const tracking = new Tracking();
  let otlpUrl = '';
  const servers = await listenBoth({ traces, logs, tracking, otlpUrl: () => otlpUrl }, resolved);
  otlpUrl = urlOf(servers.otlp);
  const waits = new TraceWaits(traces);
  let closing: Promise<unknown> | undefined;
  return {
    url: urlOf(servers.query),
    otlpUrl,
    flush: () => tracking.settled(),
    async waitForTrace(traceId: string, wanted?: WaitForTraceOptions): Promise<ViewerTrace> {
      return viewerTrace(await waits.wait(traceId, wanted), logs);
    },
    async traces(): Promise<ViewerTrace[]> {
      return newestTraces(traces, '', Number.POSITIVE_INFINITY).map(({ trace }) => viewerTrace(trace, logs));
    },
    async clear(): Promise<void> {
      traces.clear();
      logs.clear();
    },
    async close(): Promise<void> {
      waits.cancel();
      closing ??= Promise.all([...new Set([servers.query, servers.otlp])].map(closeServer));
      await closing;
    },
  };
}

async function listenBoth(stores: Stores, options: ResolvedOptions): Promise<{ query: Server; otlp: Server }> {
  const { host, unref, port, otlpPort } = options;
  const receivers = receiverRoutes(stores);
  const all = [...receivers, ...jaegerRoutes(stores), ...clewRoutes(stores), ...staticRoutes()];
  const query = await listen(routeRequests(all, options), port, { host, unref, purpose: 'page and query API' });
  // One port for both is fine: the query port receives as well.
  if (port.port !== 0 && otlpPort.port === port.port) return { query, otlp: query };
  try {
    const otlp = await listen(routeRequests(receivers, options), otlpPort, { host, unref, purpose: 'OTLP receiver' });
    return { query, otlp };
  } catch (error) {
    await closeServer(query);
    throw error;
  }
}
