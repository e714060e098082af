/** A request handler that serves a registry in the format that the scraper asks for. */
import { ClewError, describeError, reportFault } from '@clew/core';
import { prefersOpenMetrics } from './accept.ts';
import { toPlainText } from './plain-text.ts';
import type { MetricsHandler, PromRegistry } from './types.ts';

const OPENMETRICS = 'application/openmetrics-text';
const PLAIN_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** What is used of a request of Express, Fastify or `node:http`. */
interface Request {
  headers: Record<string, string | string[] | undefined>;
}

/** What is used of a response of Express or `node:http`. */
interface RawResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

/** What is used of Fastify's reply. */
interface Reply {
  raw: RawResponse;
  code(status: number): Reply;
  header(name: string, value: string): Reply;
  send(body: string): unknown;
}

/**
 * Serve `GET /metrics`: OpenMetrics with exemplars to scrapers that ask for it, else the plain format.
 *
 * `app.get('/metrics', metricsHandler(register))` under Express and Fastify; under `node:http` call it with both objects.
 *
 * @throws ClewError `CLEW_ERR_TARGET` when it is no registry. The handler answers 500 when a metric cannot be collected
 */
export function metricsHandler(registry: PromRegistry): MetricsHandler {
  if (typeof registry?.metrics !== 'function') {
    throw new ClewError('CLEW_ERR_TARGET', 'metricsHandler needs a registry of prom-client');
  }
  return async (request, response) => {
    try {
      const { headers } = request as Request;
      const accept = Array.isArray(headers.accept) ? headers.accept.join(',') : headers.accept;
      const body = await registry.metrics();
      const type = String(registry.contentType);
      if (!type.startsWith(OPENMETRICS) || prefersOpenMetrics(accept)) answer(response, 200, type, body);
      else answer(response, 200, PLAIN_TYPE, toPlainText(body));
    } catch (error) {
      reportFault('metrics_failed', `the metrics could not be rendered: ${describeError(error)}`);
      answer(response, 500, 'text/plain; charset=utf-8', 'metrics could not be collected\n');
    }
  };
}

function answer(response: object, status: number, type: string, body: string): void {
  const { raw } = response as Partial<Reply>;
  if (raw !== undefined) {
    // The parts that Fastify's reply has; `raw` tells it apart.
    (response as Reply).code(status).header('content-type', type).send(body);
    return;
  }
  const plain = response as RawResponse;
  plain.statusCode = status;
  plain.setHeader('content-type', type);
  plain.end(body);
}
