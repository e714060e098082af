/** Attribute names of HTTP server spans before conventions 1.23, written beside the current ones when asked for. */
import type { FlatAttributes } from '../attributes.ts';

/** The old names of what requests to one host share. */
export function oldGroupNames(
  facts: { readonly scheme: string; readonly host: string | undefined },
  address: string | undefined,
  port: number | undefined,
  version: string,
): FlatAttributes {
  const flat: FlatAttributes = ['http.scheme', facts.scheme, 'http.flavor', version === '2' ? '2.0' : version];
  if (facts.host !== undefined && facts.host !== '') flat.push('http.host', facts.host);
  if (address !== undefined) {
    flat.push('net.host.name', address);
    if (port !== undefined) flat.push('net.host.port', port);
  }
  return flat;
}

/** The facts of one request that have old names. */
export interface OldNameFacts {
  readonly method: string;
  readonly scheme: string;
  readonly host: string | undefined;
  /** Path and redacted query. */
  readonly target: string;
  readonly userAgent: string | undefined;
  readonly clientAddress: string | undefined;
  readonly peerAddress: string | undefined;
  readonly peerPort: number | undefined;
}

/** Append the old names of what belongs to one request. */
export function addOldNames(flat: FlatAttributes, facts: OldNameFacts): void {
  flat.push('http.method', facts.method, 'http.target', facts.target);
  if (facts.host !== undefined) flat.push('http.url', `${facts.scheme}://${facts.host}${facts.target}`);
  if (facts.userAgent !== undefined) flat.push('http.user_agent', facts.userAgent);
  if (facts.clientAddress !== undefined) flat.push('http.client_ip', facts.clientAddress);
  if (facts.peerAddress !== undefined) flat.push('net.peer.ip', facts.peerAddress, 'net.transport', 'ip_tcp');
  else flat.push('net.transport', 'unix');
  if (facts.peerPort !== undefined) flat.push('net.peer.port', facts.peerPort);
}
