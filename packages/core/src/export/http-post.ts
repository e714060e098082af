/** Posts batches to one URL on kept-alive sockets; what OTLP and Zipkin have in common. */
import { gunzip, gzip } from 'node:zlib';
import { runInContext, SUPPRESSED } from '../context.ts';
import { describeError } from '../faults.ts';
import { decodePercent } from '../propagation/baggage.ts';
import { NodeClient } from './node-client.ts';
import { PlainClient } from './plain-client.ts';
import type { PostClient, PostReply } from './post-client.ts';
import type { TlsMaterial } from './tls-files.ts';
import type { AttemptResult } from './transport.ts';

// Not by import, for the reason in node-client.ts.
const { promisify } = process.getBuiltinModule('node:util');

type HeadersFunction = () => Promise<Record<string, string>> | Record<string, string>;

/** How to reach a backend over HTTP. */
export interface HttpPostOptions {
  /** The whole URL; a user name and a password in it become basic authorization. */
  url: URL;
  /** Sent with each request; a function is asked before each one and may take 5 seconds. */
  headers?: Record<string, string> | HeadersFunction;
  /** One attempt, connecting included. Milliseconds. Default 10000. */
  timeoutMs?: number;
  /** Default `none`: it costs as much as making the spans. */
  compression?: 'gzip' | 'none';
  /** Requests at once. Default 4. */
  concurrency?: number;
  /** Certificates and keys; a function is asked before each request, and gives another object when they have changed. */
  tls?: TlsMaterial | (() => TlsMaterial);
  /** The proxy to go through; a user name and a password in it are for the proxy. Default: none. */
  proxy?: URL | undefined;
}

/**
 * A status of 2xx with its body, or why there is none. `isWritten`: the request has left the process whole, and its
 * memory is ours again; a server may answer before it has read everything.
 */
export type PostResult =
  | { kind: 'answered'; body: Buffer; isWritten: boolean }
  | Exclude<AttemptResult, { kind: 'delivered' }>;

const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;
const COMPRESS_FROM_BYTES = 1024;
const TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 5000;
const RETRIED_STATUS = new Set([429, 502, 503, 504]);
const RETRIED_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOTFOUND',
  'ENETUNREACH',
  'EHOSTUNREACH',
  // What a proxy answers instead of opening a tunnel.
  'PROXY_502',
  'PROXY_503',
  'PROXY_504',
]);
const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** One URL to post to. */
export class HttpPost {
  /** Without user name and password. */
  readonly target: URL;
  readonly concurrency: number;
  readonly #options: HttpPostOptions;
  readonly #baseHeaders: Record<string, string>;
  readonly #client: PostClient;
  #underWay = 0;

  /** @param headers  those of the format, such as `content-type`; the user's win */
  constructor(options: HttpPostOptions, headers: Record<string, string>) {
    this.#options = options;
    this.concurrency = options.concurrency ?? 4;
    this.target = new URL(options.url);
    this.#baseHeaders = { ...headers };
    const { username, password } = this.target;
    if (username !== '' || password !== '') {
      const credentials = `${decodePercent(username)}:${decodePercent(password)}`;
      this.#baseHeaders.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
      // Cleared, so that neither an error text nor a log line can show them.
      this.target.username = '';
      this.target.password = '';
    }
    const { target, concurrency } = this;
    const { timeoutMs = TIMEOUT_MS, tls, proxy } = options;
    const limits = { timeoutMs, concurrency, maxBytes: MAX_RESPONSE_BYTES };
    const isPlain = target.protocol === 'http:' && proxy === undefined;
    this.#client = isPlain ? new PlainClient(target, limits) : new NodeClient(target, { ...limits, tls, proxy });
  }

  /** Post once. What can be expected to go wrong is a result and no rejection. */
  async post(body: Buffer, signal: AbortSignal): Promise<PostResult> {
    this.#underWay++;
    try {
      return await this.#post(body, signal);
    } finally {
      this.#underWay--;
    }
  }

  /** Close the sockets that are kept alive. */
  close(): void {
    this.#client.close();
  }

  async #post(given: Buffer, signal: AbortSignal): Promise<PostResult> {
    const { headers: own } = this.#options;
    let headers: Record<string, string>;
    try {
      headers = { ...this.#baseHeaders, ...(typeof own === 'function' ? await askForHeaders(own) : own) };
    } catch (error) {
      return { kind: 'retry', reason: `the headers function failed: ${describeError(error)}` };
    }
    let body = given;
    if (this.#options.compression === 'gzip' && body.length > COMPRESS_FROM_BYTES) {
      // With others under way there is much to send, and time is worth more than the last bytes.
      body = await compress(body, { level: this.#underWay > 1 ? 1 : 6 });
      headers['content-encoding'] = 'gzip';
    }
    try {
      const reply = await this.#client.post(body, headers, signal);
      const isGzip = reply.headers['content-encoding'] === 'gzip';
      return judge(isGzip ? { ...reply, body: await inflate(reply.body) } : reply);
    } catch (error) {
      return judgeError(error);
    }
  }
}

async function askForHeaders(headers: HeadersFunction): Promise<Record<string, string>> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${HEADERS_TIMEOUT_MS} ms`)), HEADERS_TIMEOUT_MS);
    timer.unref();
  });
  try {
    // Suppressed: the request for a token must not become a span, nor the child of the span that ended last.
    return await Promise.race([runInContext(SUPPRESSED, headers), limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** We never ask for it, but an intermediary may compress. What is more than we read, or no gzip, counts as empty. */
async function inflate(body: Buffer): Promise<Buffer> {
  try {
    return await decompress(body, { maxOutputLength: MAX_RESPONSE_BYTES });
  } catch {
    return Buffer.alloc(0);
  }
}

function judge(reply: PostReply): PostResult {
  const { status, headers, body, isWritten } = reply;
  if (status >= 200 && status < 300) return { kind: 'answered', body, isWritten };
  if (!RETRIED_STATUS.has(status)) return { kind: 'drop', reason: `http_${status}` };
  // Whatever answers like this is no receiver that will take them later.
  if (reply.isTooLarge) return { kind: 'drop', reason: 'response_too_large' };
  const retryAfterMs = parseRetryAfter(headers['retry-after'], Date.now());
  return { kind: 'retry', reason: `HTTP status ${status}`, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

function judgeError(error: unknown): PostResult {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (name === 'AbortError') return { kind: 'retry', reason: 'no answer within the export timeout' };
  if (typeof code === 'string' && RETRIED_CODES.has(code)) return { kind: 'retry', reason: describeError(error) };
  return { kind: 'drop', reason: typeof code === 'string' ? code.toLowerCase() : 'request_failed' };
}

/**
 * Read a `Retry-After` header.
 *
 * @param nowMs  milliseconds since the epoch, for the date form
 * @returns milliseconds to wait, or `undefined` when it is missing, malformed or in the past
 */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header.trim()) * 1000;
  // Date.parse takes almost anything for a date, "-1" too; an HTTP date starts with the day of the week.
  const atMs = /^[A-Z][a-z]{2}/.test(header.trim()) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(atMs) || atMs < nowMs ? undefined : atMs - nowMs;
}
