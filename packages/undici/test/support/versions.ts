/** The versions of undici that are supported, and every way in which a request of theirs can be traced. */
import type { TestContext } from 'node:test';
import { traceFetch, tracingInterceptor, traceUndici } from '@clew/undici';
import type { TracingInterceptorOptions, TraceUndiciOptions } from '@clew/undici';
import * as undici from 'undici';
import * as undici6 from 'undici-6';
import * as undici6Lowest from 'undici-6.19';
import * as undici7 from 'undici-7';

export type Module = typeof undici;
export type Fetch = typeof globalThis.fetch;

/** Name and module, newest first. */
export const VERSIONS: ReadonlyArray<readonly [string, Module]> = [
  ['undici 8', undici],
  // Older majors have the same calls; their types differ in places that are not used here.
  ['undici 7', undici7 as unknown as Module],
  ['undici 6', undici6 as unknown as Module],
  ['undici 6.19', undici6Lowest as unknown as Module],
];

/** What the tests give to a request; a part that both `fetch` and `request` take. */
export interface Init {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal;
}

export interface Answer {
  status: number;
  text(): Promise<string>;
}

export type Send = (url: string, init?: Init) => Promise<Answer>;

/** One way to trace requests. */
export interface Way {
  readonly name: string;
  /** Whether attempts have spans of their own; else the call has one. */
  readonly seesAttempts: boolean;
  /** Whether the error of a request is fetch's. */
  readonly isFetch: boolean;
  /** A traced client that follows redirects, ended with the test. */
  start(t: TestContext, options?: TraceUndiciOptions): Send;
}

/** An agent, destroyed with the test. */
export function bareAgent(t: TestContext, { Agent }: Module): undici.Agent {
  const agent = new Agent();
  t.after(() => agent.destroy());
  return agent;
}

/** An agent with interceptors before those that are given; destroyed with the test. */
export function tracedAgent(
  t: TestContext,
  module: Module,
  options?: TracingInterceptorOptions,
  more: Parameters<undici.Agent['compose']>[0][] = [],
): undici.Dispatcher {
  return bareAgent(t, module).compose(tracingInterceptor(options), ...more);
}

/** `traceUndici`, ended with the test. */
export function channels(t: TestContext, options?: TraceUndiciOptions): void {
  t.after(traceUndici(options));
}

/** `fetch` through a dispatcher; without one through a fresh agent, which is closed with the test. */
export function fetchThrough(t: TestContext, module: Module, given?: undici.Dispatcher): Fetch {
  const dispatcher = given ?? bareAgent(t, module);
  // The global types are those of Node.js's own undici; the arguments are the same.
  const fetch = module.fetch as unknown as Fetch;
  return (input, init) => fetch(input, { ...init, dispatcher } as object);
}

function requestThrough(module: Module, dispatcher: undici.Dispatcher): Send {
  return async (url, init) => {
    const { statusCode, body } = await module.request(url, { ...init, dispatcher } as object);
    return { status: statusCode, text: () => body.text() };
  };
}

function waysOf(name: string, module: Module): Way[] {
  const redirect = () => module.interceptors.redirect({ maxRedirections: 3 });
  return [
    {
      name: `${name}, fetch by wrapper`,
      seesAttempts: false,
      isFetch: true,
      start: (t, options) => traceFetch(fetchThrough(t, module), options),
    },
    {
      name: `${name}, fetch by interceptor`,
      seesAttempts: true,
      isFetch: true,
      start: (t, options) => fetchThrough(t, module, tracedAgent(t, module, options)),
    },
    {
      name: `${name}, fetch by channels`,
      seesAttempts: true,
      isFetch: true,
      start: (t, options) => {
        channels(t, options);
        return fetchThrough(t, module);
      },
    },
    {
      name: `${name}, request by interceptor`,
      seesAttempts: true,
      isFetch: false,
      start: (t, options) => requestThrough(module, tracedAgent(t, module, options, [redirect()])),
    },
    {
      name: `${name}, request by channels`,
      seesAttempts: true,
      isFetch: false,
      start: (t, options) => {
        channels(t, options);
        return requestThrough(module, bareAgent(t, module).compose(redirect()));
      },
    },
  ];
}

/** Built-in fetch and every version, in every way. */
export const WAYS: readonly Way[] = [
  {
    name: 'built-in fetch by wrapper',
    seesAttempts: false,
    isFetch: true,
    start: (_t, options) => traceFetch(closing(fetch), options),
  },
  {
    name: 'built-in fetch by channels',
    seesAttempts: true,
    isFetch: true,
    start: (t, options) => {
      channels(t, options);
      return closing(fetch);
    },
  },
  ...VERSIONS.flatMap(([name, module]) => waysOf(name, module)),
];

// The built-in agent is shared by all tests: a connection that it keeps would be closed under a later request.
function closing(original: Fetch): Fetch {
  return (input, init) => original(input, { ...init, headers: { ...init?.headers, connection: 'close' } });
}
