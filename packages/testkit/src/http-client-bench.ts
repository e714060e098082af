/** What a case of the HTTP client suite works with: an origin, clients of the library under test, and a back end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { HttpClientOptions } from '@clew/core/http';
import type { CollectedSpan } from '@clew/core/testing';
import type { Backend } from './backends.ts';

/** Options that the suite uses, which every HTTP client package has. */
export interface ClientSuiteOptions
  extends Pick<
    HttpClientOptions,
    | 'activeRequestsMetric'
    | 'allowSensitiveHeaders'
    | 'captureResponseHeaders'
    | 'durationMetric'
    | 'meterProvider'
    | 'redactQueryKeys'
    | 'semconv'
    | 'urlTemplate'
  > {
  ignore?: () => boolean;
  requestAttributes?: () => undefined;
  responseAttributes?: () => undefined;
  propagateTo?: readonly string[];
}

/** A request of the suite. */
export interface ClientRequest {
  method?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** What a request got. */
export interface ClientAnswer {
  status: number;
  body: string;
}

/** A client, traced or not. */
export interface SuiteClient {
  request(url: string, request?: ClientRequest): Promise<ClientAnswer>;
  close?(): Promise<void>;
}

/** The library under test. */
export interface HttpClientLibrary {
  /** The npm package that makes the spans. */
  readonly scope: string;
  /** @param options  of the traced form; `undefined` for a client without tracing */
  create(options: ClientSuiteOptions | undefined): SuiteClient;
}

/** A real server that the clients talk to. */
export interface Origin {
  url: string;
  received: IncomingHttpHeaders[];
  server: Server;
}

export async function startOrigin(): Promise<Origin> {
  const received: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => answer(request, response, received)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received, server };
}

function answer(request: IncomingMessage, response: ServerResponse, received: IncomingHttpHeaders[]): void {
  received.push(request.headers);
  const status = Number(/\/status\/(\d+)/.exec(request.url ?? '')?.[1] ?? 200);
  if (request.url === '/reset') request.socket.resetAndDestroy();
  else if (request.url !== '/silent')
    response.writeHead(status, { 'set-cookie': 'a=1' }).end(`${request.method} ${request.url}`);
}

/** One case: its claim, what proves it, and how traces are sampled (all unless given). */
export type HttpClientCase = readonly [
  title: string,
  run: (bench: ClientBench) => Promise<void>,
  sampler?: number | 'watched',
];

/** What a case works with. */
export class ClientBench {
  readonly t: TestContext;
  readonly origin: Origin;
  readonly backend: Backend;
  readonly #library: HttpClientLibrary;
  readonly #clients: SuiteClient[] = [];

  constructor(t: TestContext, origin: Origin, backend: Backend, library: HttpClientLibrary) {
    this.t = t;
    this.origin = origin;
    this.backend = backend;
    this.#library = library;
  }

  client(options: ClientSuiteOptions = {}): SuiteClient {
    return this.#keep(this.#library.create(options));
  }

  plainClient(): SuiteClient {
    return this.#keep(this.#library.create(undefined));
  }

  #keep(client: SuiteClient): SuiteClient {
    this.#clients.push(client);
    return client;
  }

  /** End the clients so far: a package may trace the whole process. */
  async closeClients(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.close?.();
  }

  async close(): Promise<void> {
    await this.closeClients();
    this.origin.server.closeAllConnections();
    this.origin.server.close();
  }

  get scope(): string {
    return this.#library.scope;
  }

  async take(): Promise<CollectedSpan> {
    const span = await this.backend.take((one) => one.kind === 'CLIENT');
    assert.equal(span.scope, this.scope);
    return span;
  }

  /** The ids that the origin saw in its last request. */
  sentIds(): { traceId: string | undefined; spanId: string | undefined } {
    const [, traceId, spanId] = String(this.origin.received.at(-1)?.traceparent).split('-');
    return { traceId, spanId };
  }
}
