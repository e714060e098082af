/** The link from a span to the context that a message carried. */
import type { Attributes, Link, Span, SpanContext } from '@opentelemetry/api';

/**
 * How many links of one span are kept, the default limit of the specification. A batch with more messages is linked to
 * its first ones; `messaging.batch.message_count` tells the whole number.
 */
export const MAX_LINKS = 128;

const NONE: Attributes = Object.freeze({});

/** A link that is written out only when somebody reads it: an unsampled span never does. */
export class MessageLink implements Link {
  readonly #span: Span;
  readonly #describe: (() => Attributes) | undefined;

  /**
   * @param span      the span that a propagator found in the message
   * @param describe  makes the attributes of this one message, where those of a batch differ; must not throw
   */
  constructor(span: Span, describe?: () => Attributes) {
    this.#span = span;
    this.#describe = describe;
  }

  get context(): SpanContext {
    return this.#span.spanContext();
  }

  get attributes(): Attributes {
    return this.#describe === undefined ? NONE : this.#describe();
  }
}
