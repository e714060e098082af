// Asks the viewer. Every address is relative to the page's own origin.

/**
 * @typedef {{ traceId: string, root: { service: string, operation: string, statusCode: number }, startNs: string, durationNs: number,
 *   spanCount: number, errorCount: number, services: { name: string, count: number, errorCount: number }[] }} Summary
 * @typedef {{ spans: number, maxSpans: number, traces: number, evictedSpans: number, evictedTraces: number, rejectedSpans: number,
 *   revision: number, otlpUrl: string, logs: { lines: number, evictedLines: number } }} Stats
 * @typedef {{ timeNs: string, level: string, spanId: string, service: string, msg: string, fields: Record<string, unknown> }} LogLine
 */

/** The viewer is away, or refuses: it may answer the next time. */
export class NoAnswer extends Error {}

/** The newest traces. @param {string} service all when empty @returns {Promise<{ traces: Summary[], revision: number }>} */
export async function fetchTraces(service) {
  const query = new URLSearchParams({ limit: '200', ...(service === '' ? {} : { service }) });
  return getJson(`/api/clew/search?${query}`);
}

/** @returns {Promise<Stats>} */
export function fetchStats() {
  return getJson('/api/clew/stats');
}

/** @returns {Promise<string[]>} */
export async function fetchServices() {
  return (await getJson('/api/services')).data;
}

/** Forgets everything. */
export async function clearAll() {
  await ask('/api/clew/clear', { method: 'POST', headers: { 'x-clew': '1' } });
}

/**
 * One trace in Jaeger's JSON.
 *
 * @param {string} id
 * @param {string} etag of the last answer, empty at first
 * @returns {Promise<{ state: 'found', trace: import('./trace-model.js').JaegerTrace, etag: string } | { state: 'same' | 'missing' }>}
 */
export async function fetchTrace(id, etag) {
  const headers = etag === '' ? {} : { 'if-none-match': etag };
  const response = await ask(`/api/traces/${encodeURIComponent(id)}`, { headers });
  if (response.status === 304) return { state: 'same' };
  if (response.status === 404 || response.status === 400) return { state: 'missing' };
  if (!response.ok) throw new NoAnswer(`the viewer answered ${response.status}`);
  const { data } = await response.json();
  return { state: 'found', trace: data[0], etag: response.headers.get('etag') ?? '' };
}

/** Log lines of a trace. @param {string} id @returns {Promise<LogLine[]>} */
export async function fetchLogs(id) {
  return (await getJson(`/api/clew/traces/${encodeURIComponent(id)}/logs`)).lines;
}

/** @param {string} path */
async function getJson(path) {
  const response = await ask(path, {});
  if (!response.ok) throw new NoAnswer(`the viewer answered ${response.status}`);
  return response.json();
}

/** @param {string} path @param {RequestInit} options */
async function ask(path, options) {
  try {
    return await fetch(path, { cache: 'no-store', ...options });
  } catch (error) {
    throw new NoAnswer('the viewer does not answer', { cause: error });
  }
}
