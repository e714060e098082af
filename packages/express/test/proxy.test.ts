/** Scheme, host and client behind proxies: as far as `trust proxy` goes, at the time of the request. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import test from 'node:test';
import { EXPRESS_VERSIONS, get, tracedApp } from './support.ts';

const HEADERS = {
  'x-forwarded-for': '203.0.113.9, 10.0.0.1',
  'x-forwarded-proto': 'https, http',
  'x-forwarded-host': 'shop.example:8443, inner',
};

function shown(attributes: Record<string, unknown>): unknown[] {
  return ['url.scheme', 'server.address', 'server.port', 'client.address'].map((key) => attributes[key]);
}

for (const [name, express] of EXPRESS_VERSIONS) {
  const SETTINGS: Array<[title: string, setting: unknown, expected: (port: number) => unknown[]]> = [
    ['off', undefined, (port) => ['http', '127.0.0.1', port, '127.0.0.1']],
    ['on', true, () => ['https', 'shop.example', 8443, '203.0.113.9']],
    ['one hop', 1, () => ['https', 'shop.example', 8443, '10.0.0.1']],
    ['two hops', 2, () => ['https', 'shop.example', 8443, '203.0.113.9']],
    ['no hop', 0, (port) => ['http', '127.0.0.1', port, '127.0.0.1']],
    ['a name of networks', 'loopback', () => ['https', 'shop.example', 8443, '10.0.0.1']],
    ['a list of networks', ['loopback', '10.0.0.0/8'], () => ['https', 'shop.example', 8443, '203.0.113.9']],
    [
      'a function',
      (address: string) => address !== '203.0.113.9',
      () => ['https', 'shop.example', 8443, '203.0.113.9'],
    ],
    ['another network', '192.0.2.0/24', (port) => ['http', '127.0.0.1', port, '127.0.0.1']],
  ];
  for (const [title, setting, expected] of SETTINGS) {
    test(`${name}, trust proxy ${title}`, async (t) => {
      const { app, spans, listen } = tracedApp(t, express);
      const url = await listen();
      // After our middleware was made, and after listening.
      if (setting !== undefined) app.set('trust proxy', setting);
      await get(`${url}/`, { headers: HEADERS });
      const { attributes } = await spans.take('SERVER');
      assert.deepEqual(shown(attributes), expected(Number(new URL(url).port)));
      assert.equal(attributes['network.peer.address'], '127.0.0.1');
    });
  }

  test(`${name}, the header Forwarded, which Express does not read, changes nothing`, async (t) => {
    const { app, spans, listen } = tracedApp(t, express);
    app.set('trust proxy', true);
    const url = await listen();
    await get(url, { headers: { forwarded: 'for=203.0.113.9;proto=https;host=shop.example' } });
    const { attributes } = await spans.take('SERVER');
    assert.deepEqual(shown(attributes), ['http', '127.0.0.1', Number(new URL(url).port), '127.0.0.1']);
  });

  test(`${name}, addresses of IPv6 in forwarded headers`, async (t) => {
    const { app, spans, listen } = tracedApp(t, express);
    app.set('trust proxy', true);
    const headers = { 'x-forwarded-for': '2001:db8::7', 'x-forwarded-host': '[2001:db8::1]:8443' };
    await get(await listen(), { headers });
    const { attributes } = await spans.take('SERVER');
    assert.deepEqual(shown(attributes), ['http', '2001:db8::1', 8443, '2001:db8::7']);
  });

  test(`${name}, a mounted application's own trust does not count for a request that entered outside of it`, async (t) => {
    const { app, spans, listen } = tracedApp(t, express);
    const inner = express();
    inner.set('trust proxy', true);
    app.use(
      '/sub',
      inner.get('/x', (_req, res) => {
        res.send('ok');
      }),
    );
    await get(`${await listen()}/sub/x`, { headers: HEADERS });
    assert.equal((await spans.take('SERVER')).attributes['url.scheme'], 'http');
  });

  test(`${name}, a trust function that throws costs the forwarded values only`, async (t) => {
    const { app, spans, listen } = tracedApp(t, express);
    app.get('/', (_req, res) => {
      res.send('ok');
    });
    const url = await listen();
    app.set('trust proxy', () => {
      throw new Error('no list');
    });
    assert.equal((await get(`${url}/`, { headers: HEADERS })).status, 200);
    assert.equal((await spans.take('SERVER')).attributes['url.scheme'], 'http');
  });

  test(`${name}, host headers and request targets in all their forms`, async (t) => {
    const { app, spans, listen } = tracedApp(t, express);
    app.get('/a', (_req, res) => {
      res.send('ok');
    });
    const port = Number(new URL(await listen()).port);
    const CASES: Array<[request: string, address: unknown, port: unknown, path: string, version: string]> = [
      ['GET /a HTTP/1.1\r\nHost: [::1]:8080', '::1', 8080, '/a', '1.1'],
      ['GET /a HTTP/1.1\r\nHost: example.com', 'example.com', 80, '/a', '1.1'],
      ['GET /a HTTP/1.0', undefined, undefined, '/a', '1.0'],
      ['GET http://other.example/a?b=1 HTTP/1.1\r\nHost: example.com', 'example.com', 80, '/a', '1.1'],
      ['OPTIONS * HTTP/1.1\r\nHost: example.com:99999', 'example.com', 80, '*', '1.1'],
    ];
    for (const [request, address, serverPort, path, version] of CASES) {
      const socket = net.connect(port, '127.0.0.1');
      socket.end(`${request}\r\nConnection: close\r\n\r\n`);
      await once(socket.resume(), 'close');
      const { attributes } = await spans.take('SERVER');
      assert.deepEqual(
        [attributes['server.address'], attributes['server.port'], attributes['url.path']],
        [address, serverPort, path],
        request,
      );
      assert.equal(attributes['network.protocol.version'], version);
    }
  });
}
