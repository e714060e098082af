/** Collects ended spans until a batch is cut: as OTLP bytes, or as objects for exporters that want them. */
import { type FlatAttributes, flatten } from '../attributes.ts';
import type { RecordingSpan } from '../span.ts';
import type { SpanOwner } from '../span.ts';

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

interface ScopeBuffer {
  readonly head: Buffer;
  readonly writer: ProtoWriter;
}

// A buffer that one large batch has grown is given back afterwards.
const KEEP_BYTES = 1024 * 1024;

/**
 * Encodes each span at its end, so that cutting a batch is a copy of bytes and no pause of the event loop. A waiting
 * span is some hundred bytes here instead of a tree of objects that the garbage collector has to walk.
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
    this.bytes += writer.position - before;
    this.count++;
  }

  seal(): SealedBatch {
    const body = this.#assemble();
    const { count } = this;
    this.count = 0;
    this.bytes = 0;
    for (const [owner, { writer }] of this.#scopes) {
      if (writer.buffer.length > KEEP_BYTES) this.#scopes.delete(owner);
      else writer.position = 0;
    }
    this.#lastOwner = undefined;
    return { body, spans: [], count, bytes: body.length };
  }

  #scopeOf(owner: SpanOwner): ScopeBuffer {
    let scope = this.#scopes.get(owner);
    if (scope === undefined) {
      scope = { head: encodeScope(owner.scope), writer: new ProtoWriter() };
      this.#scopes.set(owner, scope);
      this.#resource ??= encodeResourceOf(owner.resource);
    }
    this.#lastOwner = owner;
    this.#lastScope = scope;
    return scope;
  }

  // ExportTraceServiceRequest { resource_spans = 1 { resource = 1, scope_spans = 2 …, schema_url = 3 } }
  #assemble(): Buffer {
    const { head, tail } = this.#resource as { head: Buffer; tail: Buffer };
    let inner = head.length + tail.length;
    for (const scope of this.#scopes.values()) {
      const length = scope.writer.position;
      if (length > 0) inner += 1 + varintLength(scope.head.length + length) + scope.head.length + length;
    }
    const body = Buffer.allocUnsafeSlow(1 + varintLength(inner) + inner);
    let at = putVarint(body, putByte(body, 0, 0x0a), inner);
    at += head.copy(body, at);
    for (const { head: scopeHead, writer } of this.#scopes.values()) {
      if (writer.position === 0) continue;
      at = putVarint(body, putByte(body, at, 0x12), scopeHead.length + writer.position);
      at += scopeHead.copy(body, at);
      at += writer.buffer.copy(body, at, 0, writer.position);
    }
    tail.copy(body, at);
    return body;
  }
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
