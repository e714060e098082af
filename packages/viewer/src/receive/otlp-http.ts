/**
 * `POST /v1/traces` and `/v1/logs`: OTLP over HTTP, in protobuf or JSON.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp-response "errors are a google.rpc.Status in the request's type"
 */
import type { IncomingMessage } from 'node:http';
import { json, type Reply } from '../http/reply.ts';
import { isTraceId, type LogLine, type Span } from '../store/model.ts';
import type { LogStore } from '../store/log-store.ts';
import type { TraceStore } from '../store/trace-store.ts';
import { type BodyReader, discard } from '../http/body.ts';
import { lineOfRecord, type LogRecord } from './log-record.ts';
import { decodeJsonLogs, decodeJsonTraces } from './otlp-json.ts';
import { decodeLogs, decodeTraces } from './otlp-proto.ts';
import { exportReply, rpcStatus } from './otlp-reply.ts';
import { DecodeError } from './protobuf.ts';

type Encoding = 'protobuf' | 'json';

interface Rejection {
  readonly rejected: number;
  readonly reason: string;
}

const PROTOBUF_TYPE = 'application/x-protobuf';
const JSON_TYPE = 'application/json';
const NO_REJECTION: Rejection = { rejected: 0, reason: '' };
/** `google.rpc.Code` by HTTP status. */
const RPC_CODES: Readonly<Record<number, number>> = { 400: 3, 413: 8, 415: 3, 429: 8 };

/** Receives spans. */
export function receiveTraces(request: IncomingMessage, bodies: BodyReader, store: TraceStore): Promise<Reply> {
  const accept = (body: Buffer, encoding: Encoding): Rejection => {
    const spans: Span[] = encoding === 'json' ? decodeJsonTraces(JSON.parse(body.toString())) : decodeTraces(body);
    return spans.length === 0 ? NO_REJECTION : store.add(spans, body.length);
  };
  return receive(request, bodies, accept, 'rejectedSpans');
}

/** Receives log records. */
export function receiveLogs(request: IncomingMessage, bodies: BodyReader, store: LogStore): Promise<Reply> {
  const accept = (body: Buffer, encoding: Encoding): Rejection => {
    const records: LogRecord[] = encoding === 'json' ? decodeJsonLogs(JSON.parse(body.toString())) : decodeLogs(body);
    const rejected = store.add(records.map(lineOfTrace), body.length);
    return { rejected, reason: rejected === 0 ? '' : 'one trace has more lines than are kept' };
  };
  return receive(request, bodies, accept, 'rejectedLogRecords');
}

async function receive(
  request: IncomingMessage,
  bodies: BodyReader,
  accept: (body: Buffer, encoding: Encoding) => Rejection,
  rejectedField: string,
): Promise<Reply> {
  const encoding = encodingOf(request.headers['content-type']);
  if (encoding === undefined) {
    discard(request);
    return statusReply('json', 415, `content-type must be ${PROTOBUF_TYPE} or ${JSON_TYPE}`);
  }
  const body = await bodies.read(request);
  if (!body.ok) return statusReply(encoding, body.status, body.message);
  try {
    const { rejected, reason } = accept(body.bytes, encoding);
    if (encoding === 'protobuf') return { status: 200, type: PROTOBUF_TYPE, body: exportReply(rejected, reason) };
    // 64-bit numbers are text in protobuf's JSON.
    const partialSuccess = { [rejectedField]: String(rejected), errorMessage: reason };
    return json(200, rejected === 0 ? {} : { partialSuccess });
  } catch (error) {
    if (error instanceof DecodeError || error instanceof SyntaxError) return statusReply(encoding, 400, error.message);
    throw error;
  }
}

function statusReply(encoding: Encoding, status: number, message: string): Reply {
  const code = RPC_CODES[status] ?? 2;
  const headers: Record<string, string> = status === 429 ? { 'retry-after': '1' } : {};
  if (encoding === 'json') return json(status, { code, message }, headers);
  return { status, type: PROTOBUF_TYPE, body: rpcStatus(code, message), headers };
}

function lineOfTrace(record: LogRecord): LogLine {
  return lineOfRecord(isTraceId(record.traceId) ? record : { ...record, traceId: '' });
}

function encodingOf(contentType: string | undefined): Encoding | undefined {
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  if (type === PROTOBUF_TYPE) return 'protobuf';
  return type === JSON_TYPE ? 'json' : undefined;
}
