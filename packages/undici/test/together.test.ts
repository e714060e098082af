import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTracing, withSpan } from '@clew/core';
import { collectSpans } from '@clew/core/testing';
import { traceFetch, tracingInterceptor } from '@clew/undici';
import { FetchInterceptor } from '@mswjs/interceptors/fetch';
import type { Dispatcher } from 'undici';
import { serve } from './support/servers.ts';
import { channels, type Fetch, fetchThrough, tracedAgent, VERSIONS } from './support/versions.ts';

/** The versions that have the interceptors `cache`, `deduplicate` and `decompress`. */
const CACHING = VERSIONS.slice(0, 2);
/** The versions that have the interceptor `dns`. */
const RESOLVING = VERSIONS.slice(0, 3);

function startCounting(t: Parameters<typeof serve>[0], headers: Record<string, string> = {}): Promise<string> {
  let count = 0;
  return serve(t, (_request, response) => response.writeHead(200, headers).end(String(++count)));
}

for (const [version, module] of CACHING) {
  const cache = (): ReturnType<typeof module.interceptors.cache> => module.interceptors.cache();

  for (const way of ['interceptor', 'channels']) {
    test(`${version}, ${way}: an answer from the cache is no attempt`, async (t) => {
      const url = await startCounting(t, { 'cache-control': 'max-age=60' });
      const spans = collectSpans(t, { register: true });
      if (way === 'channels') channels(t);
      const dispatcher =
        way === 'channels' ? new module.Agent().compose(cache()) : tracedAgent(t, module, {}, [cache()]);
      t.after(() => dispatcher.destroy());
      for (let i = 0; i < 2; i++) assert.equal(await (await module.request(url, { dispatcher })).body.text(), '1');
      assert.equal(spans.all().length, 1);
    });
  }

  test(`${version}: a call that the cache answers has the wrapper's span, one that leaves the attempt's`, async (t) => {
    const url = await startCounting(t, { 'cache-control': 'max-age=60' });
    const spans = collectSpans(t, { register: true });
    const traced = traceFetch(
      fetchThrough(t, module, tracedAgent(t, module, { urlTemplate: () => 'attempt' }, [cache()])),
    );
    for (let i = 0; i < 2; i++) assert.equal(await (await traced(url)).text(), '1');
    assert.deepEqual(
      spans.all().map(({ name }) => name),
      ['GET attempt', 'GET'],
    );
  });

  test(`${version}: requests that are deduplicated are one attempt`, async (t) => {
    const url = await startCounting(t);
    const spans = collectSpans(t, { register: true });
    const dispatcher = tracedAgent(t, module, {}, [module.interceptors.deduplicate()]);
    const answers = [1, 2, 3].map(async () => (await module.request(url, { dispatcher })).body.text());
    assert.deepEqual(await Promise.all(answers), ['1', '1', '1']);
    assert.equal(spans.all().length, 1);
  });

  test(`${version}: the wrapper's header keeps no request from being deduplicated when it is left out of the key`, async (t) => {
    const url = await startCounting(t);
    const spans = collectSpans(t, { register: true });
    const deduplicate = module.interceptors.deduplicate({
      excludeHeaderNames: ['traceparent', 'tracestate', 'baggage'],
    });
    const traced = traceFetch(fetchThrough(t, module, new module.Agent().compose(deduplicate)));
    const answers = [1, 2, 3].map(async () => (await traced(url)).text());
    assert.deepEqual(await Promise.all(answers), ['1', '1', '1']);
    assert.equal(spans.all().length, 3, 'three calls');
  });
}

for (const [version, module] of RESOLVING) {
  test(`${version}: with the interceptor dns one attempt leaves per call, with wrapper and channels too`, async (t) => {
    const url = await serve(t, (request, response) => response.end(request.headers.traceparent));
    const spans = collectSpans(t, { register: true });
    channels(t);
    const dns = module.interceptors.dns({
      lookup: (_origin, _options, done) => done(null, [{ address: '127.0.0.1', family: 4, ttl: 60_000 }]),
    });
    const traced = traceFetch(fetchThrough(t, module, tracedAgent(t, module, {}, [dns])));
    const received = await (await traced(url.replace('127.0.0.1', 'api.test'))).text();
    const [span, ...others] = spans.all();
    assert.deepEqual(others, []);
    assert.equal(received, `00-${span?.traceId}-${span?.spanId}-03`);
  });
}

for (const [version, module] of VERSIONS) {
  test(`${version}: two interceptors in one chain make one span for an attempt`, async (t) => {
    const url = await serve(t, (request, response) => response.end(request.headers.traceparent));
    const spans = collectSpans(t, { register: true });
    const dispatcher = tracedAgent(t, module, {}, [tracingInterceptor()]);
    const received = await (await module.request(url, { dispatcher })).body.text();
    const [span, ...others] = spans.all();
    assert.deepEqual(others, []);
    assert.equal(received, `00-${span?.traceId}-${span?.spanId}-03`);
  });

  test(`${version}: two subscriptions to the channels make one span for an attempt`, async (t) => {
    const url = await serve(t, (request, response) => response.end(request.headers.traceparent));
    const spans = collectSpans(t, { register: true });
    channels(t);
    channels(t);
    const received = await (await fetchThrough(t, module)(url)).text();
    const [span, ...others] = spans.all();
    assert.deepEqual(others, []);
    assert.equal(received, `00-${span?.traceId}-${span?.spanId}-03`);
  });

  test(`${version}: calls of the wrapper that wait in a full pool keep their parents under the channels`, async (t) => {
    const url = await serve(t, (_request, response) => response.end());
    const spans = collectSpans(t, { register: true });
    channels(t);
    const agent = new module.Agent({ connections: 1 });
    const traced = traceFetch(fetchThrough(t, module, agent));
    t.after(() => agent.destroy());
    const names = ['a', 'b', 'c', 'd'];
    await Promise.all(
      names.map((name) => withSpan(name, { root: true }, async () => (await traced(`${url}/${name}`)).text())),
    );
    for (const name of names) {
      const caller = await spans.take(name);
      const span = await spans.take((one) => one.attributes['url.full'] === `${url}/${name}`);
      assert.deepEqual([span.traceId, span.parentSpanId], [caller.traceId, caller.spanId]);
    }
  });
}

test('a fetch that replaces the global one after it was traced is not called, and one that is traced then is', async (t) => {
  const url = await serve(t, (_request, response) => response.setHeader('connection', 'close').end('real'));
  const spans = collectSpans(t, { register: true });
  const before = traceFetch(fetch);
  const original = globalThis.fetch;
  t.after(() => {
    globalThis.fetch = original;
  });
  globalThis.fetch = async () => new Response('replaced', { status: 418 });
  assert.equal(await (await before(url)).text(), 'real');
  assert.equal((await spans.take('CLIENT')).attributes['http.response.status_code'], 200);
  assert.equal(await (await traceFetch(globalThis.fetch)(url)).text(), 'replaced');
  assert.equal((await spans.take('CLIENT')).attributes['error.type'], '418');
});

test('the interceptor of MSW sees the headers of a fetch that was traced after it came, and not one that was before', async (t) => {
  const spans = collectSpans(t, { register: true });
  const tracedBefore = traceFetch(fetch);
  const seen: unknown[] = [];
  const interceptor = new FetchInterceptor();
  interceptor.apply();
  t.after(() => interceptor.dispose());
  interceptor.on('request', ({ request, controller }) => {
    seen.push(request.headers.get('traceparent'));
    controller.respondWith(new Response('mocked'));
  });
  assert.equal(await (await traceFetch(fetch)('http://api.test/a')).text(), 'mocked');
  const span = await spans.take('CLIENT');
  assert.deepEqual(seen, [`00-${span.traceId}-${span.spanId}-03`]);
  const url = await serve(t, (request, response) => response.end(request.headers.traceparent));
  const sent = await (await tracedBefore(url)).text();
  const past = await spans.take('CLIENT');
  assert.equal(sent, `00-${past.traceId}-${past.spanId}-03`);
});

test('what stands in the place of fetch may return anything, and gives it back', async (t) => {
  const spans = collectSpans(t, { register: true });
  for (const given of [undefined, 7, { json: () => 1 }]) {
    assert.equal(traceFetch((() => given) as never as Fetch)('http://api.test/'), given);
    assert.equal((await spans.take('CLIENT')).status.code, 0);
    assert.equal(await traceFetch((async () => given) as never as Fetch)('http://api.test/'), given);
    assert.equal((await spans.take('CLIENT')).status.code, 0);
  }
  const thrown = new Error('mine');
  const broken = traceFetch((() => {
    throw thrown;
  }) as Fetch);
  assert.throws(() => broken('http://api.test/'), thrown);
  assert.equal((await spans.take('CLIENT')).status.code, 2);
});

test('the exporter of Clew is not traced by the channels', async (t) => {
  const paths: unknown[] = [];
  const url = await serve(t, (request, response) => {
    paths.push(request.url);
    request.resume().on('end', () => response.end());
  });
  const tracing = startTracing({ serviceName: 'test', exporter: 'otlp', endpoint: url });
  channels(t);
  await (await fetch(`${url}/app`, { headers: { connection: 'close' } })).text();
  await tracing.forceFlush();
  assert.deepEqual(paths, ['/app', '/v1/traces']);
  await tracing.shutdown();
  assert.equal(tracing.stats().started, 1, 'the request to the collector has no span');
});

test('types of a traced fetch are those of the fetch', () => {
  const builtIn: typeof fetch = traceFetch(fetch);
  const ofUndici: typeof import('undici')['fetch'] = traceFetch((VERSIONS[0] ?? assert.fail())[1].fetch);
  const narrow: (url: URL, init?: { method: 'GET' }) => Promise<Response> = traceFetch(
    (url: URL, init?: { method: 'GET' }) => fetch(url, init),
  );
  // @ts-expect-error: it takes what the given fetch takes, and nothing else
  const wide: typeof fetch = traceFetch((url: URL) => fetch(url));
  const composed: Dispatcher.ComposedDispatcher = new (VERSIONS[0] ?? assert.fail())[1].Agent().compose(
    tracingInterceptor(),
  );
  assert.deepEqual(
    [builtIn, ofUndici, narrow, wide, composed.dispatch].map((one) => typeof one),
    Array.from({ length: 5 }, () => 'function'),
  );
});
