/** OTLP's JSON on standard output, a line for each batch, for collectors that read the logs of containers. */
import { describeError, reportFault } from '../faults.ts';
import { type ConsoleStream, writeGuarded } from './console-stream.ts';
import type { AttemptResult, BatchTransport } from './transport.ts';
import { OtlpJsonSpanBuffer } from './otlp-json.ts';
import type { SealedBatch } from './span-buffer.ts';

/**
 * The transport of the exporter `otlp/stdout`.
 *
 * @see https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/ "JSON lines file"
 */
export class OtlpStdoutTransport implements BatchTransport {
  readonly name = 'otlp/stdout';
  readonly concurrency = 1;
  readonly #stream: ConsoleStream;

  /** @param stream  where to write to; default `process.stdout` */
  constructor(stream: ConsoleStream = process.stdout) {
    this.#stream = stream;
  }

  createBuffer(): OtlpJsonSpanBuffer {
    return new OtlpJsonSpanBuffer();
  }

  send(batch: SealedBatch): Promise<AttemptResult> {
    return new Promise((resolve, reject) => {
      try {
        // JSON has no line breaks of its own, and batches of this transport have a body. One write: what the
        // application prints cannot come in between.
        writeGuarded(this.#stream, `${batch.body}\n`, (error) => {
          if (error !== undefined) reportFault('console_export', describeError(error));
          resolve(error === undefined ? { kind: 'delivered', rejected: 0 } : { kind: 'drop', reason: 'stdout_failed' });
        });
      } catch (error) {
        reject(error);
      }
    });
  }

  async close(): Promise<void> {}
}
