/** What requests to one origin share: address, port, and what belongs to each method. */
import { AttributeGroup, type FlatAttributes } from '../attributes.ts';
import { methodInName, OTHER_METHOD } from './method.ts';
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
  readonly methods: Map<string, OriginMethod>;
}

/** What requests with one method to one origin share. */
export interface OriginMethod {
  /** The value of `http.request.method`. */
  readonly known: string;
  /** The method as it stands in a span's name. */
  readonly inName: string;
  readonly group: AttributeGroup;
}

/** A bounded table of origins. */
export class ClientOrigins {
  readonly #knownMethods: ReadonlySet<string>;
  readonly #semconv: Semconv;
  readonly #origins = new Map<string, ClientOrigin>();
  #last: ClientOrigin = { text: '', host: undefined, port: undefined, methods: new Map() };

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

  /** @param method  as it is sent */
  method(origin: ClientOrigin, method: string): OriginMethod {
    const remembered = origin.methods.get(method);
    if (remembered !== undefined) return remembered;
    const isKnown = this.#knownMethods.has(method);
    const known = isKnown ? method : OTHER_METHOD;
    const inName = methodInName(known);
    const made = { known, inName, group: new AttributeGroup(this.#attributes(origin, method, known), inName) };
    // A method that nobody knows is the caller's invention and not remembered.
    if (isKnown) origin.methods.set(method, made);
    return made;
  }

  #attributes({ host, port }: ClientOrigin, method: string, known: string): FlatAttributes {
    const flat: FlatAttributes = ['http.request.method', known];
    if (known !== method) flat.push('http.request.method_original', method);
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
  return { text, host: server?.address, port: server === undefined ? undefined : port, methods: new Map() };
}
