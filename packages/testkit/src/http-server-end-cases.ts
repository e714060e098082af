/** The cases of the HTTP server suite that are about how a request ends: answers, errors and clients that leave. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { SpanStatusCode, withSpan } from '@clew/core';
import type { CollectedSpan } from '@clew/core/testing';
import type { HttpServerBench, HttpServerCase } from './http-server-bench.ts';

/** What holds where spans are made. */
export const HTTP_SERVER_END_CASES: readonly HttpServerCase[] = [
  ['an answer of 503 is an error without description and exception', answered503],
  ['a thrown error is recorded once', (bench) => failingHandler(bench, failAtOnce)],
  ['a rejecting handler is recorded once', (bench) => failingHandler(bench, failLater)],
  ['an exception that stands for a 4xx answer is no error', exceptionFor404],
  ['a client that leaves before the headers is an error without status code', leavesBeforeHeaders],
  ['a client that leaves in the middle of a body is an error with status code', leavesInsideBody],
  ['a client that leaves while the rest of an ended answer waits is an error', leavesWaitingAnswer],
  ['a client that leaves an event stream is no error', leavesEventStream],
  ['a response that the application destroys is an error', destroyedResponse],
  ['a streamed answer ends its span with its last byte, and keeps its context', streamed],
];

class OutOfStockError extends Error {
  override name = 'OutOfStockError';
}

/** A handler that throws. */
export function failAtOnce(): never {
  throw new OutOfStockError('no pens left');
}

/** A handler that rejects. */
export async function failLater(): Promise<never> {
  await Promise.resolve();
  throw new OutOfStockError('no pens left');
}

async function answered503(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(({ send }) => send(503, 'busy'));
  await server.request('/users/7');
  const span = await bench.takeServerSpan();
  assert.deepEqual(span.status, { code: SpanStatusCode.ERROR });
  assert.equal(span.attributes['error.type'], '503');
  assert.deepEqual(span.events, []);
}

async function failingHandler(bench: HttpServerBench, handle: () => unknown): Promise<void> {
  const server = await bench.open(handle);
  assert.equal((await server.request('/users/7')).status, 500);
  const span = await bench.takeServerSpan();
  assert.deepEqual(span.status, { code: SpanStatusCode.ERROR, message: 'no pens left' });
  assert.equal(span.attributes['error.type'], 'OutOfStockError');
  assert.equal(span.attributes['http.route'], '/users/:id');
  assert.equal(span.attributes['http.response.status_code'], 500);
  assert.deepEqual(
    span.events.map((event) => [
      event.name,
      event.attributes?.['exception.type'],
      event.attributes?.['exception.message'],
    ]),
    [['exception', 'OutOfStockError', 'no pens left']],
  );
}

async function exceptionFor404(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(() => {
    throw Object.assign(new Error('no such user'), { statusCode: 404 });
  });
  assert.equal((await server.request('/users/7')).status, 404);
  const span = await bench.takeServerSpan();
  assert.equal(span.status.code, SpanStatusCode.UNSET);
  assert.equal(span.attributes['error.type'], undefined);
  assert.deepEqual(span.events, []);
  assert.equal(span.attributes['http.route'], '/users/:id');
}

async function leavesBeforeHeaders(bench: HttpServerBench): Promise<void> {
  let arrived: () => void = () => undefined;
  const isHere = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const server = await bench.open(async ({ response, send }) => {
    arrived();
    await once(response, 'close');
    // Too late: nobody is there any more, and the span has ended.
    send(200, 'late');
  });
  const request = server.open('/users/7');
  await isHere;
  request.destroy();
  const span = await bench.takeServerSpan();
  assertDisconnected(span);
  assert.equal(span.attributes['http.response.status_code'], undefined);
  assert.equal(span.attributes['http.route'], '/users/:id');
}

async function leavesInsideBody(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(({ send }) => send(200, endless()));
  const request = server.open('/users/7');
  const [response] = await once(request, 'response');
  await once(response, 'data');
  request.destroy();
  const span = await bench.takeServerSpan();
  assertDisconnected(span);
  assert.equal(span.attributes['http.response.status_code'], 200);
}

async function leavesWaitingAnswer(bench: HttpServerBench): Promise<void> {
  // More than both kernels' buffers take, so that most of it is still here when the client leaves.
  const server = await bench.open(({ send }) => send(200, 'x'.repeat(30_000_000)));
  const request = server.open('/users/7');
  await once(request, 'response');
  request.destroy();
  const span = await bench.takeServerSpan();
  assertDisconnected(span);
  assert.equal(span.attributes['http.response.status_code'], 200);
}

function assertDisconnected(span: CollectedSpan): void {
  assert.equal(span.attributes['error.type'], 'client_disconnect');
  assert.deepEqual(span.status, { code: SpanStatusCode.ERROR });
}

function endless(): Readable {
  return new Readable({
    read() {
      setImmediate(() => this.push('data: tick\n\n'));
    },
  });
}

async function leavesEventStream(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(({ response, send }) => {
    response.setHeader('content-type', 'text/event-stream');
    send(200, endless());
  });
  const request = server.open('/users/7');
  const [response] = await once(request, 'response');
  await once(response, 'data');
  request.destroy();
  const span = await bench.takeServerSpan();
  assert.equal(span.attributes['error.type'], undefined);
  assert.equal(span.status.code, SpanStatusCode.UNSET);
  assert.equal(span.attributes['http.response.status_code'], 200);
}

async function destroyedResponse(bench: HttpServerBench): Promise<void> {
  const reasons = [undefined, new OutOfStockError('gone')];
  for (const reason of reasons) {
    const server = await bench.open(({ response }) => {
      response.destroy(reason);
    });
    const request = server.open('/users/7');
    await new Promise((resolve) => request.on('close', resolve));
    const span = await bench.takeServerSpan();
    assert.equal(span.attributes['error.type'], reason?.name ?? 'response_destroyed');
    assert.equal(span.status.code, SpanStatusCode.ERROR);
    assert.equal(span.status.message, reason?.message);
    assert.equal(span.events.length, reason === undefined ? 0 : 1);
  }
}

async function streamed(bench: HttpServerBench): Promise<void> {
  async function* parts(): AsyncGenerator<string> {
    yield 'a';
    await new Promise((resolve) => setImmediate(resolve));
    withSpan('inside', () => undefined);
    yield 'b';
  }
  const server = await bench.open(({ send }) => send(200, Readable.from(parts())));
  assert.equal((await server.request('/users/7')).body, 'ab');
  const span = await bench.takeServerSpan();
  // Not waited for: it has ended by the time the server span ends.
  const before = bench.backend.all();
  assert.deepEqual(
    before.map((inside) => [inside.name, inside.parentSpanId]),
    [['inside', span.spanId]],
  );
}
