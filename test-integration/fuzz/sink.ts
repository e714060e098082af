/** A receiver on a real socket that keeps what was sent to it, and reads it with decoders that are not ours. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DecodedSpan, decodeOtlp, decodeOtlpJson } from '@clew/testkit';

/** What all three formats say about a span. */
export interface SunkSpan {
  name: string;
  attributes: ReadonlyMap<string, unknown>;
}

/** What arrived, by format. */
export interface Sunk {
  protobuf: SunkSpan[];
  json: SunkSpan[];
  zipkin: SunkSpan[];
  /** Why a request could not be read; each one is a lost batch. */
  malformed: string[];
}

/** A running receiver. */
export interface Sink {
  url(format: Exclude<keyof Sunk, 'malformed'>): URL;
  /** Read and forget what arrived. */
  take(): Sunk;
  close(): Promise<void>;
}

const READERS: Record<Exclude<keyof Sunk, 'malformed'>, (body: Buffer) => SunkSpan[]> = {
  protobuf: (body) => decodeOtlp(body).scopes.flatMap(({ spans }) => spans.map(toSunk)),
  json: (body) => decodeOtlpJson(body).scopes.flatMap(({ spans }) => spans.map(toSunk)),
  zipkin: readZipkin,
};

/** Start a receiver on a free port of 127.0.0.1. */
export async function startSink(): Promise<Sink> {
  let received: Array<{ format: string; body: Buffer }> = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push({ format: (request.url ?? '').slice(1), body: Buffer.concat(chunks) });
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (format) => new URL(`http://127.0.0.1:${port}/${format}`),
    take() {
      const taken = received;
      received = [];
      return read(taken);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function read(received: ReadonlyArray<{ format: string; body: Buffer }>): Sunk {
  const sunk: Sunk = { protobuf: [], json: [], zipkin: [], malformed: [] };
  for (const { format, body } of received) {
    // The paths are those that `url` gave.
    const known = format as keyof typeof READERS;
    try {
      sunk[known].push(...READERS[known](body));
    } catch (error) {
      sunk.malformed.push(`${format}: ${String(error)}`);
    }
  }
  return sunk;
}

function toSunk({ name, attributes }: DecodedSpan): SunkSpan {
  const map = new Map(attributes);
  if (map.size !== attributes.length) throw new Error(`a key comes twice on span ${name}`);
  return { name, attributes: map };
}

/** Zipkin's OpenAPI description, "Span": what has to be there, in its form. */
function readZipkin(body: Buffer): SunkSpan[] {
  const spans: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  if (!Array.isArray(spans)) throw new Error('no list');
  return spans.map((span: Record<string, unknown>) => {
    const tags = Object.entries((span.tags ?? {}) as Record<string, unknown>);
    const isValid =
      /^[0-9a-f]{32}$/.test(String(span.traceId)) &&
      /^[0-9a-f]{16}$/.test(String(span.id)) &&
      (span.parentId === undefined || /^[0-9a-f]{16}$/.test(String(span.parentId))) &&
      (span.kind === undefined || ['CLIENT', 'SERVER', 'PRODUCER', 'CONSUMER'].includes(String(span.kind))) &&
      typeof span.name === 'string' &&
      isMicros(span.timestamp) &&
      isMicros(span.duration) &&
      tags.every(([key, value]) => key !== '' && typeof value === 'string') &&
      (span.annotations === undefined || (Array.isArray(span.annotations) && span.annotations.every(isAnnotation)));
    if (!isValid) throw new Error(`no span: ${JSON.stringify(span).slice(0, 500)}`);
    return { name: String(span.name), attributes: new Map(tags) };
  });
}

function isAnnotation(value: unknown): boolean {
  const { timestamp, value: text } = (value ?? {}) as Record<string, unknown>;
  return isMicros(timestamp) && typeof text === 'string';
}

function isMicros(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
