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

/** The facts of one request that have no current name to be copied from. */
export interface OldNameFacts {
  /** As it came. */
  readonly method: string;
  readonly scheme: string;
  readonly host: string | undefined;
}

const SAME_VALUE: ReadonlyMap<unknown, string> = new Map([
  ['user_agent.original', 'http.user_agent'],
  ['client.address', 'http.client_ip'],
  ['network.peer.address', 'net.peer.ip'],
  ['network.peer.port', 'net.peer.port'],
]);

/** Append the old names of what belongs to one request; `flat` has the current ones. */
export function addOldNames(flat: FlatAttributes, facts: OldNameFacts): void {
  let target = '';
  let transport = 'unix';
  const current = flat.slice();
  for (let i = 0; i < current.length; i += 2) {
    const [key, value] = [current[i], current[i + 1]];
    const old = SAME_VALUE.get(key);
    if (old !== undefined) flat.push(old, value);
    if (key === 'url.path') target = String(value);
    if (key === 'url.query') target += `?${String(value)}`;
    if (key === 'network.peer.address') transport = 'ip_tcp';
  }
  flat.push('http.method', facts.method, 'http.target', target, 'net.transport', transport);
  if (facts.host !== undefined) flat.push('http.url', `${facts.scheme}://${facts.host}${target}`);
}
