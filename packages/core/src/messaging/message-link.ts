/** The link from a span to the context that a message carried. */
import type { Attributes, Link, Span, SpanContext } from '@opentelemetry/api';

/**
 * How many links of one span are kept, the default limit of the specification. A batch with more messages is linked to
 * its first ones; `messaging.batch.message_count` tells the whole number.
 */
export const MAX_LINKS = 128;

/** A link whose span context is written out only when somebody reads it: an unsampled span never does. */
export class MessageLink implements Link {
  readonly attributes: Attributes | undefined;
  readonly #span: Span;

  /**
   * @param span        the span that a propagator found in the message
   * @param attributes  of this one message, where those of a batch differ
   */
  constructor(span: Span, attributes?: Attributes) {
    this.#span = span;
    this.attributes = attributes;
  }

  get context(): SpanContext {
    return this.#span.spanContext();
  }
}
