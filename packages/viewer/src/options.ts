/** Options of the viewer: their defaults, and what is wrong with those given. */
import { ViewerError } from './errors.ts';
import { isLoopbackHost } from './http/guard.ts';

/** What `startViewer` takes. */
export interface ViewerOptions {
  /**
   * Port of the page and of the query API, 0 for any free one. Default 16686, or the next free one with a line on stderr;
   * a port given here that is taken is an error.
   */
  port?: number | undefined;
  /** Port of the OTLP/HTTP receiver, under the same rules. Default 4318. */
  otlpPort?: number | undefined;
  /** Address to listen on. Another than a loopback one needs a `token`. Default `127.0.0.1`. */
  host?: string | undefined;
  /** Names besides loopback ones that requests may have in their Host header, without port. Default none. */
  allowHosts?: readonly string[] | undefined;
  /** What every request must then show, as `authorization: Bearer …` or once as `/?token=…` in a browser. Default none. */
  token?: string | undefined;
  /** Most spans kept; beyond, the oldest traces go, whole. 1 or more. Default 100 000. */
  maxSpans?: number | undefined;
  /** Whether the process may end while the viewer is up. For use inside another program. Default false. */
  unref?: boolean | undefined;
}

/** Options with their defaults filled in. `port` and `otlpPort` say whether they were given. */
export interface ResolvedOptions {
  readonly port: PortWish;
  readonly otlpPort: PortWish;
  readonly host: string;
  readonly allowHosts: ReadonlySet<string>;
  readonly token: string | undefined;
  readonly maxSpans: number;
  readonly unref: boolean;
}

/** A port, and whether another will do. */
export interface PortWish {
  readonly port: number;
  readonly isDefault: boolean;
}

const NAMES = ['port', 'otlpPort', 'host', 'allowHosts', 'token', 'maxSpans', 'unref'];
const DEFAULT_PORT = 16686;
const DEFAULT_OTLP_PORT = 4318;
const DEFAULT_MAX_SPANS = 100_000;

/** Checks options. @throws ViewerError `CLEW_ERR_OPTION` */
export function resolveOptions(options: ViewerOptions): ResolvedOptions {
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name)) throw wrong(`unknown option "${name}"; did you mean "${nearest(name, NAMES)}"?`);
  }
  const { host = '127.0.0.1', token, maxSpans = DEFAULT_MAX_SPANS, allowHosts = [], unref = false } = options;
  if (typeof host !== 'string' || host === '') throw wrong(`host must be an address or a name, got ${show(host)}`);
  if (token !== undefined && (typeof token !== 'string' || token === ''))
    throw wrong(`token must be a text that is not empty, got ${show(token)}`);
  if (!isLoopbackHost(host) && token === undefined) {
    throw wrong(`host ${host} can be reached from other machines, so a token is needed`);
  }
  if (!Number.isSafeInteger(maxSpans) || maxSpans < 1)
    throw wrong(`maxSpans must be a whole number, 1 or more, got ${show(maxSpans)}`);
  if (!Array.isArray(allowHosts) || allowHosts.some((name) => typeof name !== 'string')) {
    throw wrong(`allowHosts must be a list of names, got ${show(allowHosts)}`);
  }
  if (typeof unref !== 'boolean') throw wrong(`unref must be true or false, got ${show(unref)}`);
  return {
    port: portWish('port', options.port, DEFAULT_PORT),
    otlpPort: portWish('otlpPort', options.otlpPort, DEFAULT_OTLP_PORT),
    host,
    allowHosts: new Set([host, ...allowHosts].map((name) => name.toLowerCase())),
    token,
    maxSpans,
    unref,
  };
}

/** The name that takes the fewest changes to get to. */
export function nearest(given: string, names: readonly string[]): string {
  const distances = names.map((name) => editDistance(given.toLowerCase(), name.toLowerCase()));
  return names[distances.indexOf(Math.min(...distances))] ?? '';
}

function portWish(name: string, given: number | undefined, fallback: number): PortWish {
  const port = given ?? fallback;
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw wrong(`${name} must be 0 to 65535, got ${show(given)}`);
  return { port, isDefault: given === undefined };
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + change));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function wrong(message: string): ViewerError {
  return new ViewerError('CLEW_ERR_OPTION', message);
}

function show(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(value);
}
