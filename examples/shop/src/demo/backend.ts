// Where the spans and log lines of the shop go, and where they are read again.
import { startViewer } from '@clew/viewer';

import type { Env } from './processes.ts';
import { startTee } from './tee.ts';

/** A place for traces. */
export interface Backend {
  /** Makes the services send there. */
  env: Env;
  /** The page for a person, when we know one. */
  page: string | undefined;
  /** Base of an API in Jaeger's shape, when we know one. */
  queryUrl: string | undefined;
  /** Takes log lines too, when the place has room for them. */
  logsUrl: string | undefined;
  close: () => Promise<void>;
}

/**
 * The place named by `OTEL_EXPORTER_OTLP_ENDPOINT`, else the viewer of Clew in this process.
 *
 * To read its order back, `--once` needs an API: that of `JAEGER_QUERY_URL` when given, and then the trace really went
 * the whole way; else a viewer of its own, which sees every export before it is sent on to the place that was named.
 */
export async function openBackend(options: { once: boolean }): Promise<Backend> {
  const given = givenTracesUrl();
  const jaeger = process.env.JAEGER_QUERY_URL;
  if (given !== undefined && (jaeger || !options.once)) {
    return { env: {}, page: jaeger, queryUrl: jaeger, logsUrl: undefined, close: async () => {} };
  }

  const viewer = await openViewer(options.once);
  const tee = given === undefined ? undefined : await startTee([`${viewer.otlpUrl}/v1/traces`, given]);
  const close = async () => {
    await tee?.close();
    await viewer.close();
  };
  return {
    env: endpointEnv(tee?.url ?? viewer.otlpUrl),
    page: viewer.url,
    queryUrl: viewer.url,
    logsUrl: `${viewer.url}/api/clew/logs`,
    close,
  };
}

/** The full address for traces by the rules of OpenTelemetry: the variable for traces as it is, the general as a base. */
function givenTracesUrl(): string | undefined {
  const forTraces = process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  if (forTraces) return forTraces;
  const base = process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  return base ? `${base.replace(/\/$/, '')}/v1/traces` : undefined;
}

function endpointEnv(url: string): Env {
  return { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/v1/traces` };
}

/** On the usual ports when a person will look, on any free ones when only this program does. */
function openViewer(once: boolean): ReturnType<typeof startViewer> {
  return startViewer(once ? { port: 0, otlpPort: 0 } : {});
}
