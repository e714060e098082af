/** `traceFetch`: the same fetch, with a CLIENT span for each call and the headers that continue the trace. */
import { ClewError, type Context, checkOptionNames } from '@clew/core';
import { CLIENT_OPTION_NAMES, type ClientSpan, HttpClientTracing } from '@clew/core/http';
import { type Call, withCall } from './call.ts';
import { type FetchArguments, type FetchCall, readFetchCall, withInjected } from './fetch-init.ts';
import { keepFromForeignHosts } from './foreign-hosts.ts';
import { injectedFrom } from './inject.ts';
import type { TraceFetchOptions } from './types.ts';
import { forget, isObserved, noteCall } from './under-way.ts';
import { VERSION } from './version.ts';

// Only what sees the body can wait for it.
const OPTION_NAMES = CLIENT_OPTION_NAMES.filter((name) => name !== 'endOn');
const TRACED = Symbol.for('@clew/undici traced');

/**
 * Trace a fetch: the built-in one, undici's, or any other that takes the same arguments.
 *
 * @param fetch  called with the caller's arguments, and headers added to a copy of them
 * @returns a function of the same type; what it resolves to or rejects with is what `fetch` gives, unchanged
 * @throws ClewError `CLEW_ERR_TARGET` when it is no function, `CLEW_ERR_OPTION` for a wrong option
 */
export function traceFetch<F extends (...args: never[]) => Promise<unknown>>(fetch: F, options?: TraceFetchOptions): F {
  if (typeof fetch !== 'function') throw new ClewError('CLEW_ERR_TARGET', 'traceFetch needs a fetch function');
  if (TRACED in fetch) return fetch;
  checkOptionNames('traceFetch', options, OPTION_NAMES);
  const client = new HttpClientTracing({ name: '@clew/undici', version: VERSION }, 'traceFetch', options);
  // fetch's own types differ between undici's versions; the arguments that are read are the same in all.
  const original = fetch as unknown as (...args: FetchArguments) => Promise<Response>;
  const traced = (input: unknown, init?: RequestInit): Promise<Response> => {
    const given = readFetchCall(input, init);
    if (given === undefined) return original(input, init);
    const parent = client.tracing.active();
    const span = client.start(given.method, given.target.origin, given.target.url, parent);
    if (span === undefined) return original(input, init);
    return send(client, span, parent, given, original, [input, init]);
  };
  Object.defineProperty(traced, TRACED, { value: true });
  Object.defineProperty(traced, 'name', { value: fetch.name, configurable: true });
  return traced as unknown as F;
}

function send(
  client: HttpClientTracing,
  span: ClientSpan,
  parent: Context,
  given: FetchCall,
  original: (...args: FetchArguments) => Promise<Response>,
  args: FetchArguments,
): Promise<Response> {
  const { signal } = given;
  const injected = span.propagates ? injectedFrom(client, span) : undefined;
  if (client.limitsHosts) keepFromForeignHosts();
  const call: Call = { parent, attempts: 0, path: given.target.path, signal, injected, wrapper: client };
  noteCall(injected?.traceparent, call);
  const context = isObserved() ? withCall(span.context, call) : span.context;
  let answer: Promise<Response>;
  try {
    answer = client.tracing.run(
      context,
      original,
      undefined,
      ...(injected ? withInjected(args, given, injected) : args),
    );
  } catch (error) {
    if (endsWithCall(call)) span.failed(error, signal);
    throw error;
  }
  // What somebody has put in the place of fetch, as tests do, may return anything.
  if (typeof answer?.then !== 'function') {
    span.end();
    return answer;
  }
  // Not watched beside the caller: that would count as handling its rejection, and an error that nobody handles would go
  // unnoticed. The caller gets a promise that settles in the same way.
  return answer.then(
    (response) => {
      if (endsWithCall(call)) answered(span, response);
      else span.discard();
      return response;
    },
    (error: unknown) => {
      if (endsWithCall(call)) span.failed(error, signal);
      else span.discard();
      throw error;
    },
  );
}

// Attempts that were seen have spans of their own, which stand for the call.
function endsWithCall(call: Call): boolean {
  forget(call.injected?.traceparent);
  return call.attempts === 0;
}

function answered(span: ClientSpan, response: Response): void {
  const statusCode: unknown = response?.status;
  // It may also resolve to anything.
  if (typeof statusCode !== 'number') span.end();
  else span.responded({ statusCode, header: (name) => response.headers?.get(name) ?? undefined });
}
