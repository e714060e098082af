/** Handlers that stand between undici and the caller's handler and watch one attempt. */
import type { ClientSpan } from '@clew/core/http';

type AnyMethod = (...args: unknown[]) => unknown;
type Handler = Record<string, AnyMethod | undefined>;

const FIRST_FINAL_STATUS = 200;
const SWITCHING_PROTOCOLS = 101;

// undici chooses what to call by what a handler has, so exactly the methods of the caller's are there.
const FORWARDED_NEW = [
  'onRequestStart',
  'onRequestUpgrade',
  'onResponseStart',
  'onResponseData',
  'onResponseEnd',
  'onResponseError',
];
const FORWARDED_OLD = [
  'onConnect',
  'onUpgrade',
  'onHeaders',
  'onData',
  'onComplete',
  'onError',
  'onBodySent',
  'onRequestSent',
  'onResponseStarted',
];
const FORWARDED = [...FORWARDED_NEW, ...FORWARDED_OLD];

/**
 * A handler that ends `attempt` when the response, an upgrade or an error comes, and passes everything on.
 *
 * @param handler  the caller's, with the methods of undici 7 and 8 (`onResponseStart` …) or of 6 (`onHeaders` …)
 */
export function watchHandler(handler: object, attempt: ClientSpan, signal: AbortSignal | undefined): object {
  // undici calls handlers by these names and no others.
  const inner = handler as Handler;
  const watched: Handler = {};
  for (const name of FORWARDED) {
    const method = inner[name];
    if (typeof method !== 'function') continue;
    const watch = WATCHES[name];
    watched[name] =
      watch === undefined
        ? (...args) => (inner[name] as AnyMethod)(...args)
        : (...args) => {
            watch(attempt, args, signal);
            return (inner[name] as AnyMethod)(...args);
          };
  }
  return watched;
}

type Watch = (attempt: ClientSpan, args: unknown[], signal: AbortSignal | undefined) => void;

const WATCHES: Record<string, Watch | undefined> = {
  onResponseStart: (attempt, [, status, headers]) => responded(attempt, status, headers),
  onHeaders: (attempt, [status, headers]) => responded(attempt, status, headers),
  onResponseEnd: (attempt) => attempt.end(),
  onComplete: (attempt) => attempt.end(),
  onResponseError: (attempt, [, error], signal) => attempt.failed(error, signal),
  onError: (attempt, [error], signal) => attempt.failed(error, signal),
  onRequestUpgrade: (attempt, [, status, headers]) => upgraded(attempt, status, headers),
  onUpgrade: (attempt, [status, headers]) => upgraded(attempt, status, headers),
};

function responded(attempt: ClientSpan, status: unknown, headers: unknown): void {
  const statusCode = Number(status);
  // 1xx answers come before the final one.
  if (statusCode < FIRST_FINAL_STATUS && statusCode !== SWITCHING_PROTOCOLS) return;
  attempt.responded({ statusCode, header: (name) => readHeader(headers, name) });
}

function upgraded(attempt: ClientSpan, status: unknown, headers: unknown): void {
  attempt.responded({ statusCode: Number(status), header: (name) => readHeader(headers, name) });
  attempt.end();
}

/** A response header in undici's forms: an object with lower-case names, or a flat list of buffers. */
export function readHeader(headers: unknown, wanted: string): string | undefined {
  if (Array.isArray(headers)) {
    for (let i = 0; i + 1 < headers.length; i += 2) {
      if (String(headers[i]).toLowerCase() === wanted) return String(headers[i + 1]);
    }
    return undefined;
  }
  const value = (headers as Record<string, unknown> | undefined | null)?.[wanted];
  return value === undefined ? undefined : String(value);
}
