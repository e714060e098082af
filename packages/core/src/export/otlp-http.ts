/** OTLP over HTTP with protocol buffers: one POST a batch. */
import { VERSION } from '../version.ts';
import type { AttemptResult, BatchTransport } from './delivery.ts';
import { HttpPost, type HttpPostOptions } from './http-post.ts';
import { parsePartialSuccess } from './otlp-response.ts';
import { EncodedSpanBuffer, type SealedBatch } from './span-buffer.ts';

/** How to reach an OTLP receiver; `url` is the whole URL, with `/v1/traces`. */
export interface OtlpHttpOptions extends HttpPostOptions {}

/** The transport of `@clew/core`'s OTLP exporter. */
export class OtlpHttpTransport implements BatchTransport {
  readonly name: string;
  readonly concurrency: number;
  readonly #http: HttpPost;

  constructor(options: OtlpHttpOptions) {
    this.#http = new HttpPost(options, {
      'content-type': 'application/x-protobuf',
      'user-agent': `Clew-OTLP-Exporter-JavaScript/${VERSION}`,
    });
    this.concurrency = this.#http.concurrency;
    this.name = `otlp ${this.#http.target.href}`;
  }

  createBuffer(): EncodedSpanBuffer {
    return new EncodedSpanBuffer();
  }

  async send(batch: SealedBatch, signal: AbortSignal): Promise<AttemptResult> {
    // Batches of this transport are made by its own buffer, which always gives a body.
    const result = await this.#http.post(batch.body as Buffer, signal);
    return result.kind === 'answered' ? { kind: 'delivered', ...parsePartialSuccess(result.body) } : result;
  }

  async close(): Promise<void> {
    this.#http.close();
  }
}
