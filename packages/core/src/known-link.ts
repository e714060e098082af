/** Links to spans that a propagator found: made for many messages at once, and often read by nobody. */
import type { Attributes, Link, Span, SpanContext } from '@opentelemetry/api';
import { type FlatAttributes, toAttributes } from './attributes.ts';

/**
 * A link that is written out only when somebody reads it. A span of ours takes the linked span and the flat attributes
 * as they are, without the way over hex digits and objects that the API's links need.
 */
export class KnownLink implements Link {
  readonly span: Span;
  readonly #describe: (() => FlatAttributes) | undefined;

  /**
   * @param span      the span to link to; a valid one
   * @param describe  makes the link's attributes, unique keys and coerced values; must not throw
   */
  constructor(span: Span, describe?: () => FlatAttributes) {
    this.span = span;
    this.#describe = describe;
  }

  get context(): SpanContext {
    return this.span.spanContext();
  }

  get attributes(): Attributes {
    return toAttributes(this.flatAttributes());
  }

  /** The attributes, in an array that is the caller's. */
  flatAttributes(): FlatAttributes {
    return this.#describe === undefined ? [] : this.#describe();
  }
}
