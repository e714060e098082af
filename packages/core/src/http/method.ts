/** Request methods: which ones are known by name, and what stands for the others. */

/** The value of `http.request.method` for a method that is not known; its span is named `HTTP`. */
export const OTHER_METHOD = '_OTHER';

/** Methods of RFC 9110, PATCH of RFC 5789 and QUERY. */
const DEFAULT_METHODS = ['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE', 'QUERY'];

/**
 * The methods that are recorded by name. They are compared with their case: `get` is not known.
 *
 * @param env  where `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS` is read: names parted by commas, which replace the
 *   default list entirely. Empty counts as not set.
 * @see https://opentelemetry.io/docs/specs/semconv/http/http-spans/ "http.request.method"
 */
export function readKnownMethods(env: NodeJS.ProcessEnv = process.env): ReadonlySet<string> {
  const names = (env.OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS ?? '').split(',').map((name) => name.trim());
  const given = names.filter((name) => name !== '');
  return new Set(given.length === 0 ? DEFAULT_METHODS : given);
}

/** The method part of a span name: the method, or `HTTP` when it is not known. */
export function methodInName(method: string): string {
  return method === OTHER_METHOD ? 'HTTP' : method;
}
