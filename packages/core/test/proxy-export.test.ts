import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { proxyFor } from '../src/config/proxy.ts';
import { makeAuthority, readPair } from './support/certificates.ts';
import { countSpans, makeSpans, startBackend, startTest, until } from './support.ts';

interface Proxy {
  url: string;
  /** Request lines and credentials that it got. */
  seen: Array<[line: string, authorization: string | undefined]>;
  /** The answers to the next CONNECTs; 200 when empty. */
  refusals: number[];
}

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A forward proxy on a real socket. */
async function startProxy(t: TestContext): Promise<Proxy> {
  const proxy: Proxy = { url: '', seen: [], refusals: [] };
  const server = createServer((incoming, response) => {
    proxy.seen.push([`${incoming.method} ${incoming.url}`, incoming.headers['proxy-authorization']]);
    const { 'proxy-authorization': _, ...headers } = incoming.headers;
    const onward = request(incoming.url ?? '', { method: 'POST', headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0);
      answer.pipe(response);
    });
    incoming.pipe(onward);
  });
  server.on('connect', ({ url, headers }, socket: Socket) => {
    proxy.seen.push([`CONNECT ${url}`, headers['proxy-authorization']]);
    const refusal = proxy.refusals.shift();
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal} No\r\n\r\n`);
      return;
    }
    const onward = connect(Number(url?.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const one of [onward, socket]) one.on('error', () => {});
    t.after(() => onward.destroy());
  });
  proxy.url = `http://me:p%40ss@127.0.0.1:${await listen(t, server)}`;
  return proxy;
}

const CREDENTIALS = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;

function setEnv(t: TestContext, env: Record<string, string>): void {
  t.after(() => {
    for (const name of Object.keys(env)) delete process.env[name];
  });
  Object.assign(process.env, env);
}

test('HTTP_PROXY: the proxy is asked for the whole URL, and the spans arrive', async (t) => {
  const proxy = await startProxy(t);
  const backend = await startBackend(t);
  setEnv(t, { HTTP_PROXY: proxy.url });
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 3);
  await tracing.forceFlush();
  assert.deepEqual(proxy.seen, [[`POST ${backend.url}/v1/traces`, CREDENTIALS]]);
  assert.equal(countSpans(backend.received[0]?.body ?? assert.fail()), 3);
  assert.equal(backend.received[0]?.headers.host, new URL(backend.url).host);
});

test('NO_PROXY: the backend is reached directly', async (t) => {
  const proxy = await startProxy(t);
  const backend = await startBackend(t);
  setEnv(t, { HTTP_PROXY: proxy.url, NO_PROXY: 'example.org,127.0.0.1' });
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 1);
  await tracing.forceFlush();
  assert.deepEqual([proxy.seen.length, backend.received.length], [0, 1]);
});

test('HTTPS_PROXY: one tunnel for many exports, tried again while the proxy is busy; the server is checked', async (t) => {
  const proxy = await startProxy(t);
  const authority = makeAuthority(t);
  let requests = 0;
  const server = createSecureServer(readPair(authority.issue('server', 'IP:127.0.0.1')), (incoming, response) => {
    requests++;
    incoming.resume().on('end', () => response.end());
  });
  const port = await listen(t, server);
  setEnv(t, { HTTPS_PROXY: proxy.url, OTEL_EXPORTER_OTLP_CERTIFICATE: authority.caPath });
  const tracing = startTest(t, { endpoint: `https://127.0.0.1:${port}` });
  proxy.refusals.push(503);
  for (let i = 1; i <= 2; i++) {
    makeSpans(tracing, 1);
    await until(() => tracing.stats().exporters[0]?.exported === i, 'the span');
  }
  assert.deepEqual(proxy.seen, Array(2).fill([`CONNECT 127.0.0.1:${port}`, CREDENTIALS]));
  assert.equal(requests, 2);
  delete process.env.OTEL_EXPORTER_OTLP_CERTIFICATE;
  const distrustful = startTest(t, { endpoint: `https://127.0.0.1:${port}` });
  makeSpans(distrustful, 1);
  await distrustful.forceFlush();
  assert.deepEqual(distrustful.stats().exporters[0]?.dropped, { unable_to_verify_leaf_signature: 1 });
  assert.equal(requests, 2);
});

test('a proxy that refuses for good drops the batch, counted by its status', async (t) => {
  const proxy = await startProxy(t);
  proxy.refusals.push(407);
  setEnv(t, { https_proxy: proxy.url });
  const tracing = startTest(t, { endpoint: 'https://127.0.0.1:1' });
  makeSpans(tracing, 2);
  await tracing.forceFlush();
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, { proxy_407: 2 });
});

const HTTP = 'http://proxy:3128/';
const CASES: Array<[url: string, env: NodeJS.ProcessEnv, proxy: string | undefined]> = [
  ['http://c:4318', {}, undefined],
  ['http://c:4318', { HTTP_PROXY: '', http_proxy: ' ' }, undefined],
  ['http://c:4318', { HTTP_PROXY: HTTP }, HTTP],
  ['http://c:4318', { HTTP_PROXY: 'proxy:3128' }, HTTP],
  ['http://c:4318', { HTTP_PROXY: 'http://other', http_proxy: HTTP }, HTTP],
  ['http://c:4318', { HTTPS_PROXY: HTTP }, undefined],
  ['https://c', { HTTPS_PROXY: HTTP, HTTP_PROXY: 'http://other' }, HTTP],
  ['http://c:4318', { HTTP_PROXY: HTTP, NO_PROXY: '*' }, undefined],
  ['http://a.c:4318', { HTTP_PROXY: HTTP, NO_PROXY: 'x, C' }, undefined],
  ['http://a.c:4318', { HTTP_PROXY: HTTP, NO_PROXY: '.c' }, undefined],
  ['http://a.c:4318', { HTTP_PROXY: HTTP, NO_PROXY: '*.c' }, undefined],
  ['http://ac:4318', { HTTP_PROXY: HTTP, NO_PROXY: 'c' }, HTTP],
  ['http://c:4318', { HTTP_PROXY: HTTP, NO_PROXY: 'c:4318' }, undefined],
  ['http://c:4318', { HTTP_PROXY: HTTP, NO_PROXY: 'c:4319' }, HTTP],
  ['http://c', { HTTP_PROXY: HTTP, NO_PROXY: 'c:80' }, undefined],
  ['http://[::1]:4318', { HTTP_PROXY: HTTP, NO_PROXY: '::1' }, undefined],
  ['http://[::1]:4318', { HTTP_PROXY: HTTP, NO_PROXY: '[::1]:4318' }, undefined],
  ['http://[::1]:4318', { HTTP_PROXY: HTTP, NO_PROXY: '[::1]:1' }, HTTP],
];
for (const [url, env, proxy] of CASES) {
  test(`${url} with ${JSON.stringify(env)} goes ${proxy === undefined ? 'directly' : 'through the proxy'}`, () => {
    assert.equal(proxyFor(new URL(url), env, assert.fail)?.href, proxy);
  });
}

test('a proxy that is no http URL is reported without its value, and not used', () => {
  const warnings: string[] = [];
  const env = { HTTP_PROXY: 'socks5://me:secret@proxy' };
  assert.equal(
    proxyFor(new URL('http://c'), env, (text) => warnings.push(text)),
    undefined,
  );
  assert.deepEqual(warnings, ['HTTP_PROXY must be a URL with http or https; it counts as not set']);
});
