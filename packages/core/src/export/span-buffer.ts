/** Collects ended spans until a batch is cut: as OTLP bytes, or as objects for exporters that want them. */
import { type FlatAttributes, flatten } from '../attributes.ts';
import type { RecordingSpan } from '../span.ts';
import type { SpanOwner } from '../span.ts';
import { CHUNK_BYTES, giveBody, giveChunk, takeBody, takeChunk } from './byte-pool.ts';
import { encodeResource, encodeScope, writeSpan } from './otlp-span.ts';
import { ProtoWriter } from './proto-writer.ts';
import type { ReadableSpan, SpanResource } from './readable-span.ts';

/** A batch on its way to one exporter. */
export interface SealedBatch {
  /** The OTLP request, or `undefined` for exporters of span objects. */
  readonly body: Buffer | undefined;
  readonly spans: readonly ReadableSpan[];
  readonly count: number;
  /** Size for the bounds of queues: of the body, or an estimate. */
  readonly bytes: number;
  /** Called at most once, when nobody will read `body` again: its memory goes to the next batch. */
  release?(): void;
}

/** Where ended spans wait until their batch is full. */
export interface SpanBuffer {
  readonly count: number;
  readonly bytes: number;
  /** @throws when the span cannot be encoded; the spans before it are unharmed */
  add(span: RecordingSpan): void;
  /** Cut the batch; the buffer is empty afterwards. Only called when `count` is not 0. */
  seal(): SealedBatch;
}

/**
 * The largest span. A batch is cut when it has 4 MiB, so with one such span more it stays below the 64 MiB that
 * receivers take.
 */
export const MAX_SPAN_BYTES: number = 60_000_000;

/** What `SpanBuffer.add` throws for a larger one. */
export function tooLarge(bytes: number): Error {
  return new Error(`${bytes} bytes are more than the ${MAX_SPAN_BYTES} that a request has room for`);
}

interface Chunk {
  readonly buffer: Buffer;
  /** How much of it is written. */
  readonly bytes: number;
}

/** The encoded spans of one scope: full chunks, and the one that is being written. */
interface ScopeBuffer {
  readonly head: Buffer;
  readonly writer: ProtoWriter;
  readonly full: Chunk[];
  fullBytes: number;
}

// The room that a chunk should have left for the next span: growing a chunk means copying it.
const CHUNK_FULL = CHUNK_BYTES - 3 * 1024;

/**
 * Encodes spans as they come, so that cutting a batch is a copy of bytes and no pause of the event loop. A waiting span
 * is some hundred bytes here instead of a tree of objects that the garbage collector has to walk.
 */
export class EncodedSpanBuffer implements SpanBuffer {
  count = 0;
  bytes = 0;
  #scopes = new Map<SpanOwner, ScopeBuffer>();
  #lastOwner: SpanOwner | undefined;
  #lastScope: ScopeBuffer | undefined;
  #resource: { head: Buffer; tail: Buffer } | undefined;

  add(span: RecordingSpan): void {
    const { owner } = span;
    const scope = owner === this.#lastOwner ? (this.#lastScope as ScopeBuffer) : this.#scopeOf(owner);
    const { writer } = scope;
    const before = writer.position;
    try {
      writeSpan(writer, span);
    } catch (error) {
      writer.position = before;
      throw error;
    }
    const written = writer.position - before;
    if (written > MAX_SPAN_BYTES) {
      writer.position = before;
      throw tooLarge(written);
    }
    this.bytes += written;
    this.count++;
    if (writer.position > CHUNK_FULL) startChunk(scope);
  }

  seal(): SealedBatch {
    const { body, buffer } = this.#assemble();
    const { count } = this;
    this.count = 0;
    this.bytes = 0;
    for (const scope of this.#scopes.values()) empty(scope);
    this.#lastOwner = undefined;
    return { body, spans: [], count, bytes: body.length, release: () => giveBody(buffer) };
  }

  #scopeOf(owner: SpanOwner): ScopeBuffer {
    let scope = this.#scopes.get(owner);
    if (scope === undefined) {
      scope = { head: encodeScope(owner.scope), writer: new ProtoWriter(takeChunk()), full: [], fullBytes: 0 };
      this.#scopes.set(owner, scope);
      this.#resource ??= encodeResourceOf(owner.resource);
    }
    this.#lastOwner = owner;
    this.#lastScope = scope;
    return scope;
  }

  // ExportTraceServiceRequest { resource_spans = 1 { resource = 1, scope_spans = 2 …, schema_url = 3 } }
  #assemble(): { body: Buffer; buffer: Buffer } {
    const { head, tail } = this.#resource as { head: Buffer; tail: Buffer };
    let inner = head.length + tail.length;
    for (const scope of this.#scopes.values()) {
      const length = spanBytes(scope);
      if (length > 0) inner += 1 + varintLength(scope.head.length + length) + scope.head.length + length;
    }
    const total = 1 + varintLength(inner) + inner;
    const buffer = takeBody(total);
    let at = putVarint(buffer, putByte(buffer, 0, 0x0a), inner);
    at += head.copy(buffer, at);
    for (const scope of this.#scopes.values()) {
      const length = spanBytes(scope);
      if (length === 0) continue;
      at = putVarint(buffer, putByte(buffer, at, 0x12), scope.head.length + length);
      at += scope.head.copy(buffer, at);
      for (const chunk of scope.full) at += chunk.buffer.copy(buffer, at, 0, chunk.bytes);
      at += scope.writer.buffer.copy(buffer, at, 0, scope.writer.position);
    }
    tail.copy(buffer, at);
    return { body: buffer.length === total ? buffer : buffer.subarray(0, total), buffer };
  }
}

function spanBytes(scope: ScopeBuffer): number {
  return scope.fullBytes + scope.writer.position;
}

function startChunk(scope: ScopeBuffer): void {
  const { writer } = scope;
  scope.full.push({ buffer: writer.buffer, bytes: writer.position });
  scope.fullBytes += writer.position;
  writer.reset(takeChunk());
}

function empty(scope: ScopeBuffer): void {
  for (const { buffer } of scope.full) giveChunk(buffer);
  scope.full.length = 0;
  scope.fullBytes = 0;
  // One large span may have grown the last chunk.
  if (scope.writer.buffer.length > CHUNK_BYTES) scope.writer.reset(takeChunk());
  else scope.writer.position = 0;
}

/** Keeps span objects, for exporters made for the official SDK. */
export class ObjectSpanBuffer implements SpanBuffer {
  #spans: RecordingSpan[] = [];
  #bytes = 0;

  get count(): number {
    return this.#spans.length;
  }
  get bytes(): number {
    return this.#bytes;
  }

  add(span: RecordingSpan): void {
    this.#spans.push(span);
    // A rough size: what matters is that the bound on a queue of objects exists.
    this.#bytes += 512 + (span.flat?.length ?? 0) * 32 + (span.extras?.events.length ?? 0) * 256;
  }

  seal(): SealedBatch {
    const batch = { body: undefined, spans: this.#spans, count: this.#spans.length, bytes: this.#bytes };
    this.#spans = [];
    this.#bytes = 0;
    return batch;
  }
}

function encodeResourceOf(resource: SpanResource): { head: Buffer; tail: Buffer } {
  const { attributes, schemaUrl } = resource;
  const flat: FlatAttributes = flatten(attributes, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY).flat;
  return encodeResource(flat, schemaUrl);
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length++;
  return length;
}

function putByte(target: Buffer, at: number, value: number): number {
  target[at] = value;
  return at + 1;
}

function putVarint(target: Buffer, at: number, value: number): number {
  let position = at;
  let rest = value;
  while (rest > 127) {
    target[position++] = (rest & 127) | 128;
    rest = Math.floor(rest / 128);
  }
  target[position++] = rest;
  return position;
}
