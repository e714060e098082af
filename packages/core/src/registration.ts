/** Which provider of ours is registered globally, and whose context manager is in charge. */
import { context as contextApi, trace } from '@opentelemetry/api';
import { followApiContext, ROOT, storedContext } from './context.ts';
import { reportFault } from './faults.ts';
import type { ClewTracerProvider } from './provider.ts';

let registered: ClewTracerProvider | undefined;
let generation = 0;
let hasWarned = false;

/** The provider that `startTracing` registered with the API, if one is running. */
export function registeredProvider(): ClewTracerProvider | undefined {
  return registered;
}

/** Changes whenever the answer of `registeredProvider` does; plugins keep what they looked up until then. */
export function registrationGeneration(): number {
  return generation;
}

/** Note what was registered with the API; only `startTracing` calls it. */
export function setRegisteredProvider(provider: ClewTracerProvider | undefined): void {
  registered = provider;
  followApiContext(provider !== undefined && contextManagerIsForeign());
  generation++;
}

/**
 * Say once that a provider is registered which plugins cannot see: one that an older copy of the API took is invisible
 * to a newer copy, and spans would be missing without a word.
 */
export function warnAboutInvisibleProvider(): void {
  const registered = apiRegistry();
  if (hasWarned || registered?.trace === undefined || trace.getTracerProvider() === registered.trace) return;
  hasWarned = true;
  const message = `a tracer provider is registered through another copy of @opentelemetry/api, ${oneCopy(registered)}`;
  reportFault('api_copies', message);
  // Our copy cannot reach the logger of the other one either.
  process.emitWarning(`clew: ${message}`);
}

/** Why a registration with the API failed. */
export function whyNotRegistered(): string {
  const registered = apiRegistry();
  if (registered?.trace !== undefined && trace.getTracerProvider() === registered.trace) {
    return 'another tracer provider is registered with @opentelemetry/api; start Clew instead of it, or with register: false';
  }
  return `another copy of @opentelemetry/api was used first, ${oneCopy(registered)}`;
}

/** What the API keeps of its registrations, and the version that made the first of them. */
interface ApiRegistry {
  readonly version?: string;
  readonly trace?: unknown;
}

function apiRegistry(): ApiRegistry | undefined {
  // The symbol is well known: all copies of the API meet there.
  return (globalThis as Record<symbol, ApiRegistry | undefined>)[Symbol.for('opentelemetry.js.api.1')];
}

function oneCopy({ version }: ApiRegistry = {}): string {
  return `version ${version}; there must be one copy: see npm ls @opentelemetry/api`;
}

/**
 * Whether a context manager other than ours is registered with the API. Then contexts live in its storage, and ours
 * must not be used: two storages would be two current spans.
 */
export function contextManagerIsForeign(): boolean {
  // Asked by trying: the API has no public way to look at the manager.
  const probe = ROOT.setValue(Symbol('clew probe'), true);
  const worksThroughApi = contextApi.with(probe, () => contextApi.active() === probe);
  if (!worksThroughApi) return false;
  return !contextApi.with(probe, () => storedContext() === probe);
}
