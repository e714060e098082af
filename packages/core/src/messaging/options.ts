/** The options that messaging plugins share, and their checks. */
import { checkArray, checkBoolean, checkOneOf, checkOptionNames, checkString, showValue } from '../config/options.ts';
import { ClewError } from '../errors.ts';
import type { PluginOptions } from '../plugin.ts';
import { checkBaggageSpanKeys, checkTrust, type TrustIncoming } from '../plugin-defaults.ts';
import type { Semconv } from './semconv.ts';

/** Options of everything that sends or receives messages. */
export interface MessagingOptions extends PluginOptions {
  /** `messaging.client.id`. Default: as far as the library tells it. */
  clientId?: string;
  /** The bootstrap brokers, `host:port` each: a single one becomes `server.address` and `server.port`. */
  brokers?: readonly string[];
  /** Record message keys, 256 characters at most. Default true. */
  recordKey?: boolean;
  /** Baggage entries that become attributes of spans, under their own keys. Default: that of `startTracing`. */
  baggageSpanKeys?: readonly string[];
  /** Attribute names: current ones, or the old ones beside them. Default: `OTEL_SEMCONV_STABILITY_OPT_IN`. */
  semconv?: Semconv;
}

/** Options of everything that receives messages. */
export interface ReceivingOptions extends MessagingOptions {
  /** `messaging.consumer.group.name`. Default: as far as the library tells it. */
  groupId?: string;
  /**
   * What the context in a message becomes for the span of its processing: the parent, so that one trace goes on, or
   * only a link from a new trace. Linked it is in both cases. Default `parent`.
   */
  messageContext?: 'parent' | 'link';
  /**
   * Whose trace context is continued: everybody's, nobody's, or that of the messages for whose headers a function
   * returns true. Otherwise a new trace starts, with a link to the sender's span and without its baggage. Default: that
   * of `startTracing`.
   */
  trustIncoming?: TrustIncoming;
}

/** The names of `MessagingOptions`. */
export const MESSAGING_OPTIONS = [
  'tracerProvider',
  'clientId',
  'brokers',
  'recordKey',
  'baggageSpanKeys',
  'semconv',
] as const;

/**
 * Check the options of a messaging plugin.
 *
 * @param where  the function that the user called, for messages
 * @param known  every option name that it has
 * @param texts  which options beside the shared ones must be texts of 1 character or more
 * @throws ClewError `CLEW_ERR_OPTION`
 */
export function checkMessagingOptions(
  where: string,
  options: ReceivingOptions | undefined,
  known: readonly string[],
  texts: readonly string[] = [],
): void {
  checkOptionNames(where, options, known);
  if (options === undefined) return;
  // Checked to be an object; its further options belong to the plugin.
  const given = options as Record<string, unknown>;
  for (const name of ['clientId', 'groupId', ...texts]) checkString(name, given[name]);
  for (const broker of checkArray('brokers', options.brokers) ?? []) {
    if (checkString('a broker in brokers', broker) === undefined) throw unusable('a broker in brokers', broker);
  }
  checkBoolean('recordKey', options.recordKey);
  checkOneOf('semconv', options.semconv, ['stable', 'dup']);
  checkBaggageSpanKeys(options.baggageSpanKeys);
  checkTrust(options.trustIncoming);
  checkOneOf('messageContext', options.messageContext, ['parent', 'link']);
  const { tracerProvider } = options;
  if (tracerProvider !== undefined && typeof tracerProvider?.getTracer !== 'function') {
    throw unusable('tracerProvider', tracerProvider);
  }
}

function unusable(name: string, given: unknown): ClewError {
  return new ClewError('CLEW_ERR_OPTION', `${name} is not usable, got ${showValue(given)}`);
}
