/** Counts ended spans, and those that a handler of another request has written on. */
import { SpanKind } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@clew/core';

/** A processor of the official SDK's shape. */
export class SpanCounter implements SpanProcessor {
  readonly ended: Record<string, number> = {};
  strange = 0;

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const kind = SpanKind[span.kind] ?? String(span.kind);
    this.ended[kind] = (this.ended[kind] ?? 0) + 1;
    const offered = span.attributes['test.traceparent'];
    if (offered !== undefined && String(offered).split('-')[1] !== span.spanContext().traceId) this.strange++;
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}
