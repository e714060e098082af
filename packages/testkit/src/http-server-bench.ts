/** What a case of the HTTP server suite works with: a server of the library under test, and a back end. */
import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import net, { type AddressInfo, type Server } from 'node:net';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import type { HttpServerOptions } from '@clew/core/http';
import { type Backend, type BackendKind, startBackend } from './backends.ts';

/** One request, as a handler of the suite sees it. */
export interface Exchange {
  readonly params: Readonly<Record<string, string>>;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Answer in the library's own way. */
  send(status: number, body: string | Readable): void;
}

/** A handler of the suite; what it throws or rejects with must reach the library's own error handling. */
export type SuiteHandler = (exchange: Exchange) => unknown;

/** The options that the suite uses, which every HTTP server package has. */
export interface SuiteOptions
  extends Pick<
    HttpServerOptions<unknown, unknown>,
    | 'activeRequestsMetric'
    | 'allowSensitiveHeaders'
    | 'captureRequestHeaders'
    | 'captureResponseHeaders'
    | 'durationMetric'
    | 'meterProvider'
    | 'optionalAttributes'
    | 'redactQueryKeys'
    | 'semconv'
  > {
  ignore?: () => boolean;
  spanName?: () => string | undefined;
  requestAttributes?: () => undefined;
  responseAttributes?: () => undefined;
  trustIncoming?: 'none' | (() => boolean);
}

/** The library under test. */
export interface HttpServerLibrary {
  /** The npm package that makes the spans. */
  readonly scope: string;
  /**
   * Make a server, not listening yet, that calls `handle` for `GET` and `POST` of `/users/:id`.
   *
   * @param options  of the traced form; `undefined` for a server without tracing
   */
  create(handle: SuiteHandler, options: SuiteOptions | undefined): Promise<{ server: Server; close(): Promise<void> }>;
}

/** What a request of the suite got. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One back end and the servers of one case. */
export class HttpServerBench {
  readonly backend: Backend;
  readonly scope: string;
  readonly t: TestContext;
  readonly #library: HttpServerLibrary;

  constructor(t: TestContext, kind: BackendKind, library: HttpServerLibrary, sampler: number | 'watched' | undefined) {
    this.backend = startBackend(t, kind, sampler === undefined ? {} : { sampler });
    this.scope = library.scope;
    this.t = t;
    this.#library = library;
  }

  /**
   * Start a server.
   *
   * @param options  `'untraced'` for one without tracing
   */
  async open(handle: SuiteHandler, options: SuiteOptions | 'untraced' = {}): Promise<SuiteServer> {
    const { server, close } = await this.#library.create(handle, options === 'untraced' ? undefined : options);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const suiteServer = new SuiteServer((server.address() as AddressInfo).port, agent, async () => {
      agent.destroy();
      await close();
    });
    this.t.after(() => suiteServer.close());
    return suiteServer;
  }

  takeServerSpan(): ReturnType<Backend['take']> {
    return this.backend.take((span) => span.kind === 'SERVER');
  }
}

/** A listening server, and a client for it that keeps one connection. */
export class SuiteServer {
  readonly port: number;
  readonly #agent: http.Agent;
  readonly #close: () => Promise<void>;
  #isClosed = false;

  constructor(port: number, agent: http.Agent, close: () => Promise<void>) {
    this.port = port;
    this.#agent = agent;
    this.#close = close;
  }

  /** Send a request and read the whole answer. */
  async request(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
    const response = await this.respond(path, headers, method);
    let body = '';
    for await (const chunk of response) body += String(chunk);
    return { status: response.statusCode ?? 0, headers: response.headers, body };
  }

  /** Send a request and give the answer when its headers are there. */
  respond(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { port } = this;
      const request = http.request({ host: '127.0.0.1', port, path, method, headers, agent: this.#agent }, resolve);
      request.on('error', reject);
      request.end();
    });
  }

  /** Send text as it is, and read until the server closes; the text asks for that. */
  async sendRaw(text: string): Promise<string> {
    const socket = net.connect(this.port, '127.0.0.1');
    socket.end(text);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  }

  /** Start a request that the caller will break off. */
  open(path: string): http.ClientRequest {
    const request = http.request({ host: '127.0.0.1', port: this.port, path, agent: false });
    // Breaking off is what the case wants; the client's own error about it says nothing.
    request.on('error', () => undefined);
    request.end();
    return request;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#close();
  }
}

/** One case: its claim, what proves it, and how traces are sampled (all unless given). */
export type HttpServerCase = readonly [
  title: string,
  run: (bench: HttpServerBench) => Promise<void>,
  sampler?: number | 'watched',
];
