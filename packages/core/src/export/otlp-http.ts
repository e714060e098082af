/** OTLP over HTTP, in protocol buffers or JSON: one POST a batch. */
import { VERSION } from '../version.ts';
import type { AttemptResult, BatchTransport } from './transport.ts';
import { HttpPost, type HttpPostOptions } from './http-post.ts';
import { OtlpJsonSpanBuffer } from './otlp-json.ts';
import { parsePartialSuccess, parsePartialSuccessJson } from './otlp-response.ts';
import { EncodedSpanBuffer, type SealedBatch, type SpanBuffer } from './span-buffer.ts';

/** How to reach an OTLP receiver; `url` is the whole URL, with `/v1/traces`. */
export interface OtlpHttpOptions extends HttpPostOptions {
  /** Default `protobuf`; JSON is for receivers that take nothing else. */
  encoding?: 'protobuf' | 'json';
}

/** The transport of `@clew/core`'s OTLP exporter. */
export class OtlpHttpTransport implements BatchTransport {
  readonly name: string;
  readonly target: string;
  readonly componentType: string;
  readonly concurrency: number;
  readonly #http: HttpPost;
  readonly #isJson: boolean;

  constructor(options: OtlpHttpOptions) {
    this.#isJson = options.encoding === 'json';
    this.#http = new HttpPost(options, {
      'content-type': this.#isJson ? 'application/json' : 'application/x-protobuf',
      'user-agent': `Clew-OTLP-Exporter-JavaScript/${VERSION}`,
    });
    this.componentType = this.#isJson ? 'otlp_http_json_exporter' : 'otlp_http_exporter';
    this.concurrency = this.#http.concurrency;
    this.target = this.#http.target.href;
    this.name = `otlp ${this.target}`;
  }

  createBuffer(): SpanBuffer {
    return this.#isJson ? new OtlpJsonSpanBuffer() : new EncodedSpanBuffer();
  }

  async send(batch: SealedBatch, signal: AbortSignal): Promise<AttemptResult> {
    // Batches of this transport are made by its own buffer, which always gives a body.
    const result = await this.#http.post(batch.body as Buffer, signal);
    if (result.kind !== 'answered') return result;
    const parse = this.#isJson ? parsePartialSuccessJson : parsePartialSuccess;
    return { kind: 'delivered', isWritten: result.isWritten, ...parse(result.body) };
  }

  async close(): Promise<void> {
    this.#http.close();
  }
}
