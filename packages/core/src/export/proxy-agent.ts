/** Connections through an HTTP proxy: a tunnel by CONNECT for https, and headers for requests that the proxy reads. */
import type { ClientRequestArgs } from 'node:http';
import { Agent, type AgentOptions, request as httpsRequest } from 'node:https';
import { isIPv6, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, type ConnectionOptions } from 'node:tls';
import { runInContext, SUPPRESSED } from '../context.ts';
import { decodePercent } from '../propagation/baggage.ts';

// Not by import, for the reason in http-post.ts.
const { request: httpRequest } = process.getBuiltinModule('node:http');

type Connected = (error: Error | null, stream: Duplex) => void;

/** An agent whose connections to an https server go through a proxy. */
export class TunnelAgent extends Agent {
  readonly #proxy: URL;
  readonly #timeoutMs: number;

  /** @param timeoutMs  for the proxy to open the tunnel */
  constructor(proxy: URL, timeoutMs: number, options: AgentOptions) {
    super(options);
    this.#proxy = proxy;
    this.#timeoutMs = timeoutMs;
  }

  override createConnection(options: ClientRequestArgs, callback?: Connected): undefined {
    const host = String(options.host ?? 'localhost');
    const authority = `${isIPv6(host) ? `[${host}]` : host}:${options.port ?? 443}`;
    // The cast: on failure there is no stream, which the types of Node.js do not foresee.
    const fail = (error: Error): void => callback?.(error, undefined as unknown as Duplex);
    const send = this.#proxy.protocol === 'https:' ? httpsRequest : httpRequest;
    const connectOptions = {
      method: 'CONNECT',
      path: authority,
      agent: false,
      timeout: this.#timeoutMs,
      headers: { host: authority, ...proxyAuthorization(this.#proxy) },
    };
    // A tracer that watches node:http must not trace us.
    const request = runInContext(SUPPRESSED, () => send(this.#proxy, connectOptions));
    request.on('socket', (socket) => socket.unref());
    request.on('timeout', () => {
      request.destroy(Object.assign(new Error('the proxy opened no tunnel in time'), { code: 'ETIMEDOUT' }));
    });
    request.on('error', fail);
    request.on('response', (response) => response.destroy());
    request.on('connect', ({ statusCode }, socket: Socket) => {
      if (statusCode === 200) {
        socket.setTimeout(0);
        // The cast: the agent gives what `tls.connect` takes, certificates included.
        callback?.(null, connect({ ...(options as ConnectionOptions), socket }));
        return;
      }
      socket.destroy();
      const text = `the proxy answered ${statusCode} and opened no tunnel`;
      fail(Object.assign(new Error(text), { code: `PROXY_${statusCode}` }));
    });
    request.end();
    return undefined;
  }
}

/** What proves to the proxy who we are: a header, when its URL has a user name or a password. */
export function proxyAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const credentials = `${decodePercent(username)}:${decodePercent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}
