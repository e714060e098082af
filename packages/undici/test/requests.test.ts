import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectSpans } from '@clew/core/testing';
import { traceFetch, tracingInterceptor } from '@clew/undici';
import { headerLines, serve, serveRaw } from './support/servers.ts';
import { channels, type Fetch, tracedAgent, VERSIONS, WAYS } from './support/versions.ts';

const OLD = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;

const BAD_HOOKS = [
  () => {
    throw new Error('mine');
  },
  () => new Promise(() => {}),
];

for (const { name, start } of WAYS) {
  test(`${name}: one traceparent leaves, also when the caller has set his own`, async (t) => {
    const heads: string[] = [];
    const url = await serveRaw(t, (socket, head) => {
      heads.push(head);
      socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    });
    const spans = collectSpans(t, { register: true });
    const headers = Object.freeze({ TraceParent: OLD, 'x-mine': 'a' });
    await (await start(t)(url, Object.freeze({ headers }))).text();
    const { traceId, spanId } = await spans.take('CLIENT');
    assert.deepEqual(headerLines(heads[0] ?? '', 'traceparent'), [`00-${traceId}-${spanId}-03`]);
    assert.deepEqual(headerLines(heads[0] ?? '', 'x-mine'), ['a']);
  });

  test(`${name}: where no header may go, the caller's own traceparent arrives`, async (t) => {
    const url = await serve(t, (request, response) => response.end(request.headers.traceparent));
    const spans = collectSpans(t, { register: true });
    const answer = await start(t, { propagateTo: ['example.com'] })(url, { headers: { traceparent: OLD } });
    assert.equal(await answer.text(), OLD);
    await spans.take('CLIENT');
  });

  test(`${name}: hooks name, extend and leave out spans`, async (t) => {
    const url = await serve(t, (_request, response) => response.writeHead(200, { 'x-shard': '7' }).end());
    const spans = collectSpans(t, { register: true });
    const send = start(t, {
      ignore: ({ url }) => url.endsWith('/health'),
      urlTemplate: ({ url }) => (url.includes('/users/') ? '/users/{id}' : undefined),
      requestAttributes: ({ method }) => ({ 'app.method': method }),
      responseAttributes: ({ statusCode, header }) => ({ 'app.status': statusCode, 'app.shard': header('x-shard') }),
      captureResponseHeaders: ['X-Shard'],
    });
    await (await send(`${url}/health`)).text();
    await (await send(`${url}/users/7`)).text();
    const { attributes } = await spans.take('GET /users/{id}');
    assert.deepEqual(
      ['url.template', 'app.method', 'app.status', 'app.shard', 'http.response.header.x-shard'].map(
        (key) => attributes[key],
      ),
      ['/users/{id}', 'GET', 200, '7', ['7']],
    );
  });

  test(`${name}: hooks that throw or never settle change nothing`, async (t) => {
    const url = await serve(t, (request, response) => response.end(request.headers.traceparent));
    const spans = collectSpans(t, { register: true });
    for (const hook of BAD_HOOKS) {
      // What hooks return is checked at run time too: their types keep out promises only in TypeScript.
      const options = { ignore: hook, urlTemplate: hook, requestAttributes: hook, responseAttributes: hook } as object;
      const answer = await start(t, options)(url, { headers: { connection: 'close' } });
      const { name, traceId, spanId } = await spans.take('CLIENT');
      assert.deepEqual([answer.status, name], [200, 'GET']);
      assert.equal(await answer.text(), `00-${traceId}-${spanId}-03`);
    }
  });
}

for (const hook of BAD_HOOKS) {
  test(`a propagateTo that ${String(hook).includes('throw') ? 'throws' : 'returns a promise'} sends no headers`, async (t) => {
    const url = await serve(t, (request, response) => response.end(String(request.headers.traceparent)));
    const spans = collectSpans(t, { register: true });
    const answer = await traceFetch(fetch, { propagateTo: hook as never })(url, { headers: { connection: 'close' } });
    assert.equal(await answer.text(), 'undefined');
    await spans.take('CLIENT');
  });
}

interface Received {
  method: string | undefined;
  mine: string | undefined;
  referrer: string | undefined;
  body: string;
  traceparent: string | undefined;
}

const FETCHES: Array<[string, Fetch]> = [
  ['built-in fetch', fetch],
  ...VERSIONS.map(([name, module]) => [`${name}, fetch`, module.fetch as unknown as Fetch] as [string, Fetch]),
];

const INPUTS: Array<[title: string, input: (url: string) => unknown, init: () => unknown, Partial<Received>]> = [
  ['headers as pairs', String, () => ({ headers: [['x-mine', '1']] }), { mine: '1' }],
  ['headers as Map', String, () => ({ headers: new Map([['x-mine', '1']]) }), { mine: '1' }],
  ['headers from a generator', String, () => ({ headers: pairs() }), { mine: '1' }],
  ['headers undefined', String, () => ({ headers: undefined, method: 'PUT', body: 'b' }), { method: 'PUT', body: 'b' }],
  ['a form', String, () => ({ method: 'POST', body: new URLSearchParams({ a: '1' }) }), { body: 'a=1' }],
  ['an object with toString', (url) => ({ toString: () => url }), () => undefined, { method: 'GET' }],
  [
    'a body from a generator, half duplex',
    String,
    () => ({ method: 'POST', body: bytes(), duplex: 'half' }),
    { body: 'one two' },
  ],
];

function* pairs(): Iterable<[string, string]> {
  yield ['x-mine', '1'];
}

async function* bytes(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('one ');
  yield Buffer.from('two');
}

function startEcho(t: Parameters<typeof serve>[0]): Promise<string> {
  return serve(t, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { 'x-mine': mine, referer, traceparent } = request.headers;
    response.setHeader('connection', 'close');
    response.end(JSON.stringify({ method: request.method, mine, referrer: referer, body, traceparent }));
  });
}

for (const [name, original] of FETCHES) {
  for (const [title, input, init, expected] of INPUTS) {
    test(`${name}: ${title} leaves as it would without us, and one header more`, async (t) => {
      const url = await startEcho(t);
      const spans = collectSpans(t, { register: true });
      const response = await traceFetch(original)(input(url) as string, init() as RequestInit);
      const received = (await response.json()) as Received;
      const { traceId, spanId } = await spans.take('CLIENT');
      assert.deepEqual({ ...received, ...expected, traceparent: `00-${traceId}-${spanId}-03` }, received);
    });
  }

  test(`${name}: headers that fetch refuses are refused as they are without us`, async (t) => {
    const url = await startEcho(t);
    const spans = collectSpans(t, { register: true });
    for (const headers of [[['a']], [['x y', '1']], 5, { 'x y': '1' }]) {
      const plain = await original(url, { headers } as never).catch(String);
      assert.match(String(plain), /^TypeError/);
      assert.equal(await traceFetch(original)(url, { headers } as never).catch(String), plain);
      const { status } = await spans.take('CLIENT');
      assert.equal(status.code, 2);
    }
  });

  test(`${name}: what a body does while it is read is not taken for an attempt`, async (t) => {
    const url = await startEcho(t);
    const spans = collectSpans(t, { register: true });
    channels(t);
    const traced = traceFetch(original);
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(await (await fetch(`${url}/inner`)).text());
    }
    const init = { method: 'POST', body: body(), duplex: 'half' } as object;
    await (await traced(`${url}/outer`, init)).text();
    const inner = await spans.take('GET');
    const outer = await spans.take('POST');
    assert.deepEqual(
      [inner, outer].map(({ attributes }) => attributes['http.request.resend_count']),
      [undefined, undefined],
    );
    assert.equal(outer.attributes['url.full'], `${url}/outer`);
  });
}

for (const [name, { fetch, Request }] of [['built-in fetch', globalThis], ...VERSIONS] as ReadonlyArray<
  readonly [string, typeof globalThis]
>) {
  test(`${name}: a Request keeps its method, body, headers, referrer and signal`, async (t) => {
    const url = await startEcho(t);
    const spans = collectSpans(t, { register: true });
    const given = {
      method: 'POST',
      body: 'b',
      headers: { 'x-mine': '1' },
      referrer: 'https://example.com/from',
      referrerPolicy: 'unsafe-url',
    } as const;
    const inits: Array<() => [input: Request | string, init?: RequestInit | Request]> = [
      () => [new Request(url, given)],
      () => [new Request(url, given), { method: 'PUT' }],
      () => [url, new Request(url, given)],
    ];
    for (const args of inits) {
      const plain = (await (await fetch(...(args() as [Request]))).json()) as Received;
      const received = (await (await traceFetch(fetch)(...(args() as [Request]))).json()) as Received;
      const { traceId, spanId } = await spans.take('CLIENT');
      assert.deepEqual(received, { ...plain, traceparent: `00-${traceId}-${spanId}-03` });
      assert.deepEqual([received.mine, received.body], ['1', 'b']);
    }
    await assert.rejects(traceFetch(fetch)(new Request(url, { signal: AbortSignal.abort() })), { name: 'AbortError' });
    assert.equal((await spans.take('CLIENT')).status.code, 0);
  });
}

const DISPATCH_HEADERS: Array<[string, () => unknown]> = [
  ['an object', () => Object.freeze({ 'X-Mine': '1', Traceparent: OLD })],
  ['a flat list', () => Object.freeze(['x-mine', '1', 'traceparent', OLD])],
  [
    'a Map',
    () =>
      new Map([
        ['x-mine', '1'],
        ['traceparent', OLD],
      ]),
  ],
  ['Headers', () => new Headers({ 'x-mine': '1', traceparent: OLD })],
  ['a generator', pairs],
];
for (const [name, module] of VERSIONS) {
  for (const [form, headers] of DISPATCH_HEADERS) {
    test(`${name}, interceptor: headers as ${form} leave with the new traceparent alone`, async (t) => {
      const url = await startEcho(t);
      const spans = collectSpans(t, { register: true });
      const dispatcher = tracedAgent(t, module);
      const { body } = await module.request(url, { dispatcher, headers: headers() } as object);
      const received = (await body.json()) as Received;
      const { traceId, spanId } = await spans.take('CLIENT');
      assert.deepEqual([received.mine, received.traceparent], ['1', `00-${traceId}-${spanId}-03`]);
    });
  }

  test(`${name}, interceptor: a generator of headers is read once, also where it may name the host`, async (t) => {
    const url = await startEcho(t);
    const spans = collectSpans(t, { register: true });
    // A Client does not tell its origin in all versions, so that the headers are looked into.
    const client = new module.Client(url).compose(tracingInterceptor());
    t.after(() => client.destroy());
    const { body } = await client.request({ path: '/', method: 'GET', headers: pairs() } as never);
    const received = (await body.json()) as Received;
    const { traceId, spanId } = await spans.take('CLIENT');
    assert.deepEqual([received.mine, received.traceparent], ['1', `00-${traceId}-${spanId}-03`]);
  });

  test(`${name}, interceptor: headers that undici refuses are refused as they are without us`, async (t) => {
    const url = await startEcho(t);
    const spans = collectSpans(t, { register: true });
    const dispatcher = tracedAgent(t, module);
    for (const headers of [['odd'], 'text', { 'x y': '1' }]) {
      const plain = await module.request(url, { headers } as never).catch(String);
      assert.equal(await module.request(url, { headers, dispatcher } as never).catch(String), plain);
      assert.equal((await spans.take('CLIENT')).status.code, 2);
    }
  });

  test(`${name}: a method in lower case is recorded as it leaves, by interceptor and by channels`, async (t) => {
    const methods: unknown[] = [];
    const url = await serveRaw(t, (socket, head) => {
      methods.push(head.split(' ')[0]);
      socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    });
    const spans = collectSpans(t, { register: true });
    const agents = [tracedAgent(t, module), new module.Agent()];
    t.after(() => agents[1]?.destroy());
    for (const dispatcher of agents) {
      if (dispatcher === agents[1]) channels(t);
      await (await module.request(url, { method: 'patch' as 'PATCH', dispatcher })).body.dump();
      const span = await spans.take('HTTP');
      assert.deepEqual(
        [span.attributes['http.request.method'], span.attributes['http.request.method_original']],
        ['_OTHER', 'patch'],
      );
    }
    assert.deepEqual(methods, ['patch', 'patch']);
  });
}
