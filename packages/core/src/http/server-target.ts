/** What a server reads from the first line and the host header of a request; pure. */

/** Path and query of a request target. */
export interface Target {
  /** Never empty. */
  path: string;
  /** Without the question mark; `undefined` when there is none or it is empty. */
  query: string | undefined;
}

const SLASH = 0x2f;

/** Split a request target in origin form (`/a?b`), absolute form (`http://host/a?b`) or asterisk form (`*`). */
export function splitTarget(target: string): Target {
  const text = target.charCodeAt(0) === SLASH ? target : withoutOrigin(target);
  const at = text.indexOf('?');
  if (at < 0) return { path: text, query: undefined };
  const query = at + 1 < text.length ? text.slice(at + 1) : undefined;
  return { path: at === 0 ? '/' : text.slice(0, at), query };
}

function withoutOrigin(target: string): string {
  const schemeEnd = target.indexOf('://');
  const queryAt = target.indexOf('?');
  if (schemeEnd < 0 || (queryAt >= 0 && queryAt < schemeEnd)) return target === '' ? '/' : target;
  for (let i = schemeEnd + 3; i < target.length; i++) {
    const char = target[i];
    if (char === '/') return target.slice(i);
    if (char === '?') return `/${target.slice(i)}`;
  }
  return '/';
}

/** Address and port that a host header names. */
export interface HostAndPort {
  address: string;
  /** `undefined` when the header names none. */
  port: number | undefined;
}

/**
 * Split a host header: `example.com:8080`, `[::1]:8080`, `10.0.0.1`.
 *
 * @returns `undefined` when it is missing or empty; a port that is no number from 1 to 65535 counts as not named
 */
export function parseHost(host: string | undefined): HostAndPort | undefined {
  if (host === undefined || host === '') return undefined;
  const bracket = host.charCodeAt(0) === 0x5b ? host.indexOf(']') : -1;
  const colon = host.indexOf(':', bracket + 1);
  const address = bracket > 0 ? host.slice(1, bracket) : colon < 0 ? host : host.slice(0, colon);
  if (address === '') return undefined;
  const port = colon < 0 ? Number.NaN : Number(host.slice(colon + 1));
  return { address, port: Number.isInteger(port) && port > 0 && port < 65536 ? port : undefined };
}

/** The value of `network.protocol.version`: `1.0`, `1.1`, `2`, `3`. */
export function protocolVersion(major: number, minor: number): string {
  return major >= 2 ? String(major) : `${major}.${minor}`;
}
