/** Names and attributes of messaging spans that repeat: made once for each operation, destination and partition. */
import { AttributeGroup, type FlatAttributes, GroupCache } from '../attributes.ts';

/** What is known about the client that sends or receives; the same on each of its spans. */
export interface ClientFacts {
  /** The id that the client tells the broker. */
  clientId?: string | undefined;
  /** The consumer group, of consumers. */
  groupName?: string | undefined;
  /** The one bootstrap server; leave it out when there are several. */
  server?: { address: string; port?: number | undefined } | undefined;
  /** More constants of this broker: unique keys that are not among the general ones, and no `undefined`. */
  more?: ((facts: ClientFacts) => FlatAttributes) | undefined;
}

/** `operation.name` and `operation.type` of a span; equal for the operations that we have. */
export type OperationName = 'send' | 'process';

/** How many destinations a client may use before the oldest is forgotten. */
const MAX_DESTINATIONS = 512;

/** What the spans of one operation on one destination share. */
export interface Destination {
  /** `{operation} {destination}`. */
  readonly spanName: string;
  readonly group: AttributeGroup;
  /** The same group with a partition. */
  readonly byPartition: GroupCache<number>;
}

/** The destinations of one operation of one client. */
export class Operation {
  readonly #name: OperationName;
  readonly #facts: ClientFacts;
  readonly #system: string;
  readonly #withOldNames: boolean;
  readonly #destinations = new Map<string | undefined, Destination>();

  constructor(name: OperationName, system: string, facts: ClientFacts, withOldNames: boolean) {
    this.#name = name;
    this.#system = system;
    this.#facts = facts;
    this.#withOldNames = withOldNames;
  }

  /** @param name  `undefined` for a call that goes to several destinations */
  destination(name: string | undefined): Destination {
    const known = this.#destinations.get(name);
    if (known !== undefined) return known;
    if (this.#destinations.size >= MAX_DESTINATIONS) {
      this.#destinations.delete(this.#destinations.keys().next().value);
    }
    const flat = this.#attributes(name);
    const spanName = name === undefined ? this.#name : `${this.#name} ${name}`;
    const ofPartition = (partition: number): FlatAttributes => [
      ...flat,
      'messaging.destination.partition.id',
      String(partition),
    ];
    const group = new AttributeGroup(flat, spanName);
    const made: Destination = { spanName, group, byPartition: new GroupCache(ofPartition, undefined, spanName) };
    this.#destinations.set(name, made);
    return made;
  }

  #attributes(destination: string | undefined): FlatAttributes {
    const { clientId, groupName, server, more } = this.#facts;
    const flat: FlatAttributes = [
      'messaging.system',
      this.#system,
      'messaging.operation.name',
      this.#name,
      'messaging.operation.type',
      this.#name,
    ];
    if (destination !== undefined) flat.push('messaging.destination.name', destination);
    if (groupName !== undefined) flat.push('messaging.consumer.group.name', groupName);
    if (clientId !== undefined) flat.push('messaging.client.id', clientId);
    if (server !== undefined) flat.push('server.address', server.address);
    if (server?.port !== undefined) flat.push('server.port', server.port);
    if (more !== undefined) flat.push(...more(this.#facts));
    if (this.#withOldNames) this.#addOldNames(flat, destination);
    return flat;
  }

  #addOldNames(flat: FlatAttributes, destination: string | undefined): void {
    const { clientId, server } = this.#facts;
    if (destination !== undefined) flat.push('messaging.destination', destination);
    flat.push('messaging.destination_kind', 'topic', 'messaging.destination.kind', 'topic');
    flat.push('messaging.operation', this.#name);
    if (clientId !== undefined) flat.push('messaging.client_id', clientId);
    if (server !== undefined) flat.push('net.peer.name', server.address);
    if (server?.port !== undefined) flat.push('net.peer.port', server.port);
  }
}
