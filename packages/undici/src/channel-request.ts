/** undici's own request object as its channels show it, in the forms of versions 6 to 8. */
import { type RequestUrl, splitUrl } from './request-url.ts';

/** The parts that are read. */
export interface ChannelRequest {
  origin?: unknown;
  path?: unknown;
  method: string;
  upgrade?: unknown;
  /** A flat list of names and values. */
  headers: unknown;
  addHeader?(name: string, value: string): unknown;
  /** In undici 6 and 7. */
  onUpgrade?(status: unknown, headers: unknown, ...rest: unknown[]): unknown;
  /** In undici 8. */
  onRequestUpgrade?(status: unknown, headers: unknown, ...rest: unknown[]): unknown;
  /** What a subscriber keeps about the request. */
  [key: symbol]: unknown;
}

/** Where the request goes; to a proxy, the path is the whole URL. */
export function targetOfRequest({ origin, path, method }: ChannelRequest): RequestUrl {
  const given = typeof origin === 'string' ? origin : String(origin ?? '');
  const server = given.endsWith('/') ? given.slice(0, -1) : given;
  const text = String(path ?? '/');
  if (text.startsWith('/')) return { url: server + text, origin: server, path: text };
  // A tunnel names its target as host and port, which is no URL.
  return (method === 'CONNECT' ? undefined : splitUrl(text)) ?? { url: `${server}/`, origin: server, path: text };
}

/** The value of one header; `undefined` when it is not there. */
export function readRequestHeader({ headers }: ChannelRequest, wanted: string): string | undefined {
  if (!Array.isArray(headers)) return undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (isHeader(headers[i], wanted)) return String(headers[i + 1]);
  }
  return undefined;
}

/** Write headers into the request; one that is there is replaced, so that each leaves once. */
export function writeRequestHeaders(request: ChannelRequest, injected: Readonly<Record<string, string>>): void {
  for (const name in injected) {
    const value = injected[name] as string;
    if (!replaceHeader(request.headers, name, value)) append(request, name, value);
  }
}

/** Take these headers out of the request again, where they still have these values. */
export function removeRequestHeaders({ headers }: ChannelRequest, injected: Readonly<Record<string, string>>): void {
  if (!Array.isArray(headers)) return;
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if (injected[String(headers[i]).toLowerCase()] === headers[i + 1]) headers.splice(i, 2);
  }
}

// undici keeps names as they were given.
function isHeader(name: unknown, wanted: string): boolean {
  return name === wanted || (String(name).length === wanted.length && String(name).toLowerCase() === wanted);
}

function replaceHeader(headers: unknown, name: string, value: string): boolean {
  if (!Array.isArray(headers)) return false;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (!isHeader(headers[i], name)) continue;
    headers[i + 1] = value;
    return true;
  }
  return false;
}

function append(request: ChannelRequest, name: string, value: string): void {
  if (typeof request.addHeader === 'function') request.addHeader(name, value);
  else if (Array.isArray(request.headers)) request.headers.push(name, value);
}

const handlerSymbols: symbol[] = [];

/**
 * The handler that undici will call, which leads from a retry to its call. It stands under a symbol without a public
 * name; where that is not found, retries are told by their errors.
 */
export function handlerOf(request: ChannelRequest): object | undefined {
  // One symbol per copy of undici.
  for (const symbol of handlerSymbols) {
    const handler = request[symbol];
    if (typeof handler === 'object' && handler !== null) return handler;
  }
  const found = Object.getOwnPropertySymbols(request).find(({ description }) => description === 'handler');
  if (found === undefined) return undefined;
  handlerSymbols.push(found);
  const handler = request[found];
  return typeof handler === 'object' && handler !== null ? handler : undefined;
}
