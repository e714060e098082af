/** What is the same for all requests on one connection, and for all answers of one status. */
import { AttributeGroup, type FlatAttributes } from '../attributes.ts';

/** From this status on an answer is an error of the request. */
export const FIRST_ERROR_STATUS = 400;

/** The part of a socket that spans and metrics are told of. */
export interface ClientConnection {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  /** What TLS agreed upon: `h2`, `http/1.1`, or false for nothing. */
  readonly alpnProtocol?: string | false | null | undefined;
}

/** The other end of a connection, as it was when the first request left on it: a closed socket tells no address. */
export class ClientPeer {
  /** `network.protocol.version`, where it is known. */
  readonly version: string | undefined;
  readonly group: AttributeGroup;
  readonly #isDup: boolean;
  readonly #byStatus = new Map<number, AttributeGroup>();

  constructor({ remoteAddress, remotePort, alpnProtocol }: ClientConnection, isDup: boolean) {
    // Without TLS nothing is agreed upon: both versions may be spoken there.
    this.version = typeof alpnProtocol !== 'string' ? undefined : alpnProtocol === 'h2' ? '2' : '1.1';
    this.#isDup = isDup;
    const { version } = this;
    const flat: FlatAttributes = [];
    if (remoteAddress !== undefined) flat.push('network.peer.address', remoteAddress);
    if (remotePort !== undefined) flat.push('network.peer.port', remotePort);
    if (version !== undefined) flat.push('network.protocol.version', version);
    if (isDup && remoteAddress !== undefined) flat.push('net.peer.ip', remoteAddress);
    if (isDup && version !== undefined) flat.push('http.flavor', version === '2' ? '2.0' : version);
    if (isDup) flat.push('net.transport', remoteAddress === undefined ? 'unix' : 'ip_tcp');
    this.group = new AttributeGroup(flat);
  }

  /** The attributes of the connection and those of an answer on it. */
  statusGroup(statusCode: number): AttributeGroup {
    return remembered(this.#byStatus, statusCode, () => [
      ...this.group.flat,
      ...statusGroup(statusCode, this.#isDup).flat,
    ]);
  }
}

// Weak, and one entry for a connection, not for a request: those would keep the garbage collector busy.
const peers = new WeakMap<ClientConnection, ClientPeer>();
const dupPeers = new WeakMap<ClientConnection, ClientPeer>();

/** @param isDup  whether the old names are there too */
export function peerOf(connection: ClientConnection, isDup: boolean): ClientPeer {
  const known = isDup ? dupPeers : peers;
  let peer = known.get(connection);
  if (peer === undefined) {
    peer = new ClientPeer(connection, isDup);
    known.set(connection, peer);
  }
  return peer;
}

const groups = new Map<number, AttributeGroup>();
const dupGroups = new Map<number, AttributeGroup>();

/** The attributes of an answer. @param isDup  whether the old names are there too */
export function statusGroup(statusCode: number, isDup: boolean): AttributeGroup {
  return remembered(isDup ? dupGroups : groups, statusCode, () => {
    const flat: FlatAttributes = ['http.response.status_code', statusCode];
    if (statusCode >= FIRST_ERROR_STATUS) flat.push('error.type', String(statusCode));
    if (isDup) flat.push('http.status_code', statusCode);
    return flat;
  });
}

function remembered(
  known: Map<number, AttributeGroup>,
  statusCode: number,
  make: () => FlatAttributes,
): AttributeGroup {
  let group = known.get(statusCode);
  if (group === undefined) {
    group = new AttributeGroup(make());
    // Three digits, so the table is bounded.
    if (statusCode >= 100 && statusCode <= 999) known.set(statusCode, group);
  }
  return group;
}
