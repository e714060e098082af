import assert from 'node:assert/strict';
import { test } from 'node:test';
import { context, type Span, startTracing } from '@clew/core';
import { type ClientFacts, checkMessagingOptions, KnownLink, MessagingTracing } from '@clew/core/messaging';
import { type CollectedSpan, collectSpans, SpanCollector } from '@clew/core/testing';

const SCOPE = { name: 'test-broker', version: '1.2.3' };
const HEADERS = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
const NO_DETAILS = () => [];

function sendWith(facts: ClientFacts, options: { semconv?: 'stable' | 'dup' }, destination?: string): CollectedSpan {
  const spans = collectSpans();
  const { provider } = spans.tracing;
  const messaging = new MessagingTracing(SCOPE, 'rabbitmq', facts, { tracerProvider: provider, ...options });
  messaging.startSend(context.active(), destination, NO_DETAILS, undefined, undefined).end();
  const [span] = spans.all();
  assert.ok(span);
  return span;
}

test('a send names its operation, its destination and its client', () => {
  const facts = { clientId: 'shop', groupName: 'g', server: { address: 'broker.example', port: 5672 } };
  const span = sendWith(facts, {}, 'orders');
  assert.equal(span.name, 'send orders');
  assert.equal(span.kind, 'PRODUCER');
  assert.deepEqual(span.attributes, {
    'messaging.system': 'rabbitmq',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': 'orders',
    'messaging.consumer.group.name': 'g',
    'messaging.client.id': 'shop',
    'server.address': 'broker.example',
    'server.port': 5672,
  });
});

test('a send to several destinations has the name of the operation alone', () => {
  const span = sendWith({}, {});
  assert.equal(span.name, 'send');
  assert.deepEqual(Object.keys(span.attributes), [
    'messaging.system',
    'messaging.operation.name',
    'messaging.operation.type',
  ]);
});

test('old names are added, not put in place of the current ones', () => {
  const facts = { clientId: 'shop', server: { address: 'broker.example', port: 5672 } };
  const stable = sendWith(facts, { semconv: 'stable' }, 'orders').attributes;
  const both = sendWith(facts, { semconv: 'dup' }, 'orders').attributes;
  assert.deepEqual(both, {
    ...stable,
    'messaging.destination': 'orders',
    'messaging.destination_kind': 'topic',
    'messaging.destination.kind': 'topic',
    'messaging.operation': 'send',
    'messaging.client_id': 'shop',
    'net.peer.name': 'broker.example',
    'net.peer.port': 5672,
  });
});

for (const [variable, withOldNames] of [
  ['messaging/dup', true],
  [' HTTP , Messaging/Dup ', true],
  ['messaging', false],
  ['http/dup', false],
  [undefined, false],
] as const) {
  test(`OTEL_SEMCONV_STABILITY_OPT_IN=${variable} ${withOldNames ? 'adds' : 'does not add'} old names`, (t) => {
    const before = process.env.OTEL_SEMCONV_STABILITY_OPT_IN;
    t.after(() => {
      if (before === undefined) delete process.env.OTEL_SEMCONV_STABILITY_OPT_IN;
      else process.env.OTEL_SEMCONV_STABILITY_OPT_IN = before;
    });
    if (variable === undefined) delete process.env.OTEL_SEMCONV_STABILITY_OPT_IN;
    else process.env.OTEL_SEMCONV_STABILITY_OPT_IN = variable;
    assert.equal(new MessagingTracing(SCOPE, 'kafka', {}).withOldNames, withOldNames);
  });
}

test('what is learned later is on the spans that start afterwards', (t) => {
  const spans = collectSpans(t);
  const messaging = new MessagingTracing(SCOPE, 'kafka', {}, { tracerProvider: spans.tracing.provider });
  messaging.startSend(context.active(), 'orders', NO_DETAILS, undefined, undefined).end();
  messaging.learn({ clientId: 'shop' });
  messaging.startSend(context.active(), 'orders', NO_DETAILS, undefined, undefined).end();
  assert.deepEqual(
    spans.all().map((span) => span.attributes['messaging.client.id']),
    [undefined, 'shop'],
  );
});

test('more destinations than are remembered still get their own names', (t) => {
  const spans = collectSpans(t);
  const messaging = new MessagingTracing(SCOPE, 'kafka', {}, { tracerProvider: spans.tracing.provider });
  for (const round of [1, 2]) {
    for (let i = 0; i <= 512; i++)
      messaging.startProcess(context.active(), `t${i}`, round, NO_DETAILS, undefined, undefined).end();
  }
  const all = spans.all();
  assert.equal(all.length, 1026);
  for (const [i, span] of all.entries()) {
    assert.equal(span.name, `process t${i % 513}`);
    assert.equal(span.attributes['messaging.destination.partition.id'], i < 513 ? '1' : '2');
  }
});

test('a message without headers is received in the root context', (t) => {
  const spans = collectSpans(t);
  const messaging = new MessagingTracing(SCOPE, 'kafka', {}, { tracerProvider: spans.tracing.provider });
  assert.equal(messaging.receive(undefined, false).sender, undefined);
  assert.equal(messaging.receive(null, true).sender, undefined);
  assert.equal(messaging.senderOf({ traceparent: 'malformed' }), undefined);
});

test('a link that a limit cuts is cut as every other link is', async () => {
  const collector = new SpanCollector();
  const tracing = startTracing({
    exporter: 'none',
    register: false,
    spanProcessors: [collector],
    limits: { attributePerLinkCountLimit: 1, attributeValueLengthLimit: 3 },
  });
  const messaging = new MessagingTracing(SCOPE, 'kafka', {}, { tracerProvider: tracing.provider });
  const link = new KnownLink(messaging.senderOf(HEADERS) as Span, () => ['a', 'long text', 'b', 2]);
  messaging.startSend(context.active(), 'orders', NO_DETAILS, undefined, [link]).end();
  await tracing.shutdown();
  const [span] = collector.all();
  const [made] = span?.links ?? [];
  assert.deepEqual(made?.context, {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: 1,
    isRemote: true,
  });
  assert.deepEqual({ ...made?.attributes }, { a: 'lon' });
  assert.equal(made?.droppedAttributesCount, 1);
});

test('an unsampled span reads neither its details nor its links', (t) => {
  const spans = collectSpans(t, { sampler: 0 });
  const messaging = new MessagingTracing(SCOPE, 'kafka', {}, { tracerProvider: spans.tracing.provider });
  const fail = () => assert.fail('read for a span that does not record');
  const link = new KnownLink(messaging.senderOf(HEADERS) as Span, fail);
  messaging.startSend(context.active(), 'orders', fail, undefined, [link]).end();
  spans.assertNone();
});

const WRONG: ReadonlyArray<readonly [Record<string, unknown>, RegExp]> = [
  [{ clientID: 'x' }, /no option "clientID", did you mean "clientId"\?/],
  [{ clientId: '' }, /clientId must be a string that is not empty, got ""/],
  [{ groupId: 7 }, /groupId must be a string that is not empty, got 7/],
  [{ brokers: 'localhost:9092' }, /brokers must be an array, got "localhost:9092"/],
  [{ brokers: [undefined] }, /a broker in brokers is not usable, got undefined/],
  [{ recordKey: 'no' }, /recordKey must be true or false, got "no"/],
  [{ semconv: 'old' }, /semconv must be one of stable, dup, got "old"/],
  [{ messageContext: 'links' }, /messageContext must be one of parent, link, got "links", did you mean "link"\?/],
  [{ tracerProvider: {} }, /tracerProvider is not usable, got an object/],
];
const KNOWN = ['tracerProvider', 'clientId', 'groupId', 'brokers', 'recordKey', 'semconv', 'messageContext'];

for (const [options, message] of WRONG) {
  test(`the options ${JSON.stringify(options)} are refused with what was given`, () => {
    assert.throws(() => checkMessagingOptions('traceThing', options, KNOWN), { code: 'CLEW_ERR_OPTION', message });
  });
}

test('options that are right, or not given, pass', () => {
  checkMessagingOptions('traceThing', undefined, KNOWN);
  checkMessagingOptions('traceThing', { clientId: 'c', brokers: ['a:1', 'b:1'], messageContext: 'link' }, KNOWN);
});
