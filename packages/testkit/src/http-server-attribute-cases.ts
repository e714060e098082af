/** The cases of the HTTP server suite that go through the table of attributes row by row. */
import assert from 'node:assert/strict';
import type { Exchange, HttpServerBench, HttpServerCase } from './http-server-bench.ts';

/** What holds where spans are made. */
export const HTTP_SERVER_ATTRIBUTE_CASES: readonly HttpServerCase[] = [
  ['samplers see what is known at the start, and no more', startAttributes, 'watched'],
  ['request targets and hosts in every form give path, query, address and port', targets],
  ['OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS replaces the list', givenMethods],
  ['forwarded headers of a client that nobody trusts say nothing', untrustedForwarding],
  ['listed headers are recorded as lists, and secrets stay secret', headers],
  ['attributes that are listed are recorded, and no others', optional],
  ['who calls by a program of its own is told by its user agent', synthetic],
  ['signatures in queries are redacted, each time they occur, and nothing else changes', redaction],
  ['a list of parameters replaces the one of signatures', givenRedaction],
  ['in dup mode the old names stand beside the new ones with the same redacted values', oldNames],
  ['hooks that reject or never settle change neither answer nor span', asyncHooks],
];

function answerOk({ params, send }: Exchange): void {
  send(200, `user ${params.id}`);
}

async function attributesOf(bench: HttpServerBench): Promise<Record<string, unknown>> {
  return (await bench.takeServerSpan()).attributes;
}

async function startAttributes(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(answerOk);
  await server.request('/users/7?page=2&sig=secret', { 'user-agent': 'suite/1', 'x-forwarded-for': '10.9.9.9' });
  await bench.takeServerSpan();
  const [{ 'network.peer.port': peerPort, ...seen } = {}, ...others] = bench.backend.seenBySampler;
  assert.equal(others.length, 0);
  assert.ok(Number.isInteger(peerPort));
  // Fastify knows the route by now and gives it with the name; it is an attribute of the end in both.
  assert.deepEqual(seen, {
    'http.request.method': 'GET',
    'url.scheme': 'http',
    'url.path': '/users/7',
    'url.query': 'page=2&sig=REDACTED',
    'server.address': '127.0.0.1',
    'server.port': server.port,
    'client.address': '127.0.0.1',
    'network.peer.address': '127.0.0.1',
    'network.protocol.version': '1.1',
    'user_agent.original': 'suite/1',
  });
}

const TARGETS: ReadonlyArray<readonly [title: string, lines: string, expected: Record<string, unknown>]> = [
  ['IPv6 with a port', 'GET /users/7 HTTP/1.1\r\nHost: [::1]:8080', { 'server.address': '::1', 'server.port': 8080 }],
  ['IPv6 without a port', 'GET /users/7 HTTP/1.1\r\nHost: [::1]', { 'server.address': '::1', 'server.port': 80 }],
  [
    'a name without a port',
    'GET /users/7 HTTP/1.1\r\nHost: a.example',
    { 'server.address': 'a.example', 'server.port': 80 },
  ],
  [
    'no host header',
    'GET /users/7 HTTP/1.0',
    { 'server.address': undefined, 'server.port': undefined, 'network.protocol.version': '1.0' },
  ],
  ['an empty host header', 'GET /users/7 HTTP/1.1\r\nHost:', { 'server.address': undefined, 'server.port': undefined }],
  [
    'an absolute form',
    'GET http://me:pw@other.example/users/7?a=1 HTTP/1.1\r\nHost: a.example:81',
    { 'url.path': '/users/7', 'url.query': 'a=1', 'server.address': 'a.example', 'server.port': 81 },
  ],
  ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: a.example', { 'url.path': '*', 'url.query': undefined }],
  ['an empty query', 'GET /users/7? HTTP/1.1\r\nHost: a.example', { 'url.path': '/users/7', 'url.query': undefined }],
  ['a query with marks', 'GET /users/7?a=?&b HTTP/1.1\r\nHost: a', { 'url.path': '/users/7', 'url.query': 'a=?&b' }],
  ['no user agent', 'GET /users/7 HTTP/1.1\r\nHost: a', { 'user_agent.original': undefined }],
];

async function targets(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(answerOk);
  for (const [title, lines, expected] of TARGETS) {
    await server.sendRaw(`${lines}\r\nConnection: close\r\n\r\n`);
    const attributes = await attributesOf(bench);
    const seen = Object.fromEntries(Object.keys(expected).map((key) => [key, attributes[key]]));
    assert.deepEqual(seen, expected, title);
    for (const value of Object.values(attributes)) assert.ok(value !== '' && value !== undefined, title);
  }
}

async function givenMethods(bench: HttpServerBench): Promise<void> {
  process.env.OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS = 'PURGE, POST';
  bench.t.after(() => {
    delete process.env.OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS;
  });
  const server = await bench.open(answerOk);
  for (const [method, recorded, original] of [
    ['PURGE', 'PURGE', undefined],
    ['GET', '_OTHER', 'GET'],
  ] as const) {
    await server.request('/nothing', {}, method);
    const { name, attributes } = await bench.backend.take((span) => span.kind === 'SERVER');
    assert.equal(name, recorded === '_OTHER' ? 'HTTP' : recorded);
    assert.equal(attributes['http.request.method'], recorded);
    assert.equal(attributes['http.request.method_original'], original);
  }
}

async function untrustedForwarding(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(answerOk);
  await server.request('/users/7', {
    forwarded: 'for=10.9.9.9;proto=https;host=evil.example',
    'x-forwarded-for': '10.9.9.9',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
  });
  const attributes = await attributesOf(bench);
  assert.equal(attributes['client.address'], '127.0.0.1');
  assert.equal(attributes['server.address'], '127.0.0.1');
  assert.equal(attributes['url.scheme'], 'http');
}

const SECRETS = ['authorization', 'proxy-authorization', 'cookie', 'x-api-key'];

async function headers(bench: HttpServerBench): Promise<void> {
  const sent = { 'x-tenant': 'acme', 'x-not-listed': 'no', ...Object.fromEntries(SECRETS.map((name) => [name, 'k'])) };
  const answer = ({ response, send }: Exchange): void => {
    response.setHeader('x-cache', ['hit', 'warm']);
    response.setHeader('set-cookie', 'a=1');
    send(200, 'ok');
  };
  for (const allowSensitiveHeaders of [false, true]) {
    const server = await bench.open(answer, {
      captureRequestHeaders: ['X-Tenant', 'x-missing', ...SECRETS],
      captureResponseHeaders: ['x-cache', 'Set-Cookie'],
      allowSensitiveHeaders,
    });
    await server.request('/users/7', sent);
    const attributes = await attributesOf(bench);
    const seen = Object.entries(attributes).filter(([key]) => /^http\.(request|response)\.header\./.test(key));
    const secret = (value: string): string[] => [allowSensitiveHeaders ? value : 'REDACTED'];
    assert.deepEqual(Object.fromEntries(seen), {
      'http.request.header.x-tenant': ['acme'],
      ...Object.fromEntries(SECRETS.map((name) => [`http.request.header.${name}`, secret('k')])),
      'http.response.header.x-cache': ['hit', 'warm'],
      'http.response.header.set-cookie': secret('a=1'),
    });
  }
}

async function optional(bench: HttpServerBench): Promise<void> {
  const body = '{"a":1}';
  const post = (): string =>
    `POST /users/7 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
  const server = await bench.open(answerOk, {
    optionalAttributes: [
      'client.port',
      'network.local.address',
      'network.local.port',
      'network.transport',
      'user_agent.synthetic.type',
      'http.request.body.size',
      'http.response.body.size',
    ],
  });
  await server.sendRaw(post());
  const attributes = await attributesOf(bench);
  assert.equal(attributes['client.port'], attributes['network.peer.port']);
  assert.equal(attributes['network.local.address'], '127.0.0.1');
  assert.equal(attributes['network.local.port'], server.port);
  assert.equal(attributes['network.transport'], 'tcp');
  assert.equal(attributes['http.request.body.size'], body.length);
  assert.equal(attributes['http.response.body.size'], 'user 7'.length);
  assert.equal(attributes['user_agent.synthetic.type'], undefined);
  const one = await bench.open(answerOk, { optionalAttributes: ['network.transport'] });
  await one.sendRaw(post());
  const fewer = await attributesOf(bench);
  assert.deepEqual(
    ['client.port', 'network.local.port', 'network.transport', 'http.request.body.size'].map((key) => fewer[key]),
    [undefined, undefined, 'tcp', undefined],
  );
}

async function synthetic(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(answerOk, { optionalAttributes: ['user_agent.synthetic.type'] });
  for (const [userAgent, type] of [
    ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'bot'],
    ['kube-probe/1.31', 'test'],
    ['curl/8.0', undefined],
  ] as const) {
    await server.request('/users/7', { 'user-agent': userAgent });
    assert.equal((await attributesOf(bench))['user_agent.synthetic.type'], type);
  }
}

async function redaction(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(answerOk);
  await server.request(
    '/users/7?sig=a&q=%7e+x%20y&sig=b&Sig=kept&X-Amz-Signature=c&my-sig=kept&q=2&AWSAccessKeyId=&sig',
  );
  assert.equal(
    (await attributesOf(bench))['url.query'],
    'sig=REDACTED&q=%7e+x%20y&sig=REDACTED&Sig=kept&X-Amz-Signature=REDACTED&my-sig=kept&q=2&AWSAccessKeyId=&sig',
  );
}

async function givenRedaction(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(answerOk, { redactQueryKeys: ['token', 'a.b'] });
  await server.request('/users/7?sig=shown&token=t&a.b=t&axb=shown');
  assert.equal((await attributesOf(bench))['url.query'], 'sig=shown&token=REDACTED&a.b=REDACTED&axb=shown');
}

async function oldNames(bench: HttpServerBench): Promise<void> {
  const server = await bench.open(answerOk, { semconv: 'dup' });
  const host = `127.0.0.1:${server.port}`;
  await server.request('/users/7?sig=secret', { 'user-agent': 'suite/1' });
  const attributes = await attributesOf(bench);
  const { 'net.peer.port': peerPort, ...old } = Object.fromEntries(
    Object.entries(attributes).filter(([key]) => OLD_NAME.test(key)),
  );
  assert.equal(peerPort, attributes['network.peer.port']);
  assert.deepEqual(old, {
    'http.method': 'GET',
    'http.status_code': 200,
    'http.url': `http://${host}/users/7?sig=REDACTED`,
    'http.target': '/users/7?sig=REDACTED',
    'http.host': host,
    'net.host.name': '127.0.0.1',
    'net.host.port': server.port,
    'http.scheme': 'http',
    'http.flavor': '1.1',
    'http.user_agent': 'suite/1',
    'http.client_ip': '127.0.0.1',
    'net.peer.ip': '127.0.0.1',
    'net.transport': 'ip_tcp',
    'http.response_content_length': 'user 7'.length,
  });
  assert.equal(attributes['url.query'], 'sig=REDACTED');
  assert.equal(attributes['http.request.method'], 'GET');
  await server.request('/nothing', {}, 'PURGE');
  const { attributes: other } = await bench.backend.take((span) => span.kind === 'SERVER');
  assert.deepEqual([other['http.method'], other['http.request.method']], ['PURGE', '_OTHER']);
}

/** Names that no current attribute has. */
const OLD_NAME =
  /^(net\..*|http\.(method|status_code|url|target|host|scheme|flavor|user_agent|client_ip|.*_content_length))$/;

async function asyncHooks(bench: HttpServerBench): Promise<void> {
  const hooks: Array<() => unknown> = [
    () => Promise.reject(new Error('a hook of the application failed')),
    () => new Promise(() => undefined),
  ];
  for (const hook of hooks) {
    // JavaScript lets an application give such functions, whatever their types say.
    const given = hook as () => never;
    const server = await bench.open(answerOk, {
      ignore: given,
      spanName: given,
      requestAttributes: given,
      responseAttributes: given,
    });
    assert.deepEqual((await server.request('/users/7')).body, 'user 7');
    assert.equal((await bench.takeServerSpan()).name, 'GET /users/:id');
  }
}
