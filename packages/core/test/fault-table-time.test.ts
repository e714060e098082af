/** Faults of clocks, of the event loop and of certificates: no span is lost, none ends before it started. */
import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type DecodedSpan, decodeOtlp } from '@clew/testkit';
import { setClock } from '../src/clock.ts';
import { makeAuthority, readPair } from './support/certificates.ts';
import { accountedFor, type Backend, makeSpans, startBackend, startTest } from './support.ts';

const WALL_MS = 1_700_000_000_000;
const MS = 1_000_000n;

interface Hands {
  nowMs: number;
  wallMs: number;
  /** Let time go by for both clocks. */
  pass(ms: number): void;
}

function takeClocks(t: TestContext): Hands {
  const hands: Hands = {
    ...{ nowMs: 5000, wallMs: WALL_MS },
    pass(ms) {
      hands.nowMs += ms;
      hands.wallMs += ms;
    },
  };
  setClock({ now: () => hands.nowMs, wall: () => hands.wallMs });
  t.after(() => setClock());
  return hands;
}

function spansIn(backend: Backend): DecodedSpan[] {
  return backend.received.flatMap(({ body }) => decodeOtlp(body).scopes.flatMap(({ spans }) => spans));
}

const JUMPS: Array<[what: string, ms: number]> = [
  ['is put forward by an hour', 3_600_000],
  ['is put back by an hour', -3_600_000],
  ['is stepped back by half a second', -500],
];
for (const [what, jumpMs] of JUMPS) {
  test(`a wall clock that ${what} changes no duration, costs no span and causes no request`, async (t) => {
    const clocks = takeClocks(t);
    const backend = await startBackend(t);
    const tracing = startTest(t, { endpoint: backend.url, batch: { scheduledDelayMs: 60_000 } });
    const tracer = tracing.provider.getTracer('test');
    const open = tracer.startSpan('open');
    makeSpans(tracing, 20, 'before');
    clocks.pass(100);
    clocks.wallMs += jumpMs;
    clocks.pass(150);
    open.end();
    makeSpans(tracing, 20, 'after');
    // The wall clock is looked at once a second.
    clocks.pass(1001);
    tracer.startSpan('much later').end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(backend.received.length, 0, 'nothing is due');
    await tracing.forceFlush();
    const spans = spansIn(backend);
    assert.equal(backend.received.length, 1);
    assert.equal(spans.length, 42);
    assert.deepEqual(accountedFor(tracing), { accepted: 42, sum: 42 });
    for (const { startTimeUnixNano: start, endTimeUnixNano: end } of spans) assert.ok(end >= start);
    const across = spans.find(({ name }) => name === 'open') ?? assert.fail();
    assert.equal(across.endTimeUnixNano - across.startTimeUnixNano, 250n * MS);
    const later = spans.find(({ name }) => name === 'much later') ?? assert.fail();
    // Wall clocks are read in whole milliseconds, and a reading stands for the middle of one.
    const offNano = later.startTimeUnixNano - BigInt(clocks.wallMs) * MS;
    assert.ok(offNano >= 0n && offNano < MS, `${offNano} ns off the wall clock`);
  });
}

test('after a blocked event loop what waited goes out in one request', async (t) => {
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url });
  const tracer = tracing.provider.getTracer('test');
  makeSpans(tracing, 100);
  const span = tracer.startSpan('blocked');
  // A hundred times the scheduled delay.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  span.end();
  assert.equal(await tracing.forceFlush(), 'ok');
  assert.equal(backend.received.length, 1);
  assert.deepEqual(accountedFor(tracing), { accepted: 101, sum: 101 });
  assert.equal(tracing.stats().exporters[0]?.exported, 101);
  const { startTimeUnixNano: start, endTimeUnixNano: end } = spansIn(backend).at(-1) ?? assert.fail();
  // Timers may be early by the part of a millisecond that they do not count.
  assert.ok(end - start >= 499n * MS);
});

test('a server whose certificate has expired gets nothing, and every span is counted', async (t) => {
  const authority = makeAuthority(t);
  const pair = authority.issue('server', 'IP:127.0.0.1', { isExpired: true });
  let requests = 0;
  const server = createServer(readPair(pair), (_request, response) => {
    requests++;
    response.end();
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  process.env.OTEL_EXPORTER_OTLP_CERTIFICATE = authority.caPath;
  t.after(() => delete process.env.OTEL_EXPORTER_OTLP_CERTIFICATE);
  // A TCP server's address is an object.
  const { port } = server.address() as AddressInfo;
  const tracing = startTest(t, { endpoint: `https://127.0.0.1:${port}` });
  makeSpans(tracing, 7);
  assert.equal(await tracing.forceFlush(), 'failed');
  assert.equal(requests, 0);
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, { cert_has_expired: 7 });
  assert.deepEqual(accountedFor(tracing), { accepted: 7, sum: 7 });
});
