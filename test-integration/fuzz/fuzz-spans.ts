/** Random spans there and back: what the official schema decodes is what was recorded, byte for byte the same twice. */
import { isDeepStrictEqual } from 'node:util';
import {
  type Link,
  OtlpHttpTransport,
  type ReadableSpan,
  type Span,
  SpanKind,
  type SpanProcessor,
  startTracing,
  type Tracer,
} from '@clew/core';
import { type DecodedAttributes, type DecodedSpan, decodeOtlp, decodeOtlpJson, reencodeOtlp } from '@clew/testkit';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { noteCase } from './progress.ts';
import { Random } from './random.ts';
import { type Failures, noteFailure, show } from './report.ts';

/** What a run has seen. */
export interface SpanReport {
  spans: number;
  attributes: number;
  bytes: number;
  failures: Failures;
}

/** A span as it was recorded, in the decoder's words. */
interface Expected {
  name: string;
  kind: number;
  attributes: DecodedAttributes;
  events: Array<{ name: string; timeUnixNano: bigint; attributes: DecodedAttributes }>;
  links: Array<{ traceId: string; spanId: string; attributes: DecodedAttributes }>;
  status: { code: number; message: string };
  startTimeUnixNano: bigint;
  endTimeUnixNano: bigint;
}

type SpanBuffer = ReturnType<OtlpHttpTransport['createBuffer']>;

const BATCH = 200;
const KEYS = ['http.request.method', 'url.path', 'name', 'ü', '__proto__', 'a\0b', '😀', 'k'.repeat(120)];
const EPOCH_S = 1_700_000_000;

/**
 * Record spans and read them back from both encodings.
 *
 * @param first  number of the first one; a span depends on the seed and its number alone
 */
export function fuzzSpans(seed: number, first: number, count: number): SpanReport {
  const report: SpanReport = { spans: 0, attributes: 0, bytes: 0, failures: { count: 0, first: [] } };
  const url = new URL('http://127.0.0.1/not-sent');
  const [one, other] = [new OtlpHttpTransport({ url }), new OtlpHttpTransport({ url })].map((t) => t.createBuffer());
  const json = new OtlpHttpTransport({ url, encoding: 'json' }).createBuffer();
  // The three are there: two transports were mapped.
  const buffers = [one as SpanBuffer, other as SpanBuffer, json] as const;
  const tracing = startTracing({ exporter: 'none', register: false, spanProcessors: [new Filling(buffers)] });
  const tracer = tracing.provider.getTracer('round-trip', '1.0.0');
  for (let at = first; at < first + count; at += BATCH) {
    const end = Math.min(at + BATCH, first + count);
    const expected: Expected[] = [];
    for (let index = at; index < end; index++) {
      noteCase('spans', index);
      expected.push(record(tracer, Random.forCase(seed, index)));
    }
    report.spans += expected.length;
    report.attributes += expected.reduce((sum, { attributes }) => sum + attributes.length, 0);
    const [body, again, text] = buffers.map((buffer) => buffer.seal().body ?? Buffer.alloc(0));
    compare(report, seed, at, expected, body as Buffer, again as Buffer, text as Buffer);
  }
  void tracing.shutdown();
  return report;
}

/** Writes each span into several buffers when it ends, as several exporters would. */
class Filling implements SpanProcessor {
  readonly ignoresStart = true;
  readonly #buffers: readonly SpanBuffer[];

  constructor(buffers: readonly SpanBuffer[]) {
    this.#buffers = buffers;
  }

  onStart(): void {}
  onEnd(span: ReadableSpan): void {
    // Every span of this provider is one of Clew's.
    for (const buffer of this.#buffers) buffer.add(span as never);
  }
  async forceFlush(): Promise<void> {}
  async shutdown(): Promise<void> {}
}

function compare(
  report: SpanReport,
  seed: number,
  at: number,
  expected: readonly Expected[],
  body: Buffer,
  again: Buffer,
  json: Buffer,
): void {
  report.bytes += body.length;
  const note = (index: number, what: string, input: unknown): void =>
    noteFailure(report.failures, () => ({
      what,
      input: show(input),
      repeat: `--seed ${seed} --first ${index} --headers 0 --api 0 --spans 1`,
    }));
  if (!body.equals(again)) note(at, 'the same spans gave other bytes', expected.length);
  const canonical = reencodeOtlp(body);
  if (!Buffer.from(reencodeOtlp(canonical)).equals(canonical)) note(at, 'decoding is not stable', expected.length);
  const fromProtobuf = spansOf(decodeOtlp(body));
  const fromJson = spansOf(decodeOtlpJson(json));
  for (const [i, one] of expected.entries()) {
    for (const [encoding, got] of [
      ['protobuf', fromProtobuf[i]],
      ['JSON', fromJson[i]],
    ] as const) {
      const said = got === undefined ? undefined : pick(got);
      if (!isDeepStrictEqual(said, one)) note(at + i, `${encoding} says something else: ${show(said)}`, one);
    }
  }
}

function spansOf(request: ReturnType<typeof decodeOtlp>): DecodedSpan[] {
  return request.scopes.flatMap(({ spans }) => spans);
}

function pick(span: DecodedSpan): Expected {
  const { name, kind, attributes, status, startTimeUnixNano, endTimeUnixNano } = span;
  const events = span.events.map((event) => ({
    name: event.name,
    timeUnixNano: event.timeUnixNano,
    attributes: event.attributes,
  }));
  const links = span.links.map((link) => ({ traceId: link.traceId, spanId: link.spanId, attributes: link.attributes }));
  return { name, kind, attributes, events, links, status, startTimeUnixNano, endTimeUnixNano };
}

function record(tracer: Tracer, random: Random): Expected {
  const start: [number, number] = [EPOCH_S + random.below(1000), random.below(1_000_000_000)];
  const end: [number, number] = [start[0] + 1 + random.below(1000), random.below(1_000_000_000)];
  const name = random.anyText(30);
  const kind = random.pick([SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER]);
  const given = attributes(random, 8);
  const span = tracer.startSpan(name, { kind, startTime: start, attributes: given as never }, ROOT_CONTEXT);
  const changed = overwrite(random, span, given);
  const events = Array.from({ length: random.below(3) }, () => addEvent(random, span, start));
  const links = Array.from({ length: random.below(3) }, () => addLink(random, span));
  const message = random.pick(['', 'no stock', random.anyText(10)]);
  const isFailed = random.oneIn(3);
  if (isFailed) span.setStatus({ code: 2, message });
  span.end(end);
  return {
    ...{ name: name.toWellFormed(), kind: kind + 1, attributes: expectedAttributes(changed), events, links },
    status: isFailed ? { code: 2, message: message.toWellFormed() } : { code: 0, message: '' },
    ...{ startTimeUnixNano: nanos(start), endTimeUnixNano: nanos(end) },
  };
}

/** Sets some keys once more: each has to arrive once, with its last value, in its first place. */
function overwrite(random: Random, span: Span, given: Record<string, unknown>): Record<string, unknown> {
  const all = Object.assign(Object.create(null) as Record<string, unknown>, given);
  for (let i = random.below(4); i > 0; i--) {
    const key = random.pick([...KEYS, ...Object.keys(given)]);
    all[key] = value(random, 2);
    span.setAttribute(key, all[key] as never);
  }
  return all;
}

function addEvent(random: Random, span: Span, start: [number, number]): Expected['events'][number] {
  const name = random.anyText(10);
  const given = attributes(random, 3);
  const time: [number, number] = [start[0], random.below(1_000_000_000)];
  span.addEvent(name, given as never, time);
  return { name: name.toWellFormed(), timeUnixNano: nanos(time), attributes: expectedAttributes(given) };
}

function addLink(random: Random, span: Span): Expected['links'][number] {
  const context = { traceId: random.hex(32), spanId: random.hex(16), traceFlags: random.below(4) };
  const given = attributes(random, 2);
  const link: Link = { context, attributes: given as never };
  span.addLink(link);
  return { traceId: context.traceId, spanId: context.spanId, attributes: expectedAttributes(given) };
}

function attributes(random: Random, most: number): Record<string, unknown> {
  const given = Object.create(null) as Record<string, unknown>;
  for (let i = random.below(most + 1); i > 0; i--) {
    const key = random.oneIn(2) ? random.pick(KEYS) : `key.${random.token(12)}`;
    given[key] = value(random, 3);
  }
  return given;
}

function value(random: Random, depth: number): unknown {
  switch (random.below(depth > 0 ? 12 : 8)) {
    case 0:
      return random.pick(['GET', 'GET', '200', '']);
    case 1:
      return random.oneIn(30) ? random.anyText(40).repeat(500) : random.anyText(40);
    case 2:
      return random.oneIn(2);
    case 3:
      return random.pick([0, -0, 1, -1, 200, 2 ** 31, 2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 53, 0.1, 1e300, 5e-324]);
    case 4:
      return random.pick([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    case 5:
      return random.pick([0n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 60n]);
    case 6:
      return new Uint8Array(Array.from({ length: random.below(20) }, () => random.below(256)));
    case 7:
      return random.below(2 ** 31);
    case 8:
    case 9:
      return Array.from({ length: random.below(4) }, () => (random.oneIn(6) ? null : value(random, depth - 1)));
    default:
      return attributesAt(random, depth - 1);
  }
}

function attributesAt(random: Random, depth: number): Record<string, unknown> {
  const given = Object.create(null) as Record<string, unknown>;
  for (let i = random.below(4); i > 0; i--) given[random.pick(KEYS)] = value(random, depth);
  return given;
}

function expectedAttributes(given: Record<string, unknown>): DecodedAttributes {
  return Object.entries(given).map(([key, one]) => [key, expectedValue(one)]);
}

function expectedValue(given: unknown): unknown {
  if (typeof given === 'string') return given.toWellFormed();
  if (typeof given === 'number') return Number.isSafeInteger(given) && !Object.is(given, -0) ? BigInt(given) : given;
  if (typeof given !== 'object' || given === null || given instanceof Uint8Array) return given;
  if (Array.isArray(given)) return given.map(expectedValue);
  return new Map(Object.entries(given).map(([key, one]) => [key, expectedValue(one)]));
}

function nanos([seconds, rest]: [number, number]): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(rest);
}
