/** Asks the sampler of a provider, whoever made it, and decides in its place when it throws. */
import { isPromise } from '../adopt.ts';
import { type ClewSampler, decideOnError } from './clew-sampler.ts';
import {
  NOT_RECORD,
  type OnSamplerError,
  RECORD,
  RECORD_AND_SAMPLED,
  type Sampler,
  type SamplingRequest,
  type SamplingResult,
} from './types.ts';

/** Who decides for a provider. */
export interface SamplerSettings {
  readonly sampler: Sampler;
  /** The same when it is one of ours. */
  readonly clewSampler: ClewSampler | undefined;
  readonly onSamplerError: OnSamplerError;
}

/** The sampler's answer to a request; never throws. */
export function askSampler(settings: SamplerSettings, request: SamplingRequest): SamplingResult {
  try {
    return settings.clewSampler?.decide(request) ?? askForeign(settings.sampler, request);
  } catch (error) {
    return decideOnError(settings.onSamplerError, request, error);
  }
}

function askForeign(sampler: Sampler, request: SamplingRequest): SamplingResult {
  const { context, traceId, name, kind, attributes, links } = request;
  const result = sampler.shouldSample(context, traceId, name, kind, attributes, links);
  // Asynchronous by mistake: the answer counts as none, and its rejection would end the process.
  if (isPromise(result)) result.catch(() => {});
  // Looked at here, where an answer that is none counts as a fault of the sampler.
  const { decision, traceState } = result;
  if (decision !== NOT_RECORD && decision !== RECORD && decision !== RECORD_AND_SAMPLED) {
    throw new TypeError(`there is no decision ${String(decision)}`);
  }
  if (traceState !== undefined && typeof traceState.serialize !== 'function') throw new TypeError('not a trace state');
  return result;
}
