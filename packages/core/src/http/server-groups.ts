/** Attributes that many requests to one server share, kept as groups that are encoded once. */
import { AttributeGroup, type FlatAttributes } from '../attributes.ts';
import { OTHER_METHOD } from './method.ts';
import type { Semconv } from './semconv.ts';
import { oldGroupNames } from './server-old-names.ts';
import { parseHost, protocolVersion } from './server-target.ts';

/** Host headers are the caller's choice, so only this many are remembered. */
const MAX_HOSTS = 256;
const MAX_VERSION = 4;

interface HostGroups {
  readonly host: string | undefined;
  /** By method, scheme and version; see `slotOf`. */
  readonly bySlot: Array<AttributeGroup | undefined>;
}

/** What the start attributes of one request are chosen by. */
export interface GroupFacts {
  /** As it came. */
  readonly method: string;
  readonly scheme: string;
  /** The host header or `:authority`. */
  readonly host: string | undefined;
  readonly versionMajor: number;
  readonly versionMinor: number;
}

/** Finds the group of a request without building a key: by host, then by a small number. */
export class StartGroups {
  readonly #methods: ReadonlyMap<string, number>;
  readonly #semconv: Semconv;
  readonly #hosts = new Map<string | undefined, HostGroups>();
  #last: HostGroups = { host: undefined, bySlot: [] };
  #lastMethod = '';

  constructor(knownMethods: ReadonlySet<string>, semconv: Semconv) {
    this.#methods = new Map([...knownMethods].map((method, index) => [method, index + 1]));
    this.#semconv = semconv;
    this.#hosts.set(undefined, this.#last);
  }

  /** The value of `http.request.method`. */
  normalize(method: string): string {
    if (method === this.#lastMethod) return method;
    if (!this.#methods.has(method)) return OTHER_METHOD;
    this.#lastMethod = method;
    return method;
  }

  get(facts: GroupFacts): AttributeGroup {
    const slot = this.#slotOf(facts);
    // A scheme or version that we have no slot for is the caller's invention: nothing is remembered of it.
    if (slot < 0) return this.#make(facts);
    const groups = this.#last.host === facts.host ? this.#last : this.#groupsOf(facts.host);
    const known = groups.bySlot[slot];
    if (known !== undefined) return known;
    const group = this.#make(facts);
    groups.bySlot[slot] = group;
    return group;
  }

  #slotOf(facts: GroupFacts): number {
    const scheme = facts.scheme === 'http' ? 0 : facts.scheme === 'https' ? 1 : -1;
    const { versionMajor: major, versionMinor: minor } = facts;
    const version = major === 1 ? (minor === 1 ? 0 : minor === 0 ? 1 : MAX_VERSION) : major === 2 ? 2 : MAX_VERSION;
    if (scheme < 0 || version === MAX_VERSION) return -1;
    return ((this.#methods.get(facts.method) ?? 0) * 2 + scheme) * MAX_VERSION + version;
  }

  #groupsOf(host: string | undefined): HostGroups {
    let groups = this.#hosts.get(host);
    if (groups === undefined) {
      if (this.#hosts.size >= MAX_HOSTS) this.#hosts.delete(this.#hosts.keys().next().value);
      groups = { host, bySlot: [] };
      this.#hosts.set(host, groups);
    }
    this.#last = groups;
    return groups;
  }

  #make(facts: GroupFacts): AttributeGroup {
    const version = protocolVersion(facts.versionMajor, facts.versionMinor);
    const flat: FlatAttributes = ['http.request.method', this.normalize(facts.method), 'url.scheme', facts.scheme];
    const server = parseHost(facts.host);
    const port = server?.port ?? (facts.scheme === 'https' ? 443 : facts.scheme === 'http' ? 80 : undefined);
    if (server !== undefined) {
      flat.push('server.address', server.address);
      if (port !== undefined) flat.push('server.port', port);
    }
    flat.push('network.protocol.version', version);
    if (this.#semconv === 'dup') flat.push(...oldGroupNames(facts, server?.address, port, version));
    return new AttributeGroup(flat);
  }
}
