import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { collectSpans } from '@clew/core/testing';
import type { Dispatcher } from 'undici';
import { listen, serve, urlOf } from './support/servers.ts';
import { channels, type Module, tracedAgent, VERSIONS } from './support/versions.ts';

const WEBSOCKET_KEY = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

interface Upgrading {
  url: string;
  /** One per request, with all values of the header. */
  sent: string[][];
  /** The server's ends of the connections. */
  sockets: Socket[];
}

/** Answers upgrades, WebSocket's among them, and tunnels to itself; `/refused` is answered 403. */
async function startUpgrading(t: TestContext): Promise<Upgrading> {
  const sent: string[][] = [];
  const sockets: Socket[] = [];
  const server = createServer((_request, response) => response.end('inside'));
  server.on('upgrade', (request, socket: Socket) => {
    sent.push(request.headersDistinct.traceparent ?? []);
    if (request.url === '/refused') {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    sockets.push(socket);
    const key = createHash('sha1').update(`${request.headers['sec-websocket-key']}${WEBSOCKET_KEY}`).digest('base64');
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n' +
        `upgrade: ${request.headers.upgrade}\r\nsec-websocket-accept: ${key}\r\n\r\n`,
    );
  });
  server.on('connect', (request, socket: Socket) => {
    sent.push(request.headersDistinct.traceparent ?? []);
    sockets.push(socket);
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    const inner = connect(Number(request.url?.split(':')[1]), '127.0.0.1');
    inner.on('error', () => socket.destroy());
    socket.on('error', () => inner.destroy()).on('close', () => inner.destroy());
    socket.pipe(inner).pipe(socket);
  });
  const url = urlOf(await listen(t, server));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  return { url, sent, sockets };
}

type Ways = Array<[string, (t: TestContext, module: Module) => Dispatcher]>;

const WAYS: Ways = [
  ['interceptor', (t, module) => tracedAgent(t, module)],
  [
    'channels',
    (t, module) => {
      channels(t);
      const agent = new module.Agent();
      t.after(() => agent.destroy());
      return agent;
    },
  ],
];

for (const [version, module] of VERSIONS) {
  for (const [way, start] of WAYS) {
    const name = `${version}, ${way}`;

    test(`${name}: an upgrade ends its span with the status 101, while its connection stays open`, async (t) => {
      const { url, sent } = await startUpgrading(t);
      const spans = collectSpans(t, { register: true });
      const dispatcher = start(t, module);
      const { socket, headers } = await module.upgrade(url, { protocol: 'x', dispatcher });
      const { traceId, spanId, attributes, status } = await spans.take('GET');
      assert.deepEqual([attributes['http.response.status_code'], status.code], [101, 0]);
      assert.deepEqual(sent, [[`00-${traceId}-${spanId}-03`]]);
      assert.equal(headers.upgrade, 'x');
      socket.destroy();
    });

    test(`${name}: an upgrade that is refused is the error of its status`, async (t) => {
      const { url } = await startUpgrading(t);
      const spans = collectSpans(t, { register: true });
      await assert.rejects(module.upgrade(`${url}/refused`, { protocol: 'x', dispatcher: start(t, module) }));
      const { attributes, status } = await spans.take('GET');
      assert.deepEqual(
        [attributes['http.response.status_code'], attributes['error.type'], status.code],
        [403, '403', 2],
      );
    });

    test(`${name}: CONNECT ends its span with the tunnel's first answer, and names the proxy`, async (t) => {
      const { url, sent } = await startUpgrading(t);
      const spans = collectSpans(t, { register: true });
      const dispatcher = start(t, module);
      const { statusCode, socket } = await dispatcher.connect({ origin: url, path: 'inside.test:1' } as never);
      assert.equal(statusCode, 200);
      const { traceId, spanId, attributes, status } = await spans.take('CONNECT');
      assert.deepEqual([attributes['http.response.status_code'], status.code], [200, 0]);
      assert.deepEqual([attributes['url.full'], attributes['server.address']], [`${url}/`, '127.0.0.1']);
      assert.deepEqual(sent, [[`00-${traceId}-${spanId}-03`]]);
      socket.destroy();
    });

    test(`${name}: a WebSocket's span ends when it is open`, async (t) => {
      const { url, sent, sockets } = await startUpgrading(t);
      const spans = collectSpans(t, { register: true });
      const dispatcher = start(t, module);
      const socket = new module.WebSocket(url.replace('http', 'ws'), { dispatcher });
      const open = new Promise((resolve) => socket.addEventListener('open', resolve));
      const { traceId, spanId, attributes, status } = await spans.take('GET');
      assert.deepEqual([attributes['http.response.status_code'], status.code], [101, 0]);
      assert.deepEqual(sent, [[`00-${traceId}-${spanId}-03`]]);
      await open;
      const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
      sockets[0]?.destroy();
      await closed;
    });
  }

  test(`${version}: requests through the tunnel of a ProxyAgent have spans that name their own server`, async (t) => {
    const { url } = await startUpgrading(t);
    const target = await serve(t, (request, response) => response.end(request.headers.traceparent));
    const spans = collectSpans(t, { register: true });
    channels(t);
    const proxy = new module.ProxyAgent({ uri: url, proxyTunnel: true } as never);
    t.after(() => proxy.destroy());
    const { body } = await module.request(`${target}/a`, { dispatcher: proxy });
    const received = await body.text();
    const tunnel = await spans.take('CONNECT');
    const span = await spans.take('GET');
    assert.equal(received, `00-${span.traceId}-${span.spanId}-03`);
    assert.equal(span.attributes['url.full'], `${target}/a`);
    assert.deepEqual([tunnel.attributes['url.full'], tunnel.attributes['http.response.status_code']], [`${url}/`, 200]);
  });
}

test('built-in WebSocket, channels: its span ends when it is open', async (t) => {
  const { url, sockets } = await startUpgrading(t);
  const spans = collectSpans(t, { register: true });
  channels(t);
  const socket = new WebSocket(url.replace('http', 'ws'));
  const span = await spans.take('GET');
  assert.deepEqual([span.attributes['http.response.status_code'], span.status.code], [101, 0]);
  sockets[0]?.destroy();
  await once(socket, 'close');
});

test('undici 8, interceptor: an EventSource has a span for each of its connections', async (t) => {
  let connections = 0;
  const url = await serve(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('retry: 1\ndata: 1\n\n');
    if (++connections === 1) response.end();
  });
  const [, module] = VERSIONS[0] ?? assert.fail();
  const spans = collectSpans(t, { register: true });
  const source = new module.EventSource(url, { node: { dispatcher: tracedAgent(t, module) } } as object);
  for (let i = 0; i < 2; i++) {
    const { attributes } = await spans.take('GET');
    assert.deepEqual([attributes['url.full'], attributes['http.response.status_code']], [`${url}/`, 200]);
  }
  source.close();
});
