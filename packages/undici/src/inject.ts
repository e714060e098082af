/** The headers that carry a span on. */
import type { ClientSpan, HttpClientTracing } from '@clew/core/http';

/** Names and values to put in; names in lower case. */
export type InjectedHeaders = Record<string, string>;

const setter = {
  set(carrier: InjectedHeaders, name: string, value: string): void {
    // Propagators may write names such as `uber-trace-id` or `X-Amzn-Trace-Id`; they are compared in lower case.
    carrier[name === 'traceparent' ? name : name.toLowerCase()] = value;
  },
};

/** What the registered propagators write for this span. */
export function injectedFrom({ tracing }: HttpClientTracing, span: ClientSpan): InjectedHeaders {
  const injected: InjectedHeaders = {};
  tracing.inject(span.context, injected, setter);
  return injected;
}
