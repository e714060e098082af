/** What the tests send: requests in OTLP JSON with few words, and the official schema to make protobuf of them. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';

import protobuf from 'protobufjs';
import { startViewer, type Viewer, type ViewerOptions } from '../src/index.ts';

/** A span in few words; the rest is filled in. */
export interface SpanSketch {
  traceId?: string;
  spanId?: string;
  parentSpanId?: string;
  name?: string;
  kind?: number;
  /** Milliseconds after {@link START_MS}. */
  startMs?: number;
  durationMs?: number;
  service?: string;
  attributes?: Record<string, string | number | boolean>;
  statusCode?: number;
}

/** An OTLP request as plain JSON. */
export type OtlpRequest = { resourceSpans: unknown[] };

/** When all sketches start. Milliseconds since the Unix epoch. */
export const START_MS = 1_790_000_000_000;
export const TRACE = '5b8efff798038103d269b633813fc60c';
export const OTHER_TRACE = '0af7651916cd43dd8448eb211c80319c';

/** A viewer on free ports, closed when the test ends. */
export async function testViewer(t: TestContext, options: ViewerOptions = {}): Promise<Viewer> {
  const viewer = await startViewer({ port: 0, otlpPort: 0, ...options });
  t.after(() => viewer.close());
  return viewer;
}

/** The request that holds these spans, one resource a span. */
export function request(...spans: SpanSketch[]): OtlpRequest {
  return { resourceSpans: spans.map(resourceSpans) };
}

/** Sends a request as JSON. */
export function send(viewer: Viewer, ...spans: SpanSketch[]): Promise<Response> {
  return post(`${viewer.otlpUrl}/v1/traces`, JSON.stringify(request(...spans)));
}

/** Posts a body, JSON unless another type is given. */
export function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
}

/** Id of 16 hex digits from a number. */
export function spanId(number: number): string {
  return number.toString(16).padStart(16, '0');
}

/** Id of 32 hex digits from a number. */
export function traceId(number: number): string {
  return number.toString(16).padStart(32, '0');
}

/** The official message types, read from the `.proto` files of the OpenTelemetry project. */
export function officialTypes(): {
  traces: protobuf.Type;
  logs: protobuf.Type;
  status: protobuf.Type;
  tracesReply: protobuf.Type;
} {
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve('@elastic/mockotlpserver/package.json'));
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => join(folder, target);
  root.loadSync(
    ['trace', 'logs'].map((signal) => `opentelemetry/proto/collector/${signal}/v1/${signal}_service.proto`),
  );
  protobuf.parse('syntax = "proto3"; package google.rpc; message Status { int32 code = 1; string message = 2; }', root);
  const collector = 'opentelemetry.proto.collector';
  return {
    traces: root.lookupType(`${collector}.trace.v1.ExportTraceServiceRequest`),
    logs: root.lookupType(`${collector}.logs.v1.ExportLogsServiceRequest`),
    tracesReply: root.lookupType(`${collector}.trace.v1.ExportTraceServiceResponse`),
    status: root.lookupType('google.rpc.Status'),
  };
}

function resourceSpans(sketch: SpanSketch, index: number): unknown {
  const { startMs = 0, durationMs = 1, service = 'shop', attributes = {}, statusCode = 0, ...rest } = sketch;
  const startNs = BigInt(START_MS) * 1_000_000n + BigInt(Math.round(startMs * 1e6));
  const span = {
    traceId: TRACE,
    spanId: spanId(index + 1),
    name: 'work',
    kind: 1,
    ...rest,
    startTimeUnixNano: String(startNs),
    endTimeUnixNano: String(startNs + BigInt(Math.round(durationMs * 1e6))),
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) })),
    status: { code: statusCode },
  };
  return {
    resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
    scopeSpans: [{ scope: { name: 'test', version: '1' }, spans: [span] }],
  };
}

function anyValue(value: string | number | boolean): unknown {
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'string') return { stringValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
