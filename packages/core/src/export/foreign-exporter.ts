/** Lets an exporter made for the official SDK, or one of our own that wants objects, take batches. */
import type { AttemptResult, BatchTransport } from './transport.ts';
import type { SpanExporter } from './readable-span.ts';
import { ObjectSpanBuffer, type SealedBatch } from './span-buffer.ts';
import { activeContext, runInContext, suppressIn } from '../context.ts';

/** A transport over `SpanExporter`. Such exporters do their own retries, so a failure is final here. */
export class ForeignExporterTransport implements BatchTransport {
  readonly name: string;
  readonly concurrency = 1;
  readonly #exporter: SpanExporter;

  constructor(exporter: SpanExporter) {
    this.#exporter = exporter;
    this.name = exporter.constructor?.name ?? 'exporter';
  }

  createBuffer(): ObjectSpanBuffer {
    return new ObjectSpanBuffer();
  }

  send(batch: SealedBatch, signal: AbortSignal): Promise<AttemptResult> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => resolve({ kind: 'drop', reason: 'timeout' }), { once: true });
      suppressed(() => {
        try {
          this.#exporter.export([...batch.spans], ({ code }) => {
            resolve(code === 0 ? { kind: 'delivered', rejected: 0 } : { kind: 'drop', reason: 'exporter_failed' });
          });
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  async flush(): Promise<void> {
    await suppressed(() => this.#exporter.forceFlush?.());
  }

  async close(): Promise<void> {
    await suppressed(() => this.#exporter.shutdown());
  }
}

/** What an exporter does to send spans must not become spans. */
function suppressed<R>(call: () => R): R {
  return runInContext(suppressIn(activeContext()), call);
}
