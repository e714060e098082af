/** Attributes of server spans that the conventions leave to the user: each is recorded when it is listed. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FlatAttributes } from '../attributes.ts';

/** The attributes that can be listed. */
export const OPTIONAL_SERVER_ATTRIBUTES = [
  'client.port',
  'network.local.address',
  'network.local.port',
  'network.transport',
  'user_agent.synthetic.type',
  'http.request.body.size',
  'http.response.body.size',
] as const;

/** One attribute that is recorded on request. */
export type OptionalServerAttribute = (typeof OPTIONAL_SERVER_ATTRIBUTES)[number];

type Wanted = ReadonlySet<OptionalServerAttribute>;

// Robots say what they are, mostly as Googlebot does: `Mozilla/5.0 (compatible; Googlebot/2.1; +http://…)`.
const BOT = /bot\b|crawler|spider|slurp/i;
// Availability checks of the large monitoring services and of Kubernetes.
const TEST = /alwayson|synthetic|pingdom|uptime|statuscake|site24x7|kube-probe|healthcheck/i;

/**
 * Append what is known at the start.
 *
 * @param isDirect  whether the client is the peer of the connection: the port of one behind a proxy is not known
 */
export function addOptional(flat: FlatAttributes, wanted: Wanted, req: IncomingMessage, isDirect: boolean): void {
  const { socket, headers } = req;
  const { localAddress, localPort, remotePort } = socket;
  if (isDirect && remotePort !== undefined && wanted.has('client.port')) flat.push('client.port', remotePort);
  if (localAddress !== undefined && wanted.has('network.local.address')) {
    flat.push('network.local.address', localAddress);
  }
  if (localPort !== undefined && wanted.has('network.local.port')) flat.push('network.local.port', localPort);
  if (wanted.has('network.transport')) {
    // A connection that has gone has no addresses any more.
    const transport = socket.remoteAddress !== undefined ? 'tcp' : socket.destroyed ? undefined : 'unix';
    if (transport !== undefined) flat.push('network.transport', transport);
  }
  const type = wanted.has('user_agent.synthetic.type') ? syntheticType(headers['user-agent']) : undefined;
  if (type !== undefined) flat.push('user_agent.synthetic.type', type);
}

function syntheticType(userAgent: string | undefined): 'bot' | 'test' | undefined {
  if (userAgent === undefined) return undefined;
  return TEST.test(userAgent) ? 'test' : BOT.test(userAgent) ? 'bot' : undefined;
}

/**
 * The size of the request's body in bytes, as its header says it.
 *
 * @returns `undefined` for a body that is sent in chunks
 */
export function requestBodySize(req: IncomingMessage): number | undefined {
  return toSize(req.headers['content-length']);
}

/** The size of the answer's body in bytes, as its header says it; `undefined` where no body belongs to the header. */
export function responseBodySize(req: IncomingMessage, res: ServerResponse): number | undefined {
  return req.method === 'HEAD' || res.statusCode === 304 ? undefined : toSize(sentLength(res));
}

function sentLength(res: ServerResponse): unknown {
  const header = res.getHeader('content-length');
  if (header !== undefined) return header;
  // Fastify gives its headers to writeHead, which keeps them nowhere but in the text that was sent.
  const head = (res as { _header?: unknown })._header;
  return typeof head === 'string' ? /\r\ncontent-length: *(\d+)/i.exec(head)?.[1] : undefined;
}

function toSize(header: unknown): number | undefined {
  const size = header === undefined || header === '' ? Number.NaN : Number(header);
  return Number.isSafeInteger(size) && size >= 0 ? size : undefined;
}
