/** What `startTracing` sets for all plugins, and the checks of it; a plugin's own options win. */
import { checkArray, checkOneOf, showValue } from './config/options.ts';
import { TRUST_WORDS } from './config/variable.ts';
import { ClewError } from './errors.ts';
import { hostMatcher } from './host-matcher.ts';
import { isToken } from './propagation/carrier.ts';

/** What came in with trace context in its headers: Node.js's own `IncomingMessage`, or a message of a broker. */
export interface IncomingCall {
  /** By name; for a message they are as its library gives them. */
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Whose trace context and baggage are continued: everybody's, nobody's, or where a function returns true. */
export type TrustIncoming<Call = IncomingCall> = 'all' | 'none' | ((call: Call) => boolean);

/** Which hosts get trace context and baggage: patterns with `*`, regular expressions, or a function of the host name. */
export type PropagateTo = ReadonlyArray<string | RegExp> | ((host: string) => boolean);

/** The checked defaults of one provider. */
export interface PluginDefaults {
  /** `undefined` trusts everybody. */
  readonly isTrusted?: ((call: IncomingCall) => boolean) | undefined;
  /** `undefined` lets headers go everywhere. */
  readonly mayPropagate?: ((host: string) => boolean) | undefined;
  /** Baggage keys that are copied to every span at its start; `undefined` for none. */
  readonly baggageSpanKeys?: readonly string[] | undefined;
}

const trustAll = (): boolean => true;
const trustNone = (): boolean => false;

/**
 * Check an option `trustIncoming`.
 *
 * @returns `undefined` when it was not given
 * @throws ClewError `CLEW_ERR_OPTION`
 */
export function checkTrust<Call>(given: TrustIncoming<Call> | undefined): ((call: Call) => boolean) | undefined {
  if (typeof given === 'function') return given;
  const word = checkOneOf('trustIncoming', given, TRUST_WORDS);
  return word === undefined ? undefined : word === 'none' ? trustNone : trustAll;
}

/**
 * Check an option `propagateTo`.
 *
 * @returns `undefined` when it was not given
 * @throws ClewError `CLEW_ERR_OPTION`
 */
export function checkPropagateTo(given: PropagateTo | undefined): ((host: string) => boolean) | undefined {
  if (given === undefined || typeof given === 'function') return given;
  const patterns = checkArray('propagateTo', given) ?? [];
  for (const pattern of patterns) {
    if ((typeof pattern === 'string' && pattern !== '') || pattern instanceof RegExp) continue;
    throw new ClewError(
      'CLEW_ERR_OPTION',
      `propagateTo must hold texts that are not empty or regular expressions, got ${showValue(pattern)}`,
    );
  }
  return hostMatcher(patterns);
}

/**
 * Check an option `baggageSpanKeys`.
 *
 * @returns each key once; `undefined` when it was not given
 * @throws ClewError `CLEW_ERR_OPTION` for what cannot be a key of baggage
 */
export function checkBaggageSpanKeys(given: readonly string[] | undefined): readonly string[] | undefined {
  const keys = checkArray('baggageSpanKeys', given);
  for (const key of keys ?? []) {
    if (typeof key === 'string' && isToken(key)) continue;
    throw new ClewError('CLEW_ERR_OPTION', `baggageSpanKeys must hold baggage keys, got ${showValue(key)}`);
  }
  return keys === undefined ? undefined : [...new Set(keys)];
}
