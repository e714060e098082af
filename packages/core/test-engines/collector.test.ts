/** What a running Collector makes of our requests: it decodes them, and encodes what it understood for the next receiver. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { decodeOtlp, decodeOtlpJson, type DecodedRequest, reencodeOtlp } from '@clew/testkit';
import { parseTraceState } from '../src/propagation/tracestate.ts';
import { startTracing } from '../src/start-tracing.ts';
import { service } from './engine.ts';

type Encoding = 'protobuf' | 'json';

for (const encoding of ['protobuf', 'json'] as const) {
  test(`the Collector passes on what came in ${encoding} as it was, in protobuf and in json`, async (t) => {
    const direct = await startSink(t);
    const collector = await startCollector(t);
    const sent = sendRichTrace(encoding, direct.url);
    await sent.shutdown();
    const original = await direct.body;
    const read = encoding === 'json' ? decodeOtlpJson : decodeOtlp;
    const forwarded = await forward(collector.url, original, encoding);
    assert.equal(forwarded.status, 200);
    const protobuf = await fileUntil(collector.protobufFile, wholeMessage);
    const json = await fileUntil(collector.jsonFile, wholeLine);
    assert.deepEqual(decodeOtlp(protobuf), read(original));
    assert.deepEqual(decodeOtlpJson(json), read(original));
    // Byte by byte: both requests, written again by one encoder that knows one order of fields.
    if (encoding === 'protobuf')
      assertSameBytes(Buffer.from(reencodeOtlp(protobuf)), Buffer.from(reencodeOtlp(original)));
    assertIsWhole(read(original));
  });
}

function assertSameBytes(got: Buffer, wanted: Buffer): void {
  const at = wanted.findIndex((byte, index) => byte !== got[index]);
  const around = (bytes: Buffer): string => bytes.subarray(Math.max(0, at - 16), at + 32).toString('hex');
  assert.ok(got.equals(wanted), `at ${at} of ${got.length}/${wanted.length}: ${around(got)}, not ${around(wanted)}`);
}

/** That the comparison was about something: every kind of value, event, link and parent is there. */
function assertIsWhole({ resource, scopes }: DecodedRequest): void {
  assert.deepEqual(
    scopes.map(({ name, version, spans }) => [name, version, spans.length]),
    [
      ['collector-test', '1.2.3', 2],
      ['other-scope', '', 1],
    ],
  );
  assert.deepEqual(resource.find(([key]) => key === 'service.name')?.[1], service);
  const [child, parent] = scopes[0]?.spans ?? [];
  assert.deepEqual(Object.fromEntries(parent?.attributes ?? []), {
    text: 'grün "x" \\ \u{1f600}',
    lone: 'a\ufffdb',
    truth: false,
    integer: 9007199254740991n,
    negative: -5n,
    double: 0.1,
    big: -(2n ** 63n),
    bytes: new Uint8Array([0, 1, 255]),
    list: ['a', 1n, true, null],
    map: new Map([['inner', new Map([['deep', [1.5]]])]]),
    long: 'x'.repeat(70_000),
  });
  assert.equal(parent?.parentSpanId, 'b7ad6b7169203331');
  assert.equal(parent?.traceState, 'vendor=1,other=2');
  assert.equal(parent?.links[0]?.traceId, 'ab'.repeat(16));
  assert.equal(child?.events[0]?.name, 'row read');
  assert.deepEqual(child?.status, { code: 2, message: 'deadlock detected' });
}

function sendRichTrace(encoding: Encoding, endpoint: string): { shutdown(): Promise<void> } {
  const before = process.env.OTEL_EXPORTER_OTLP_PROTOCOL;
  process.env.OTEL_EXPORTER_OTLP_PROTOCOL = `http/${encoding}`;
  const tracing = startTracing({ serviceName: service, endpoint, register: false, resource: { team: 'shop' } });
  if (before === undefined) delete process.env.OTEL_EXPORTER_OTLP_PROTOCOL;
  else process.env.OTEL_EXPORTER_OTLP_PROTOCOL = before;
  const tracer = tracing.provider.getTracer('collector-test', '1.2.3');
  const traceState = parseTraceState('vendor=1,other=2');
  const caller = trace.wrapSpanContext({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: 3,
    isRemote: true,
    ...(traceState && { traceState }),
  });
  const parent = tracer.startSpan(
    'GET /orders/:id',
    {
      kind: SpanKind.SERVER,
      links: [
        { context: { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: 1 }, attributes: { why: 'retry' } },
      ],
    },
    trace.setSpan(ROOT_CONTEXT, caller),
  );
  const values: Record<string, unknown> = {
    text: 'grün "x" \\ \u{1f600}',
    lone: 'a\ud800b',
    truth: false,
    integer: 9007199254740991,
    negative: -5,
    double: 0.1,
    big: -(2n ** 63n),
    bytes: new Uint8Array([0, 1, 255]),
    list: ['a', 1, true, null],
    map: { inner: { deep: [1.5] } },
    long: 'x'.repeat(70_000),
  };
  // The API's type knows fewer values than the protocol and we do.
  for (const [key, value] of Object.entries(values)) parent.setAttribute(key, value as string);
  const child = tracer.startSpan('SELECT orders', { kind: SpanKind.CLIENT }, trace.setSpan(ROOT_CONTEXT, parent));
  child.addEvent('row read', { rows: 3 });
  child.recordException(new TypeError('broken'));
  child.setStatus({ code: SpanStatusCode.ERROR, message: 'deadlock detected' });
  // On every span: the Collector writes an empty status where there is none, which would be other bytes.
  const inner = tracing.provider.getTracer('other-scope').startSpan('inner', {}, trace.setSpan(ROOT_CONTEXT, parent));
  for (const span of [parent, inner]) span.setStatus({ code: SpanStatusCode.OK });
  child.end();
  inner.end();
  parent.end();
  return tracing;
}

function forward(url: string, body: Buffer, encoding: Encoding): Promise<Response> {
  const type = encoding === 'json' ? 'application/json' : 'application/x-protobuf';
  return fetch(`${url}/v1/traces`, { method: 'POST', headers: { 'content-type': type }, body: new Uint8Array(body) });
}

/** Takes one post and gives its body. */
async function startSink(t: TestContext): Promise<{ url: string; body: Promise<Buffer> }> {
  const server = createServer();
  const body = new Promise<Buffer>((resolve) => {
    server.on('request', async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      resolve(Buffer.concat(chunks));
      response.writeHead(200, { 'content-type': request.headers['content-type'] ?? '' }).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, body };
}

interface Collector {
  url: string;
  /** What it understood, in both encodings. */
  protobufFile: string;
  jsonFile: string;
}

async function startCollector(t: TestContext): Promise<Collector> {
  const binary = process.env.COLLECTOR_BINARY;
  assert.ok(binary !== undefined && binary !== '', 'COLLECTOR_BINARY is not set: path of an OpenTelemetry Collector');
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'clew-collector-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const config = join(folder, 'collector.yaml');
  writeFileSync(config, configuration(port, folder));
  const collector = spawn(binary, ['--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(() => stop(collector));
  await untilReady(collector);
  const [protobufFile, jsonFile] = [join(folder, 'spans.pb'), join(folder, 'spans.json')];
  return { url: `http://127.0.0.1:${port}`, protobufFile, jsonFile };
}

function configuration(port: number, folder: string): string {
  return `
receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:${port}' } } } }
exporters:
  file/proto: { path: '${folder}/spans.pb', format: proto, flush_interval: 50ms }
  file/json: { path: '${folder}/spans.json', format: json, flush_interval: 50ms }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { traces: { receivers: [otlp], exporters: [file/proto, file/json] } }
`;
}

/** Ask until the file holds what is waited for, for 20 seconds at most. */
async function fileUntil(path: string, read: (content: Buffer) => Buffer | undefined): Promise<Buffer> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = read(existsSync(path) ? readFileSync(path) : Buffer.alloc(0));
    if (found !== undefined) return found;
    assert.ok(Date.now() < deadline, `the Collector wrote nothing to ${path}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The file exporter puts four bytes of length, big endian, in front of each message. */
function wholeMessage(content: Buffer): Buffer | undefined {
  if (content.length < 4 || content.length < 4 + content.readUInt32BE(0)) return undefined;
  return content.subarray(4, 4 + content.readUInt32BE(0));
}

function wholeLine(content: Buffer): Buffer | undefined {
  const end = content.indexOf(10);
  return end < 0 ? undefined : content.subarray(0, end);
}

async function untilReady(collector: ChildProcess): Promise<void> {
  let log = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the Collector did not start: ${log}`)), 20_000);
    collector.once('exit', () => reject(new Error(`the Collector ended: ${log}`)));
    collector.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (!log.includes('Everything is ready')) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

async function stop(collector: ChildProcess): Promise<void> {
  if (collector.exitCode !== null) return;
  collector.kill('SIGTERM');
  await once(collector, 'exit');
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
