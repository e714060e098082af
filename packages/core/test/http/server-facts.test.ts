import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouteTable } from '../../src/http/route-table.ts';
import { readHttpSemconv } from '../../src/http/semconv.ts';
import { StartGroups } from '../../src/http/server-groups.ts';
import { parseHost, protocolVersion, splitTarget } from '../../src/http/server-target.ts';
import { readKnownMethods } from '../../src/http/method.ts';

const TARGETS: Array<[target: string, path: string, query: string | undefined]> = [
  ['/', '/', undefined],
  ['/a/b', '/a/b', undefined],
  ['/a?b=1', '/a', 'b=1'],
  ['/a?', '/a', undefined],
  ['/a?b?c', '/a', 'b?c'],
  ['?a=1', '/', 'a=1'],
  ['*', '*', undefined],
  ['', '/', undefined],
  ['http://host', '/', undefined],
  ['http://host/a?b=1', '/a', 'b=1'],
  ['http://host?b=1', '/', 'b=1'],
  ['host:443', 'host:443', undefined],
  ['x?u=http://host/a', 'x', 'u=http://host/a'],
];
for (const [target, path, query] of TARGETS) {
  test(`request target ${JSON.stringify(target)}`, () => assert.deepEqual(splitTarget(target), { path, query }));
}

const HOSTS: Array<[host: string | undefined, address: string | undefined, port: number | undefined]> = [
  [undefined, undefined, undefined],
  ['', undefined, undefined],
  [':80', undefined, undefined],
  ['example.com', 'example.com', undefined],
  ['example.com:8080', 'example.com', 8080],
  ['example.com:', 'example.com', undefined],
  ['example.com:0', 'example.com', undefined],
  ['example.com:1', 'example.com', 1],
  ['example.com:65535', 'example.com', 65535],
  ['example.com:65536', 'example.com', undefined],
  ['example.com:x', 'example.com', undefined],
  ['[::1]', '::1', undefined],
  ['[::1]:8080', '::1', 8080],
];
for (const [host, address, port] of HOSTS) {
  test(`host header ${JSON.stringify(host)}`, () =>
    assert.deepEqual(parseHost(host), address === undefined ? undefined : { address, port }));
}

test('protocol versions', () => {
  const versions = [
    [1, 0],
    [1, 1],
    [2, 0],
    [3, 0],
  ] as const;
  assert.deepEqual(
    versions.map(([major, minor]) => protocolVersion(major, minor)),
    ['1.0', '1.1', '2', '3'],
  );
});

const OPT_IN: Array<[value: string | undefined, semconv: 'stable' | 'dup']> = [
  [undefined, 'stable'],
  ['', 'stable'],
  ['http', 'stable'],
  ['http/dup', 'dup'],
  ['http,database/dup', 'stable'],
  [' database , HTTP/DUP ', 'dup'],
  ['https/dup', 'stable'],
];
for (const [value, semconv] of OPT_IN) {
  test(`OTEL_SEMCONV_STABILITY_OPT_IN=${value}`, () =>
    assert.equal(readHttpSemconv({ OTEL_SEMCONV_STABILITY_OPT_IN: value }), semconv));
}

const FACTS = { method: 'GET', scheme: 'http', host: 'a.example', versionMajor: 1, versionMinor: 1 };

test('requests alike share one group, others do not', () => {
  const groups = new StartGroups(readKnownMethods({}), 'stable');
  const first = groups.get(FACTS);
  assert.deepEqual(first.flat, [
    'http.request.method',
    'GET',
    'url.scheme',
    'http',
    'server.address',
    'a.example',
    'server.port',
    80,
    'network.protocol.version',
    '1.1',
  ]);
  assert.equal(groups.get({ ...FACTS }), first);
  const others = [
    { ...FACTS, method: 'POST' },
    { ...FACTS, method: 'PURGE' },
    { ...FACTS, scheme: 'https' },
    { ...FACTS, host: 'b.example' },
    { ...FACTS, host: undefined },
    { ...FACTS, versionMinor: 0 },
    { ...FACTS, versionMajor: 2, versionMinor: 0 },
  ];
  const all = new Set([first, ...others.map((facts) => groups.get(facts))]);
  assert.equal(all.size, 8);
  assert.equal(groups.get(FACTS), first);
});

test('a scheme or version of the caller’s invention is recorded and not remembered', () => {
  const groups = new StartGroups(readKnownMethods({}), 'stable');
  const facts = { ...FACTS, scheme: 'wss', versionMajor: 9, versionMinor: 9 };
  const group = groups.get(facts);
  assert.ok(group.flat.includes('wss'));
  assert.equal(group.has('server.port'), false);
  assert.notEqual(groups.get(facts), group);
});

test('the 256th host is remembered, the 257th takes the place of the oldest', () => {
  const groups = new StartGroups(readKnownMethods({}), 'stable');
  // The missing host header counts as one.
  const first = groups.get({ ...FACTS, host: 'host-1' });
  for (let i = 2; i <= 255; i++) groups.get({ ...FACTS, host: `host-${i}` });
  assert.equal(groups.get({ ...FACTS, host: 'host-1' }), first);
  groups.get({ ...FACTS, host: 'host-256' });
  assert.equal(groups.get({ ...FACTS, host: 'host-1' }), first);
  groups.get({ ...FACTS, host: 'host-257' });
  assert.notEqual(groups.get({ ...FACTS, host: 'host-1' }), first);
});

test('a route has one entry with names and end attributes made once', () => {
  const routes = new RouteTable('stable');
  const entry = routes.get('/users/:id');
  assert.equal(routes.get('/users/:id'), entry);
  assert.equal(entry.name('GET'), 'GET /users/:id');
  assert.equal(entry.name('_OTHER'), 'HTTP /users/:id');
  assert.equal(entry.endGroup('GET', 200), entry.endGroup('GET', 200));
  assert.deepEqual(entry.endGroup('GET', 200).flat, ['http.route', '/users/:id', 'http.response.status_code', 200]);
  assert.deepEqual(entry.endGroup('GET', 0).flat, ['http.route', '/users/:id']);
  assert.equal(routes.get(''), routes.none);
  assert.equal(routes.none.name('GET'), 'GET');
  assert.deepEqual(routes.none.endGroup('GET', 0).flat, []);
});

test('the 4096th route is remembered, the 4097th takes the place of the oldest', () => {
  const routes = new RouteTable('stable');
  const first = routes.get('/1');
  for (let i = 2; i <= 4096; i++) routes.get(`/${i}`);
  assert.equal(routes.get('/1'), first);
  routes.get('/4097');
  assert.notEqual(routes.get('/1'), first);
});
