import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { isClewError, withSpan } from '@clew/core';
import { collectSpans } from '@clew/core/testing';
import { traceFetch, traceUndici, tracingInterceptor } from '@clew/undici';
import * as undici from 'undici';
import * as undici6 from 'undici-6';
import * as undici6Lowest from 'undici-6.19';
import * as undici7 from 'undici-7';

type Module = typeof undici;

const VERSIONS: Array<[string, Module]> = [
  ['8', undici],
  ['7', undici7 as unknown as Module],
  ['6', undici6 as unknown as Module],
  ['6.19', undici6Lowest as unknown as Module],
];

/** `/redirect` goes to `/end`; `/retry` answers 503 the first time. */
async function startOrigin(t: TestContext): Promise<{ url: string; sent: string[] }> {
  const sent: string[] = [];
  let tries = 0;
  const server = createServer((request, response) => {
    sent.push(String(request.headers.traceparent));
    if (request.url === '/redirect') response.writeHead(302, { location: '/end' }).end();
    else if (request.url === '/retry' && tries++ === 0) response.writeHead(503).end();
    else response.end('ok');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sent };
}

/** What is checked of each attempt: path, status, resend count; parent and wire are checked on the way. */
async function attemptsOf(t: TestContext, path: string, call: (url: string) => Promise<unknown>): Promise<unknown[]> {
  const { url, sent } = await startOrigin(t);
  const spans = collectSpans(t, { register: true });
  await withSpan('parent', () => call(url + path));
  const parent = await spans.take('parent');
  const attempts = spans.all();
  assert.deepEqual(
    sent,
    attempts.map((span) => `00-${span.traceId}-${span.spanId}-03`),
    'each attempt sent its own ids, once',
  );
  return attempts.map((span) => {
    assert.deepEqual([span.traceId, span.parentSpanId], [parent.traceId, parent.spanId]);
    const {
      'url.full': full,
      'http.response.status_code': status,
      'http.request.resend_count': resend,
    } = span.attributes;
    return [new URL(String(full)).pathname, status, resend];
  });
}

const REDIRECTED = [
  ['/redirect', 302, undefined],
  ['/end', 200, 1],
];
const RETRIED = [
  ['/retry', 503, undefined],
  ['/retry', 200, 1],
];

for (const [version, module] of VERSIONS) {
  const { interceptors, request } = module;
  const redirect = interceptors.redirect({ maxRedirections: 3 });
  const retry = interceptors.retry({ maxRetries: 2, minTimeout: 5 });
  for (const [order, chain] of [
    ['redirect, retry', [redirect, retry]],
    ['retry, redirect', [retry, redirect]],
  ] as const) {
    const send = async (t: TestContext, url: string) => {
      const agent = new module.Agent().compose(tracingInterceptor(), ...chain);
      t.after(() => agent.destroy());
      await (await request(url, { dispatcher: agent })).body.dump();
    };
    test(`undici ${version}, ${order}: every hop and every retry is an attempt below the caller's span`, async (t) => {
      assert.deepEqual(await attemptsOf(t, '/redirect', (url) => send(t, url)), REDIRECTED);
    });
    test(`undici ${version}, ${order}: a retry is numbered and keeps the caller's span as its parent`, async (t) => {
      assert.deepEqual(await attemptsOf(t, '/retry', (url) => send(t, url)), RETRIED);
    });
  }

  test(`undici ${version}: with wrapper and interceptor only the attempts have spans`, async (t) => {
    const agent = new module.Agent().compose(tracingInterceptor());
    t.after(() => agent.destroy());
    const fetch = traceFetch(module.fetch as unknown as typeof globalThis.fetch);
    const call = async (url: string) => (await fetch(url, { dispatcher: agent } as object)).text();
    assert.deepEqual(await attemptsOf(t, '/redirect', call), REDIRECTED);
  });

  test(`undici ${version}: with wrapper, interceptor and channels each attempt has one span`, async (t) => {
    const agent = new module.Agent().compose(tracingInterceptor());
    t.after(() => agent.destroy());
    const stop = traceUndici();
    t.after(stop);
    const fetch = traceFetch(module.fetch as unknown as typeof globalThis.fetch);
    const call = async (url: string) => (await fetch(url, { dispatcher: agent } as object)).text();
    assert.deepEqual(await attemptsOf(t, '/redirect', call), REDIRECTED);
    await agent.destroy();
    stop();
  });

  test(`undici ${version}: a Client that does not tell its origin is named by the option or the host header`, async (t) => {
    const { url } = await startOrigin(t);
    const spans = collectSpans(t, { register: true });
    const client = new module.Client(url).compose(tracingInterceptor({ origin: url }));
    t.after(() => client.destroy());
    await (await client.request({ path: '/a', method: 'GET' })).body.dump();
    const span = await spans.take('CLIENT');
    assert.deepEqual([span.attributes['url.full'], span.attributes['server.address']], [`${url}/a`, '127.0.0.1']);
  });
}

test('the wrapper alone makes one span for a redirected call, with the first URL and the last status', async (t) => {
  const { url, sent } = await startOrigin(t);
  const spans = collectSpans(t, { register: true });
  await (await traceFetch(fetch)(`${url}/redirect`, { headers: { connection: 'close' } })).text();
  const span = await spans.take('CLIENT');
  assert.deepEqual(
    [span.attributes['url.full'], span.attributes['http.response.status_code']],
    [`${url}/redirect`, 200],
  );
  assert.equal(sent.length, 2);
});

const INPUTS: Array<[string, (url: string) => [Parameters<typeof fetch>[0], RequestInit?], string]> = [
  ['a text', (url) => [`${url}/a`], 'GET'],
  ['a URL', (url) => [new URL('/a', url)], 'GET'],
  ['a Request', (url) => [new Request(`${url}/a`, { method: 'POST', headers: { 'x-a': '1' } })], 'POST'],
  [
    'a Request and init',
    (url) => [new Request(`${url}/a`, { method: 'POST' }), { method: 'put', headers: [['x-a', '1']] }],
    'PUT',
  ],
  ['Headers', (url) => [`${url}/a`, { headers: new Headers({ 'x-a': '1', traceparent: 'old' }) }], 'GET'],
];
for (const [title, args, name] of INPUTS) {
  test(`fetch of ${title} is traced, and its arguments are not changed`, async (t) => {
    const { url, sent } = await startOrigin(t);
    const spans = collectSpans(t, { register: true });
    const [input, init] = args(url);
    const before = init?.headers instanceof Headers ? [...init.headers] : JSON.stringify(init);
    await (await traceFetch(fetch)(input, init)).text();
    const span = await spans.take('CLIENT');
    assert.equal(span.name, name);
    assert.equal(span.attributes['url.full'], `${url}/a`);
    assert.deepEqual(sent, [`00-${span.traceId}-${span.spanId}-03`]);
    assert.deepEqual(init?.headers instanceof Headers ? [...init.headers] : JSON.stringify(init), before);
  });
}

test('a method in lower case that fetch does not normalise is recorded as it leaves', async (t) => {
  const { url } = await startOrigin(t);
  const spans = collectSpans(t, { register: true });
  assert.equal((await traceFetch(fetch)(url, { method: 'patch' })).status, 400, 'Node.js itself refuses it');
  const { name, attributes } = await spans.take('CLIENT');
  assert.deepEqual(
    [name, attributes['http.request.method'], attributes['http.request.method_original']],
    ['HTTP', '_OTHER', 'patch'],
  );
});

test('what is no http request passes through without a span', async (t) => {
  collectSpans(t, { register: true });
  const traced = traceFetch(fetch);
  assert.equal(await (await traced('data:text/plain,hello')).text(), 'hello');
  await assert.rejects(traced('not a url'), TypeError);
});

test('a blocked port is the error fetch_failed', async (t) => {
  const spans = collectSpans(t, { register: true });
  await assert.rejects(traceFetch(fetch)('http://127.0.0.1:9/'), { message: 'fetch failed' });
  const span = await spans.take('CLIENT');
  assert.deepEqual([span.attributes['error.type'], span.status.code], ['fetch_failed', 2]);
});

test('credentials in a URL are redacted', async (t) => {
  const { url } = await startOrigin(t);
  const spans = collectSpans(t, { register: true });
  const agent = new undici.Agent().compose(tracingInterceptor());
  t.after(() => agent.destroy());
  await assert.rejects(traceFetch(fetch)(url.replace('http://', 'http://me:secret@')));
  const span = await spans.take('CLIENT');
  assert.equal(span.attributes['url.full'], `${url.replace('http://', 'http://REDACTED:REDACTED@')}/`);
  assert.equal(span.attributes['server.address'], '127.0.0.1');
});

test('an upgrade ends its span with the status 101', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    socket.end();
  });
  await once(server, 'listening');
  t.after(() => server.close());
  const spans = collectSpans(t, { register: true });
  for (const [, module] of VERSIONS) {
    const agent = new module.Agent().compose(tracingInterceptor());
    t.after(() => agent.destroy());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { socket } = await module.upgrade(url, { protocol: 'x', dispatcher: agent });
    socket.destroy();
    const span = await spans.take('CLIENT');
    assert.deepEqual([span.attributes['http.response.status_code'], span.status.code], [101, 0]);
  }
});

test('wrapping twice traces once; types stay those of fetch', () => {
  const traced: typeof fetch = traceFetch(fetch);
  assert.equal(traceFetch(traced), traced);
});

test('traceUndici can be ended, and then traces nothing', async (t) => {
  const { url, sent } = await startOrigin(t);
  collectSpans(t, { register: true });
  traceUndici()();
  await (await fetch(url)).text();
  assert.deepEqual(sent, ['undefined']);
});

const WRONG: Array<[string, string, () => unknown, RegExp]> = [
  ['no function', 'TARGET', () => traceFetch(undefined as never), /needs a fetch function/],
  ['an unknown option', 'OPTION', () => traceFetch(fetch, { propagate: [] } as never), /did you mean "propagateTo"/],
  [
    'to wait for a body that the wrapper does not see',
    'OPTION',
    () => traceFetch(fetch, { endOn: 'body' } as never),
    /traceFetch has no option "endOn"/,
  ],
  ['an empty pattern', 'OPTION', () => traceFetch(fetch, { propagateTo: [''] }), /propagateTo must hold texts/],
  ['an origin that is no URL', 'OPTION', () => tracingInterceptor({ origin: 'localhost:1' }), /origin must be an http/],
  [
    'an unknown option of the interceptor',
    'OPTION',
    () => tracingInterceptor({ origins: '' } as never),
    /did you mean "origin"/,
  ],
];
for (const [title, code, call, message] of WRONG) {
  test(`${title} is refused at set-up`, () => {
    assert.throws(
      call,
      (error) => isClewError(error) && error.code === `CLEW_ERR_${code}` && message.test(error.message),
    );
  });
}
