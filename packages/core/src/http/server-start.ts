/** Reads what the span of a request starts with. */
import type { IncomingMessage } from 'node:http';
import { AttributeGroup, type FlatAttributes } from '../attributes.ts';
import { describeError, reportFault } from '../faults.ts';
import { captureHeaders } from './headers.ts';
import { OTHER_METHOD } from './method.ts';
import { StartGroups } from './server-groups.ts';
import { addOldNames } from './server-old-names.ts';
import type { ServerConfig } from './server-options.ts';
import { addOptional } from './server-optional.ts';
import { splitTarget } from './server-target.ts';

/** What a trusted proxy says about a request. */
export interface Forwarded {
  scheme: string | undefined;
  /** With its port, if one was named. */
  host: string | undefined;
  clientAddress: string | undefined;
}

/** The part of `ServerLibrary` that is read at the start. */
export interface StartLibrary<Request> {
  /** The request target as it came, before routers rewrote it. */
  target(request: Request): string;
  /** What trusted proxies say; `undefined` when the library trusts none. May throw. */
  forwarded(request: Request): Forwarded | undefined;
}

/** What the requests on one connection have shared so far. */
interface Connection {
  method: string | undefined;
  host: string | undefined;
  userAgent: string | undefined;
  versionMinor: number;
  group: AttributeGroup | undefined;
  changes: number;
}

/** A connection that a proxy uses for many clients shares nothing: after so many changes we stop looking. */
const MAX_CHANGES = 8;

/** Reads the start attributes for one plugin instance. */
export class StartReader<Request, Response> {
  /** The group that belongs to the attributes read last. */
  group: AttributeGroup | undefined = undefined;
  readonly #groups: StartGroups;
  readonly #config: ServerConfig<Request, Response>;
  readonly #library: StartLibrary<Request>;
  readonly #usesConnections: boolean;
  // Not on the sockets: one more property gives them another hidden class, and the functions of Node.js that all sockets
  // of a process run through are compiled for four of them.
  readonly #connections = new WeakMap<object, Connection>();

  constructor(config: ServerConfig<Request, Response>, library: StartLibrary<Request>) {
    this.#config = config;
    this.#library = library;
    this.#groups = new StartGroups(config.knownMethods, config.semconv);
    this.#usesConnections = config.semconv === 'stable' && config.requestHeaders.length === 0;
  }

  /** The value of `http.request.method`. */
  normalize(method: string): string {
    return this.#groups.normalize(method);
  }

  /**
   * The attributes of one request; `group` has the rest of them until the next call.
   *
   * @param method  the value of `http.request.method`
   */
  read(request: Request, req: IncomingMessage, method: string): FlatAttributes {
    const forwarded = this.#readForwarded(request);
    const { path, query } = splitTarget(this.#library.target(request));
    const flat: FlatAttributes = ['url.path', path];
    if (query !== undefined) flat.push('url.query', this.#config.redactQuery(query));
    const isPlain = this.#usesConnections && forwarded === undefined && method !== OTHER_METHOD;
    if (isPlain && req.httpVersionMajor === 1 && this.#readConnection(req)) return flat;
    this.#readAll(flat, req, method, forwarded);
    return flat;
  }

  // Client, user agent, host and method rarely change on a connection. From the second request on they are one group,
  // which is encoded once and then copied.
  #readConnection(req: IncomingMessage): boolean {
    const { headers, method, httpVersionMinor: versionMinor } = req;
    const { host, 'user-agent': userAgent } = headers;
    const known = this.#connections.get(req.socket);
    if (known === undefined) {
      const group = undefined;
      this.#connections.set(req.socket, { method, host, userAgent, versionMinor, group, changes: 0 });
      return false;
    }
    if (
      known.host !== host ||
      known.userAgent !== userAgent ||
      known.method !== method ||
      known.versionMinor !== versionMinor
    ) {
      if (known.changes < MAX_CHANGES) {
        Object.assign(known, { method, host, userAgent, versionMinor, group: undefined, changes: known.changes + 1 });
      }
      return false;
    }
    known.group ??= this.#connectionGroup(req);
    this.group = known.group;
    return true;
  }

  #connectionGroup(req: IncomingMessage): AttributeGroup {
    const flat: FlatAttributes = [];
    this.#readAll(flat, req, req.method ?? '', undefined);
    return new AttributeGroup([...(this.group?.flat ?? []), ...flat]);
  }

  #readAll(flat: FlatAttributes, req: IncomingMessage, method: string, forwarded: Forwarded | undefined): void {
    const { socket, headers } = req;
    const host = forwarded?.host ?? hostOf(req);
    const scheme = forwarded?.scheme ?? schemeOf(req);
    const { httpVersionMajor: versionMajor, httpVersionMinor: versionMinor } = req;
    this.group = this.#groups.get({ method: req.method ?? '', scheme, host, versionMajor, versionMinor });
    const { remoteAddress: peer, remotePort: peerPort } = socket;
    const client = forwarded?.clientAddress ?? peer;
    const userAgent = headers['user-agent'];
    if (client !== undefined) flat.push('client.address', client);
    if (peer !== undefined) flat.push('network.peer.address', peer);
    if (peerPort !== undefined) flat.push('network.peer.port', peerPort);
    if (userAgent !== undefined) flat.push('user_agent.original', userAgent);
    if (method === OTHER_METHOD) flat.push('http.request.method_original', req.method);
    const { optionalAttributes } = this.#config;
    if (optionalAttributes !== undefined) addOptional(flat, optionalAttributes, req, client === peer);
    if (this.#usesConnections) return;
    const { requestHeaders, allowSensitiveHeaders, semconv } = this.#config;
    captureHeaders(flat, 'http.request.header.', requestHeaders, (name) => headers[name], allowSensitiveHeaders);
    if (semconv === 'dup') addOldNames(flat, { method: req.method ?? '', scheme, host });
  }

  /** The scheme and host of a request, for its metrics. */
  origin(request: Request, req: IncomingMessage): { scheme: string; host: string | undefined } {
    const forwarded = this.#readForwarded(request);
    return { scheme: forwarded?.scheme ?? schemeOf(req), host: forwarded?.host ?? hostOf(req) };
  }

  #readForwarded(request: Request): Forwarded | undefined {
    try {
      return this.#library.forwarded(request);
    } catch (error) {
      // The trust function is the application's.
      reportFault('hook_threw', `the proxy trust function threw: ${describeError(error)}`);
      return undefined;
    }
  }
}

function schemeOf({ socket }: IncomingMessage): string {
  return (socket as { encrypted?: boolean }).encrypted === true ? 'https' : 'http';
}

function hostOf({ headers }: IncomingMessage): string | undefined {
  return headers.host ?? (headers[':authority'] as string | undefined);
}
