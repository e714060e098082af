/** Who may talk to the viewer: host names, origins, tokens, and the headers that protect the page. */
import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';

import { post, send, testViewer } from './sending.ts';

interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A request with any Host header, which fetch does not allow. */
function ask(url: string, headers: Record<string, string>, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { method, headers }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    outgoing.on('error', reject).end();
  });
}

const HOSTS: ReadonlyArray<readonly [string, number]> = [
  ['localhost', 200],
  ['localhost:16686', 200],
  ['LOCALHOST', 200],
  ['127.0.0.1:1', 200],
  ['127.1.2.3', 200],
  ['[::1]:16686', 200],
  ['app.localhost', 200],
  ['viewer.internal:16686', 200],
  ['evil.example', 403],
  ['localhost.evil.example', 403],
  ['127.0.0.1.evil.example', 403],
  ['evillocalhost', 403],
];
for (const [host, status] of HOSTS) {
  test(`a request to host "${host}" is answered with ${status} on every route`, async (t) => {
    const viewer = await testViewer(t, { allowHosts: ['Viewer.Internal'] });
    for (const path of ['/', '/api/services', '/healthz', '/api/clew/stats']) {
      assert.equal((await ask(viewer.url + path, { host })).status, status, path);
    }
    const sent = await ask(`${viewer.otlpUrl}/v1/traces`, { host, 'content-type': 'application/x-protobuf' }, 'POST');
    assert.equal(sent.status, status);
  });
}

test('a request of HTTP/1.0 without a Host header is refused', async (t) => {
  const viewer = await testViewer(t);
  const { port } = new URL(viewer.url);
  const answer = await new Promise<string>((resolve, reject) => {
    let received = '';
    const socket = connect(Number(port), '127.0.0.1', () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    socket.on('data', (chunk) => {
      received += chunk.toString();
    });
    socket.on('close', () => resolve(received)).on('error', reject);
  });
  assert.match(answer, /^HTTP\/1\.1 403 /);
});

const ORIGINS: ReadonlyArray<readonly [string, number]> = [
  ['http://localhost:3000', 200],
  ['https://127.0.0.1', 200],
  ['http://[::1]:8080', 200],
  ['https://evil.example', 403],
  ['http://localhost.evil.example', 403],
  ['null', 403],
];
for (const [origin, status] of ORIGINS) {
  test(`a page of ${origin} that sends spans is answered with ${status}`, async (t) => {
    const viewer = await testViewer(t);
    const reply = await post(`${viewer.otlpUrl}/v1/traces`, '{}', { origin });
    assert.equal(reply.status, status);
    assert.equal(reply.headers.get('access-control-allow-origin'), status === 200 ? origin : null);
  });
}

test('a preflight for a receiver is granted to localhost and to no other origin', async (t) => {
  const viewer = await testViewer(t, { token: 'secret' });
  const headers = { origin: 'http://localhost:3000', 'access-control-request-headers': 'content-type,authorization' };
  const granted = await fetch(`${viewer.otlpUrl}/v1/traces`, { method: 'OPTIONS', headers });
  assert.equal(granted.status, 204);
  assert.equal(granted.headers.get('access-control-allow-origin'), 'http://localhost:3000');
  assert.equal(granted.headers.get('access-control-allow-headers'), 'content-type,authorization');
  const refused = await fetch(`${viewer.otlpUrl}/v1/traces`, {
    method: 'OPTIONS',
    headers: { ...headers, origin: 'https://evil.example' },
  });
  assert.equal(refused.headers.get('access-control-allow-origin'), null);
});

test('query routes never grant another origin', async (t) => {
  const viewer = await testViewer(t);
  const reply = await fetch(`${viewer.url}/api/services`, { headers: { origin: 'http://localhost:3000' } });
  assert.equal(reply.headers.get('access-control-allow-origin'), null);
});

test('clearing wants the header X-Clew: 1', async (t) => {
  const viewer = await testViewer(t);
  await send(viewer, {});
  assert.equal((await post(`${viewer.url}/api/clew/clear`, '')).status, 403);
  assert.equal((await post(`${viewer.url}/api/clew/clear`, '', { 'x-clew': '0' })).status, 403);
  assert.equal((await viewer.traces()).length, 1);
  assert.equal((await post(`${viewer.url}/api/clew/clear`, '', { 'x-clew': '1' })).status, 204);
  assert.equal((await viewer.traces()).length, 0);
});

test('with a token every route but /healthz wants it', async (t) => {
  const viewer = await testViewer(t, { token: 's e;cret' });
  for (const path of ['/', '/ui/app.js', '/api/services', '/api/clew/stats']) {
    assert.equal((await fetch(viewer.url + path)).status, 401, path);
    assert.equal((await fetch(viewer.url + path, { headers: { authorization: 'Bearer wrong' } })).status, 401, path);
    assert.equal((await fetch(viewer.url + path, { headers: { authorization: 'Bearer s e;cret' } })).status, 200, path);
  }
  assert.equal((await post(`${viewer.otlpUrl}/v1/traces`, '{}')).status, 401);
  assert.equal((await post(`${viewer.otlpUrl}/v1/traces`, '{}', { authorization: 'bearer s e;cret' })).status, 200);
  assert.equal((await fetch(`${viewer.url}/healthz`)).status, 200);
});

test('a browser shows the token once, and gets a cookie for it', async (t) => {
  const viewer = await testViewer(t, { token: 's e;cret' });
  const login = await fetch(`${viewer.url}/?token=s%20e;cret`, { redirect: 'manual' });
  assert.equal(login.status, 303);
  assert.equal(login.headers.get('location'), '/');
  const cookie = login.headers.get('set-cookie') ?? '';
  assert.match(cookie, /; HttpOnly; SameSite=Strict; Path=\/$/);
  const withCookie = await fetch(viewer.url, { headers: { cookie: `other=1; ${cookie.split(';')[0]}` } });
  assert.equal(withCookie.status, 200);
  assert.equal((await fetch(`${viewer.url}/?token=wrong`, { redirect: 'manual' })).status, 401);
  const elsewhere = await fetch(`${viewer.url}//evil.example?token=s%20e;cret`, { redirect: 'manual' });
  assert.equal(elsewhere.headers.get('location'), '/evil.example');
});

test('every answer carries the protective headers', async (t) => {
  const viewer = await testViewer(t);
  for (const path of ['/', '/ui/app.js', '/api/services', '/nowhere', '/api/traces/zz']) {
    const { headers } = await fetch(viewer.url + path);
    assert.match(headers.get('content-security-policy') ?? '', /^default-src 'self'; .*frame-ancestors 'none'/, path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
    assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin', path);
  }
});

const PATHS: ReadonlyArray<readonly [string, string, number]> = [
  ['GET', '/nowhere', 404],
  ['GET', '/ui/', 404],
  ['GET', '/ui/..%2fcli.ts', 404],
  ['GET', '/ui/../cli.ts', 404],
  ['GET', '/ui/index.html', 404],
  ['GET', '/v1/traces', 405],
  ['DELETE', '/api/services', 405],
  ['POST', '/', 405],
  ['HEAD', '/api/services', 200],
  ['GET', '/trace/5b8efff798038103d269b633813fc60c', 200],
  ['GET', '/%', 404],
  ['GET', '/api/services/%E0%A4%A/operations', 200],
];
for (const [method, path, status] of PATHS) {
  test(`${method} ${path} is answered with ${status}`, async (t) => {
    const viewer = await testViewer(t);
    const { port } = new URL(viewer.url);
    const answer = await new Promise<string>((resolve, reject) => {
      let received = '';
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(`${method} ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
      });
      socket.on('data', (chunk) => {
        received += chunk.toString();
      });
      socket.on('close', () => resolve(received)).on('error', reject);
    });
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
  });
}
