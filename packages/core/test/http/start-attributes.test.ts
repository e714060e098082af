/** Start attributes are worked out where somebody reads them: a sampler, or a span that is recorded. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { HttpServerTracing } from '@clew/core/http';
import { MessagingTracing } from '@clew/core/messaging';
import type { Attributes } from '@opentelemetry/api';
import { ROOT } from '../../src/context.ts';
import type { Sampler } from '../../src/sampler/types.ts';
import { collectSpans } from '../../src/testing/index.ts';

const SCOPE = { name: 'test', version: '1' };

/** A sampler that keeps everything, and what it was shown. */
function seeing(): { sampler: Sampler; seen: Attributes[] } {
  const seen: Attributes[] = [];
  const shouldSample: Sampler['shouldSample'] = (_context, _traceId, _name, _kind, attributes) => {
    seen.push({ ...attributes });
    return { decision: 2 };
  };
  return { sampler: { shouldSample, toString: () => 'seeing' }, seen };
}

/** Have one request answered by a traced server; returns how often its target was read. */
async function serveOne(t: TestContext, spans: ReturnType<typeof collectSpans>): Promise<number> {
  let reads = 0;
  const library = {
    target: (req: IncomingMessage) => {
      reads++;
      return req.url ?? '';
    },
    forwarded: () => undefined,
    routeAtEnd: () => undefined,
  };
  const options = { tracerProvider: spans.tracing.provider };
  const tracing = new HttpServerTracing(SCOPE, () => library, 'test', options);
  const server = createServer((req, res) => {
    tracing.start(req, res, req, res);
    res.end('ok');
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  const [answer] = (await once(get({ port, host: '127.0.0.1', path: '/a', agent: false }), 'response')) as [
    IncomingMessage,
  ];
  await once(answer.resume(), 'end');
  return reads;
}

test('those of a request are worked out once for a recorded span', async (t) => {
  const spans = collectSpans(t);
  assert.equal(await serveOne(t, spans), 1);
  assert.equal((await spans.take('SERVER')).attributes['url.path'], '/a');
});

test('and never for one that is not sampled by its ids', async (t) => {
  const spans = collectSpans(t, { sampler: 0 });
  assert.equal(await serveOne(t, spans), 0);
});

test('a sampler that wants attributes of a request sees them, worked out once', async (t) => {
  const { sampler, seen } = seeing();
  const spans = collectSpans(t, { sampler });
  assert.equal(await serveOne(t, spans), 1);
  assert.equal((await spans.take('SERVER')).attributes['url.path'], '/a');
  assert.deepEqual(
    seen.map((one) => [one['url.path'], one['http.request.method'], one['url.scheme']]),
    [['/a', 'GET', 'http']],
  );
});

/** Send one message by a traced client; returns how often it was described. */
function sendOne(spans: ReturnType<typeof collectSpans>): number {
  let reads = 0;
  const tracing = new MessagingTracing(SCOPE, 'kafka', {}, { tracerProvider: spans.tracing.provider });
  const describe = (offset: number): unknown[] => {
    reads++;
    return ['messaging.kafka.offset', offset];
  };
  tracing.startSend(ROOT, 'orders', describe, 7, undefined).end();
  return reads;
}

test('those of a message are worked out once for a recorded span', async (t) => {
  const spans = collectSpans(t);
  assert.equal(sendOne(spans), 1);
  assert.equal((await spans.take('PRODUCER')).attributes['messaging.kafka.offset'], 7);
});

test('and never for a message whose span is not sampled by its ids', (t) => {
  assert.equal(sendOne(collectSpans(t, { sampler: 0 })), 0);
});

test('a sampler that wants attributes of a message sees them, worked out once', async (t) => {
  const { sampler, seen } = seeing();
  const spans = collectSpans(t, { sampler });
  assert.equal(sendOne(spans), 1);
  await spans.take('PRODUCER');
  assert.deepEqual(
    seen.map((one) => [one['messaging.kafka.offset'], one['messaging.destination.name']]),
    [[7, 'orders']],
  );
});
