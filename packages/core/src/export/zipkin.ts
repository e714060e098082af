/** Zipkin's JSON v2 over HTTP: one POST a batch; each span becomes text when it ends. */
import type { RecordingSpan } from '../span.ts';
import { VERSION } from '../version.ts';
import type { AttemptResult, BatchTransport } from './transport.ts';
import { HttpPost, type HttpPostOptions } from './http-post.ts';
import { MAX_SPAN_BYTES, type SealedBatch, type SpanBuffer, tooLarge } from './span-buffer.ts';
import { formatZipkinSpan } from './zipkin-span.ts';

/** The transport of `@clew/core`'s Zipkin exporter; `url` is the whole URL, with `/api/v2/spans`. */
export class ZipkinTransport implements BatchTransport {
  readonly name: string;
  readonly target: string;
  readonly componentType = 'zipkin_http_exporter';
  readonly concurrency: number;
  readonly #http: HttpPost;

  constructor(options: HttpPostOptions) {
    this.#http = new HttpPost(options, {
      'content-type': 'application/json',
      'user-agent': `Clew-Zipkin-Exporter-JavaScript/${VERSION}`,
    });
    this.concurrency = this.#http.concurrency;
    this.target = this.#http.target.href;
    this.name = `zipkin ${this.target}`;
  }

  createBuffer(): ZipkinSpanBuffer {
    return new ZipkinSpanBuffer();
  }

  async send(batch: SealedBatch, signal: AbortSignal): Promise<AttemptResult> {
    // Batches of this transport are made by its own buffer, which always gives a body.
    const result = await this.#http.post(batch.body as Buffer, signal);
    return result.kind === 'answered' ? { kind: 'delivered', rejected: 0 } : result;
  }

  async close(): Promise<void> {
    this.#http.close();
  }
}

/** Collects spans as pieces of JSON text. */
export class ZipkinSpanBuffer implements SpanBuffer {
  bytes = 0;
  #pieces: string[] = [];

  get count(): number {
    return this.#pieces.length;
  }

  add(span: RecordingSpan): void {
    const piece = formatZipkinSpan(span);
    const bytes = Buffer.byteLength(piece) + 1;
    if (bytes > MAX_SPAN_BYTES) throw tooLarge(bytes);
    this.#pieces.push(piece);
    this.bytes += bytes;
  }

  seal(): SealedBatch {
    const body = Buffer.from(`[${this.#pieces.join(',')}]`);
    const { count } = this;
    this.#pieces = [];
    this.bytes = 0;
    return { body, spans: [], count, bytes: body.length };
  }
}
