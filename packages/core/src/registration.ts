/** Which provider of ours is registered globally, and whose context manager is in charge. */
import { context as contextApi } from '@opentelemetry/api';
import { activeContext, ROOT } from './context.ts';
import type { ClewTracerProvider } from './provider.ts';

let registered: ClewTracerProvider | undefined;
let generation = 0;

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
  generation++;
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
  return !contextApi.with(probe, () => activeContext() === probe);
}
