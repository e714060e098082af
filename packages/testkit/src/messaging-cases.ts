/** The cases of the messaging suite; see `messaging-suite.ts`. */
import assert from 'node:assert/strict';
import { type Context, context, propagation, SpanStatusCode, trace } from '@clew/core';
import { createContextKey } from '@opentelemetry/api';
import { inSpan, type MessagingBench } from './messaging-bench.ts';

// A class of its own: libraries take RangeError and the like for mistakes in a program, and do not try again.
class OutOfStock extends Error {
  override readonly name = 'OutOfStock';
}

/** One case: its claim, and what proves it. */
export type MessagingCase = readonly [title: string, run: (bench: MessagingBench) => Promise<void>];

const TIMEOUT_MS = 20_000;
const SUPPRESS = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

function activeSpanId(): string | undefined {
  return trace.getSpan(context.active())?.spanContext().spanId;
}

/** What holds where spans are made. */
export const MESSAGING_CASES: readonly MessagingCase[] = [
  ['one trace goes from the sender through the message to the handler', oneTrace],
  ['baggage of the sender is there in the handler', baggage],
  ['a message without context starts a new trace, whatever was active when the receiver started', newTrace],
  ['two messages handled at the same time keep their own contexts', interleaved],
  ['a rejecting handler is recorded, and the library gets its very error', rejectingHandler],
  ['a handler that throws at once is recorded, and the library gets its very error', throwingHandler],
  ['a handler that returns nothing ends its span', voidHandler],
  ['a context that the caller put into a message is kept, and linked by the sender', callersContext],
  ['frozen messages are sent, twice with different contexts, and stay as they are', frozenMessages],
  ['all messages of one call carry the context of one span', oneSpanPerCall],
  ['a suppressed context sends without span and without headers', suppressed],
  ['a send that fails is recorded, and rejects with the error of the library', failingSend],
];

/** What holds without a provider. */
export const MESSAGING_CASES_WITHOUT_PROVIDER: readonly MessagingCase[] = [
  ['messages pass through without headers of ours', passThrough],
  ['a context that the caller put into a message arrives', callersContextWithoutProvider],
  ['the library gets the very error of a handler', rejectingHandlerWithoutProvider],
];

async function oneTrace(bench: MessagingBench): Promise<void> {
  let active: string | undefined;
  bench.onMessage = async () => {
    await Promise.resolve();
    active = activeSpanId();
  };
  await inSpan('request', () => bench.client.send([{ key: 'k', value: 'one', partition: 0 }]));
  await bench.receive(1);
  const request = await bench.backend.take('request');
  const send = await bench.takeSend();
  const process = await bench.takeProcess();
  assert.equal(send.name, `send ${bench.destination}`);
  assert.equal(send.parentSpanId, request.spanId);
  assert.equal(process.name, `process ${bench.destination}`);
  assert.deepEqual([send.traceId, process.traceId], [request.traceId, request.traceId]);
  assert.equal(process.parentSpanId, send.spanId);
  assert.deepEqual(
    process.links.map((link) => link.context.spanId),
    [send.spanId],
  );
  assert.equal(active, process.spanId);
  assert.deepEqual([send.scope, process.scope], [bench.scope, bench.scope]);
  assert.deepEqual([send.status.code, process.status.code], [SpanStatusCode.UNSET, SpanStatusCode.UNSET]);
  for (const [span, operation] of [[send, 'send'] as const, [process, 'process'] as const]) {
    assert.equal(span.attributes['messaging.operation.name'], operation);
    assert.equal(span.attributes['messaging.operation.type'], operation);
    assert.equal(span.attributes['messaging.destination.name'], bench.destination);
    assert.equal(typeof span.attributes['messaging.system'], 'string');
    assert.equal(span.attributes['messaging.batch.message_count'], undefined);
  }
}

async function baggage(bench: MessagingBench): Promise<void> {
  let tier: string | undefined;
  bench.onMessage = () => {
    tier = propagation.getActiveBaggage()?.getEntry('customer.tier')?.value;
  };
  const entries = propagation.createBaggage({ 'customer.tier': { value: 'gold & silver' } });
  const active: Context = propagation.setBaggage(context.active(), entries);
  await context.with(active, () => bench.client.send([{ value: 'bag', partition: 0 }]));
  await bench.receive(1);
  await Promise.all([bench.takeSend(), bench.takeProcess()]);
  assert.equal(tier, 'gold & silver');
}

async function newTrace(bench: MessagingBench): Promise<void> {
  bench.onMessage = () => undefined;
  await context.with(context.active().setValue(SUPPRESS, true), () =>
    bench.client.send([{ value: 'bare', partition: 0 }]),
  );
  await bench.receive(1);
  const process = await bench.takeProcess();
  assert.equal(process.parentSpanId, undefined);
  assert.deepEqual(process.links, []);
}

async function interleaved(bench: MessagingBench): Promise<void> {
  const seen = new Map<string, Array<string | undefined>>();
  const [isOpen, open] = gate();
  const [bothRun, runBoth] = gate();
  bench.onMessage = async ({ value }) => {
    if (value === 'gate') return isOpen;
    const ids = [activeSpanId()];
    seen.set(value, ids);
    if (seen.size === 2) runBoth();
    await bothRun;
    ids.push(activeSpanId());
    await new Promise((resolve) => setImmediate(resolve));
    ids.push(activeSpanId());
    return undefined;
  };
  // The receiver is held while both are sent: it fetches them together, else it would wait for the one it got first.
  await bench.client.send([{ value: 'gate', partition: 0 }]);
  await bench.receive(1);
  await Promise.all([
    inSpan('left', () => bench.client.send([{ value: 'left', partition: 0 }])),
    inSpan('right', () => bench.client.send([{ value: 'right', partition: 1 }])),
  ]);
  open();
  await bench.receive(2);
  for (const value of ['left', 'right']) {
    const request = await bench.backend.take(value);
    const ofTrace = (kind: string) =>
      bench.backend.take((span) => span.kind === kind && span.traceId === request.traceId, TIMEOUT_MS);
    const send = await ofTrace('PRODUCER');
    const process = await ofTrace('CONSUMER');
    assert.equal(process.parentSpanId, send.spanId);
    assert.deepEqual(seen.get(value), [process.spanId, process.spanId, process.spanId]);
  }
  await Promise.all([bench.takeSend(), bench.takeProcess()]);
}

function gate(): [isOpen: Promise<void>, open: () => void] {
  let open: () => void = () => undefined;
  const isOpen = new Promise<void>((resolve) => {
    open = resolve;
  });
  return [isOpen, open];
}

async function rejectingHandler(bench: MessagingBench): Promise<void> {
  const error = new OutOfStock('out of stock');
  await failOnce(bench, async () => {
    await Promise.resolve();
    throw error;
  });
  await expectRecorded(bench, error);
}

async function throwingHandler(bench: MessagingBench): Promise<void> {
  const error = new OutOfStock('out of stock at once');
  await failOnce(bench, () => {
    throw error;
  });
  await expectRecorded(bench, error);
}

/** Send one message whose handler fails the first time, and wait until it was handled the second time. */
async function failOnce(bench: MessagingBench, fail: () => unknown): Promise<void> {
  let isFirst = true;
  bench.onMessage = () => {
    if (!isFirst) return undefined;
    isFirst = false;
    return fail();
  };
  await bench.client.send([{ value: 'failing', partition: 0 }]);
  await bench.receive(2);
}

async function expectRecorded(bench: MessagingBench, error: Error): Promise<void> {
  const send = await bench.takeSend();
  const failed = await bench.takeProcess();
  const repeated = await bench.takeProcess();
  assert.ok(bench.client.handlerErrors.includes(error), 'the library got the very error object');
  assert.equal(failed.status.code, SpanStatusCode.ERROR);
  assert.equal(failed.status.message, error.message);
  assert.equal(failed.attributes['error.type'], 'OutOfStock');
  const exceptions = failed.events.filter((event) => event.name === 'exception');
  assert.equal(exceptions.length, 1);
  assert.equal(exceptions[0]?.attributes?.['exception.message'], error.message);
  assert.equal(repeated.status.code, SpanStatusCode.UNSET);
  assert.equal(repeated.attributes['error.type'], undefined);
  assert.deepEqual([failed.parentSpanId, repeated.parentSpanId], [send.spanId, send.spanId]);
}

async function voidHandler(bench: MessagingBench): Promise<void> {
  let active: string | undefined;
  bench.onMessage = () => {
    active = activeSpanId();
  };
  await bench.client.send([{ value: 'void', partition: 0 }]);
  await bench.receive(1);
  await bench.takeSend();
  assert.equal((await bench.takeProcess()).spanId, active);
}

const CALLERS_TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLERS_SPAN_ID = 'b7ad6b7169203331';
const CALLERS_HEADERS = { traceparent: `00-${CALLERS_TRACE_ID}-${CALLERS_SPAN_ID}-01`, tracestate: 'vendor=1' };

async function callersContext(bench: MessagingBench): Promise<void> {
  bench.onMessage = () => undefined;
  await bench.client.send([{ value: 'relayed', headers: { ...CALLERS_HEADERS, mine: 'yes' }, partition: 0 }]);
  const [message] = await bench.receive(1);
  const send = await bench.takeSend();
  const process = await bench.takeProcess();
  assert.deepEqual(message?.headers, { ...CALLERS_HEADERS, mine: 'yes' });
  assert.notEqual(send.traceId, CALLERS_TRACE_ID);
  assert.deepEqual(
    send.links.map((link) => [link.context.traceId, link.context.spanId]),
    [[CALLERS_TRACE_ID, CALLERS_SPAN_ID]],
  );
  assert.deepEqual([process.traceId, process.parentSpanId], [CALLERS_TRACE_ID, CALLERS_SPAN_ID]);
}

async function frozenMessages(bench: MessagingBench): Promise<void> {
  bench.onMessage = () => undefined;
  const headers = Object.freeze({ mine: 'yes' });
  const messages = Object.freeze([Object.freeze({ value: 'frozen', headers, partition: 0 })]);
  await bench.client.send(messages);
  await bench.client.send(messages);
  const received = await bench.receive(2);
  assert.deepEqual(messages, [{ value: 'frozen', headers: { mine: 'yes' }, partition: 0 }]);
  assert.deepEqual(
    received.map((message) => message.headers.mine),
    ['yes', 'yes'],
  );
  for (const message of received) {
    const send = await bench.takeSend();
    await bench.takeProcess();
    assert.match(message.headers.traceparent ?? '', new RegExp(`^00-${send.traceId}-${send.spanId}-0[13]$`));
  }
}

async function oneSpanPerCall(bench: MessagingBench): Promise<void> {
  bench.onMessage = () => undefined;
  await bench.client.send(['a', 'b', 'c'].map((value) => ({ value, partition: 0 })));
  const received = await bench.receive(3);
  const send = await bench.takeSend();
  assert.equal(send.attributes['messaging.batch.message_count'], 3);
  assert.equal(new Set(received.map((message) => message.headers.traceparent)).size, 1);
  for (const _ of received) assert.equal((await bench.takeProcess()).parentSpanId, send.spanId);
}

async function suppressed(bench: MessagingBench): Promise<void> {
  bench.onMessage = () => undefined;
  await inSpan('exporting', () =>
    context.with(context.active().setValue(SUPPRESS, true), () =>
      bench.client.send([{ value: 'quiet', partition: 0 }]),
    ),
  );
  const [message] = await bench.receive(1);
  assert.deepEqual(message?.headers, {});
  await Promise.all([bench.backend.take('exporting'), bench.takeProcess()]);
}

async function failingSend(bench: MessagingBench): Promise<void> {
  await bench.client.close();
  const error: unknown = await bench.client.send([{ value: 'late', partition: 0 }]).catch((reason: unknown) => reason);
  assert.ok(error instanceof Error);
  const send = await bench.takeSend();
  assert.equal(send.status.code, SpanStatusCode.ERROR);
  assert.equal(send.status.message, error.message);
  assert.equal(send.attributes['error.type'], error.name);
}

async function passThrough(bench: MessagingBench): Promise<void> {
  bench.onMessage = () => undefined;
  await bench.client.send([{ value: 'plain', headers: { mine: 'yes' }, partition: 0 }]);
  const [message] = await bench.receive(1);
  assert.deepEqual(message, { value: 'plain', headers: { mine: 'yes' } });
}

async function callersContextWithoutProvider(bench: MessagingBench): Promise<void> {
  bench.onMessage = () => undefined;
  await bench.client.send([{ value: 'relayed', headers: CALLERS_HEADERS, partition: 0 }]);
  const [message] = await bench.receive(1);
  assert.deepEqual(message?.headers, CALLERS_HEADERS);
}

async function rejectingHandlerWithoutProvider(bench: MessagingBench): Promise<void> {
  const error = new OutOfStock('out of stock');
  await failOnce(bench, async () => {
    throw error;
  });
  assert.ok(bench.client.handlerErrors.includes(error), 'the library got the very error object');
}
