/** What requests to one origin share: address, port, and the attribute group of each method. */
import { AttributeGroup, type FlatAttributes } from '../attributes.ts';
import { OTHER_METHOD } from './method.ts';
import type { Semconv } from './semconv.ts';
import { parseHost } from './server-target.ts';

/** Services talk to few origins, but a crawler to many. */
const MAX_ORIGINS = 256;

/** One origin that requests go to. */
export interface ClientOrigin {
  /** As it was given, without credentials: `https://api.example.com:8443`. */
  readonly text: string;
  /** Host name or address, without brackets; `undefined` when the library does not tell it. */
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** By method as it is sent. */
  readonly groups: Map<string, AttributeGroup>;
}

/** A bounded table of origins. */
export class ClientOrigins {
  readonly #knownMethods: ReadonlySet<string>;
  readonly #semconv: Semconv;
  readonly #origins = new Map<string, ClientOrigin>();
  #last: ClientOrigin = { text: '', host: undefined, port: undefined, groups: new Map() };

  constructor(knownMethods: ReadonlySet<string>, semconv: Semconv) {
    this.#knownMethods = knownMethods;
    this.#semconv = semconv;
  }

  /** @param text  scheme, host and port; empty when unknown */
  get(text: string): ClientOrigin {
    if (this.#last.text === text) return this.#last;
    let origin = this.#origins.get(text);
    if (origin === undefined) {
      if (this.#origins.size >= MAX_ORIGINS) this.#origins.delete(this.#origins.keys().next().value as string);
      origin = parseOrigin(text);
      this.#origins.set(text, origin);
    }
    this.#last = origin;
    return origin;
  }

  /** The value of `http.request.method`. */
  normalize(method: string): string {
    return this.#knownMethods.has(method) ? method : OTHER_METHOD;
  }

  group(origin: ClientOrigin, method: string): AttributeGroup {
    const known = origin.groups.get(method);
    if (known !== undefined) return known;
    const group = new AttributeGroup(this.#attributes(origin, method));
    // A method that nobody knows is the caller's invention and not remembered.
    if (this.#knownMethods.has(method)) origin.groups.set(method, group);
    return group;
  }

  #attributes({ host, port }: ClientOrigin, method: string): FlatAttributes {
    const normalized = this.normalize(method);
    const flat: FlatAttributes = ['http.request.method', normalized];
    if (normalized !== method) flat.push('http.request.method_original', method);
    if (host !== undefined) flat.push('server.address', host);
    if (port !== undefined) flat.push('server.port', port);
    if (this.#semconv !== 'dup') return flat;
    flat.push('http.method', method);
    if (host !== undefined) flat.push('net.peer.name', host);
    if (port !== undefined) flat.push('net.peer.port', port);
    return flat;
  }
}

function parseOrigin(text: string): ClientOrigin {
  const schemeEnd = text.indexOf('://');
  const server = schemeEnd < 0 ? undefined : parseHost(text.slice(schemeEnd + 3));
  const port = server?.port ?? (text.startsWith('https:') ? 443 : text.startsWith('http:') ? 80 : undefined);
  return { text, host: server?.address, port: server === undefined ? undefined : port, groups: new Map() };
}
