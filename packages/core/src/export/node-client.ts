/** Requests by `node:http` and `node:https`: over TLS, and through proxies. */
import type { Agent as PlainAgent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { runInContext, SUPPRESSED } from '../context.ts';
import { watchDeadline } from './deadline.ts';
import type { PostClient, PostLimits, PostReply } from './post-client.ts';
import { proxyAuthorization, TunnelAgent } from './proxy-agent.ts';
import type { TlsMaterial } from './tls-files.ts';

// Not by import: that reads every export of the module, which makes Node.js load its WebSocket and fetch, some 5 MB.
const { Agent: HttpAgent, request: httpRequest } = process.getBuiltinModule('node:http');
const { urlToHttpOptions } = process.getBuiltinModule('node:url');

/** Bounds, certificates and the proxy of one URL. */
interface NodeClientOptions extends PostLimits {
  /** A function is asked before each request, and gives another object when they have changed. */
  readonly tls: TlsMaterial | (() => TlsMaterial) | undefined;
  readonly proxy: URL | undefined;
}

/** What all requests have in common, whether a proxy takes them or the target. */
interface Route {
  readonly send: (options: RequestOptions) => ClientRequest;
  readonly options: RequestOptions;
  readonly headers: Record<string, string>;
}

/** Posts to one URL, over TLS or through a proxy. */
export class NodeClient implements PostClient {
  readonly #target: URL;
  readonly #options: NodeClientOptions;
  // Worked out once: Node.js would read the parts of a URL for each request.
  readonly #route: Route;
  #tls: TlsMaterial | undefined;
  #agent: PlainAgent;

  /** @param target  without user name and password */
  constructor(target: URL, options: NodeClientOptions) {
    this.#target = target;
    this.#options = options;
    this.#route = routeTo(target, options.proxy);
    this.#tls = this.#currentTls();
    this.#agent = this.#makeAgent();
  }

  post(body: Buffer, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<PostReply> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const { send, options, headers: more } = this.#route;
      const { timeoutMs, maxBytes } = this.#options;
      const all = { ...headers, 'content-length': String(body.length), ...more };
      const given = { ...options, method: 'POST', agent: this.#currentAgent(), headers: all };
      // In a suppressed root context: a tracer that watches node:http must not trace us.
      const request: ClientRequest = runInContext(SUPPRESSED, () => send(given));
      // Not by the option `signal`, for which Node.js listens to several events of each request. A reason may be
      // anything, and `destroy` passes it on.
      const unwatch = watchDeadline(signal, timeoutMs, (reason) => void request.destroy(reason as Error));
      const finish = (settle: () => void): void => {
        unwatch();
        settle();
      };
      // Unref'd, so that a slow backend does not keep a process alive that has nothing else to do.
      request.on('socket', (socket) => socket.unref());
      request.on('error', (error) => finish(() => reject(error)));
      request.on('response', (response) => {
        readReply(request, response, maxBytes).then(
          (reply) => finish(() => resolve(reply)),
          (error: unknown) => finish(() => reject(error)),
        );
      });
      request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  #currentTls(): TlsMaterial | undefined {
    const { tls } = this.#options;
    return typeof tls === 'function' ? tls() : tls;
  }

  #currentAgent(): PlainAgent {
    const tls = this.#currentTls();
    if (tls !== this.#tls) {
      // What is under way ends on its socket, which is not kept then.
      this.#agent.maxFreeSockets = 0;
      for (const socket of Object.values(this.#agent.freeSockets).flat()) socket?.destroy();
      this.#tls = tls;
      this.#agent = this.#makeAgent();
    }
    return this.#agent;
  }

  #makeAgent(): PlainAgent {
    const { proxy, timeoutMs, concurrency } = this.#options;
    const options = { keepAlive: true, maxSockets: concurrency, ...this.#tls };
    if (this.#target.protocol !== 'https:') {
      return proxy?.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
    }
    return proxy === undefined ? new HttpsAgent(options) : new TunnelAgent(proxy, timeoutMs, options);
  }
}

/** In plain HTTP a proxy takes the request itself, with the whole URL as its path. */
function routeTo(target: URL, proxy: URL | undefined): Route {
  const isSecure = target.protocol === 'https:';
  if (proxy === undefined || isSecure) {
    return { send: isSecure ? httpsRequest : httpRequest, options: urlToHttpOptions(target), headers: {} };
  }
  const { host, href } = target;
  return {
    send: proxy.protocol === 'https:' ? httpsRequest : httpRequest,
    options: { ...urlToHttpOptions(proxy), path: href },
    headers: { host, ...proxyAuthorization(proxy) },
  };
}

function readReply(request: ClientRequest, response: IncomingMessage, maxBytes: number): Promise<PostReply> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const status = response.statusCode ?? 0;
    // The headers that are read here come once.
    const headers = response.headers as PostReply['headers'];
    const done = (): void => {
      const isTooLarge = bytes > maxBytes;
      const isWritten = request.writableFinished;
      resolve({ status, headers, body: Buffer.concat(chunks), isTooLarge, isWritten });
    };
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      done();
      response.destroy();
    });
    response.on('end', done);
    response.on('error', (error) => (status >= 200 && status < 300 ? done() : reject(error)));
  });
}
