/**
 * Who may talk to the viewer.
 *
 * It listens on loopback, but a page of any site can make a browser on this machine send requests there. Against
 * that: the Host header must be a loopback name or an allowed one (a rebound DNS name is neither), a foreign Origin may
 * not write, and our own writing routes want a header that no form can set.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { problem, type Reply } from './reply.ts';

/** What the guard lets pass. */
export interface GuardOptions {
  /** Host names besides the loopback ones, lower case, without port. */
  readonly allowHosts: ReadonlySet<string>;
  /** When set, every request but `/healthz` has to show it. */
  readonly token: string | undefined;
}

/** Name of the cookie that a browser shows its token with. */
export const TOKEN_COOKIE = 'clew_token';

/** The refusal of a request, or `undefined` when it may pass. */
export function refusal(request: IncomingMessage, path: string, options: GuardOptions): Reply | undefined {
  const host = hostName(request.headers.host ?? '');
  if (!isLoopbackName(host) && !options.allowHosts.has(host)) {
    return problem(
      403,
      'host',
      `host "${host.slice(0, 100)}" is not allowed`,
      'start the viewer with --allow-host <name>',
    );
  }
  const { origin } = request.headers;
  if (isWriting(request) && origin !== undefined && !isLocalOrigin(origin) && !isOwnOrigin(origin, request)) {
    return problem(
      403,
      'origin',
      `origin "${origin.slice(0, 100)}" may not send here`,
      'send from a page on localhost',
    );
  }
  // A preflight carries no token, and changes nothing.
  const isOpen = path === '/healthz' || request.method === 'OPTIONS';
  if (options.token !== undefined && !isOpen && !showsToken(request, options.token)) {
    return problem(
      401,
      'token',
      'a token is needed',
      'send "authorization: Bearer <token>", or open /?token=<token> in the browser',
    );
  }
  return undefined;
}

/** Whether a text equals the token, in a time that tells nothing of it. */
export function isToken(given: string, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

/** Headers that let pages of localhost send to the receivers; none for other origins. */
export function corsHeaders(request: IncomingMessage): Record<string, string> {
  const { origin } = request.headers;
  if (origin === undefined || !isLocalOrigin(origin)) return { vary: 'Origin' };
  const wanted = request.headers['access-control-request-headers'];
  return {
    vary: 'Origin',
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'POST',
    ...(wanted === undefined ? {} : { 'access-control-allow-headers': wanted }),
    'access-control-max-age': '600',
  };
}

/** Whether a server bound to this host can be reached from this machine only. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || isLoopbackV4(host);
}

function isLoopbackName(name: string): boolean {
  return isLoopbackHost(name) || name === '[::1]' || name.endsWith('.localhost');
}

function isLoopbackV4(host: string): boolean {
  return /^127(\.\d{1,3}){3}$/.test(host);
}

function isLocalOrigin(origin: string): boolean {
  const match = /^https?:\/\/([^/]+)$/.exec(origin);
  return match?.[1] !== undefined && isLoopbackName(hostName(match[1]));
}

function isOwnOrigin(origin: string, request: IncomingMessage): boolean {
  return origin === `http://${request.headers.host}`;
}

/** Host without port, lower case. */
function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d{1,5}$/, '');
}

function isWriting(request: IncomingMessage): boolean {
  return request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'OPTIONS';
}

function showsToken(request: IncomingMessage, token: string): boolean {
  const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return isToken(bearer, token);
  const cookies = (request.headers.cookie ?? '').split(/; */);
  const cookie = cookies.find((pair) => pair.startsWith(`${TOKEN_COOKIE}=`));
  return cookie !== undefined && isToken(decodeCookie(cookie.slice(TOKEN_COOKIE.length + 1)), token);
}

function decodeCookie(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** The answer to `/?token=…` in a browser: keeps the token in a cookie and takes it out of the address. */
export function tokenLogin(request: IncomingMessage, url: URL, options: GuardOptions): Reply | undefined {
  const given = url.searchParams.get('token');
  if (options.token === undefined || given === null || request.method !== 'GET' || !isToken(given, options.token))
    return undefined;
  const host = hostName(request.headers.host ?? '');
  if (!isLoopbackName(host) && !options.allowHosts.has(host)) return undefined;
  const cookie = `${TOKEN_COOKIE}=${encodeURIComponent(given)}; HttpOnly; SameSite=Strict; Path=/`;
  return {
    status: 303,
    type: 'text/plain',
    body: '',
    headers: { location: url.pathname.replace(/^\/+/, '/'), 'set-cookie': cookie },
  };
}
