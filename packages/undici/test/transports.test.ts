import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { withSpan } from '@clew/core';
import { collectSpans } from '@clew/core/testing';
import { type TraceUndiciOptions, traceFetch, tracingInterceptor } from '@clew/undici';
import type { Dispatcher } from 'undici';
import { headerLines, serve, serveRaw } from './support/servers.ts';
import { channels, fetchThrough, type Module, VERSIONS, WAYS } from './support/versions.ts';

type AgentOptions = ConstructorParameters<Module['Agent']>[0];

/** An agent that the interceptor or the channels trace. */
const ATTEMPT_WAYS: Array<[string, (t: TestContext, module: Module, options?: AgentOptions) => Dispatcher]> = [
  ['interceptor', (t, module, options) => untraced(t, module, options).compose(tracingInterceptor())],
  [
    'channels',
    (t, module, options) => {
      channels(t);
      return untraced(t, module, options);
    },
  ],
];

function untraced(t: TestContext, module: Module, options?: AgentOptions): Dispatcher {
  const agent = new module.Agent(options);
  t.after(() => agent.destroy());
  return agent;
}

/** A certificate for 127.0.0.1, made by the `openssl` program. */
function makeCertificate(): { key: Buffer; cert: Buffer } {
  const dir = mkdtempSync(join(tmpdir(), 'clew-undici-'));
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'key.pem'];
  const subject = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2', '-out', 'cert.pem'];
  execFileSync('openssl', ['req', '-x509', ...key, ...subject], { cwd: dir, stdio: 'pipe' });
  const pair = { key: readFileSync(join(dir, 'key.pem')), cert: readFileSync(join(dir, 'cert.pem')) };
  rmSync(dir, { recursive: true });
  return pair;
}

const certificate = makeCertificate();

async function serveSecurely(t: TestContext): Promise<string> {
  const server = createSecureServer({ ...certificate, allowHTTP1: true }, (request, response) => {
    response.end(String(request.headers.traceparent));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

for (const [version, module] of VERSIONS) {
  for (const [way, start] of ATTEMPT_WAYS) {
    const name = `${version}, ${way}`;

    for (const [protocol, allowH2] of [
      ['2', true],
      ['1.1', false],
    ] as const) {
      test(`${name}: HTTP/${protocol} over TLS sends the span's ids, and its server has the port`, async (t) => {
        const url = await serveSecurely(t);
        const spans = collectSpans(t, { register: true });
        const dispatcher = start(t, module, { allowH2, connect: { ca: certificate.cert } });
        const { body } = await module.request(`${url}/a`, { dispatcher });
        const received = await body.text();
        const { traceId, spanId, attributes } = await spans.take('GET');
        assert.equal(received, `00-${traceId}-${spanId}-03`);
        assert.deepEqual(
          [attributes['url.full'], attributes['server.port'], attributes['http.response.status_code']],
          [`${url}/a`, Number(new URL(url).port), 200],
        );
        // Only the channels show the connection, but those of undici 6 not that of HTTP/2.
        const isShown = way === 'channels' && !(allowH2 && version.startsWith('undici 6'));
        const expected = isShown ? [protocol, '127.0.0.1'] : [undefined, undefined];
        assert.deepEqual([attributes['network.protocol.version'], attributes['network.peer.address']], expected);
        await dispatcher.destroy();
      });
    }

    test(`${name}: a certificate that nobody trusts is an error named by its code`, async (t) => {
      const url = await serveSecurely(t);
      const spans = collectSpans(t, { register: true });
      await assert.rejects(module.request(url, { dispatcher: start(t, module) }));
      const { attributes } = await spans.take('GET');
      assert.equal(attributes['error.type'], 'DEPTH_ZERO_SELF_SIGNED_CERT');
    });

    test(`${name}: a request through a unix socket names the host of its URL`, async (t) => {
      const dir = mkdtempSync(join(tmpdir(), 'clew-undici-'));
      const socketPath = join(dir, 's');
      const server = createServer((request, response) => response.end(request.headers.traceparent)).listen(socketPath);
      await once(server, 'listening');
      t.after(() => {
        server.closeAllConnections();
        server.close();
        rmSync(dir, { recursive: true, force: true });
      });
      const spans = collectSpans(t, { register: true });
      const dispatcher = start(t, module, { connect: { socketPath } });
      const received = await (await module.request('http://api.test/a', { dispatcher })).body.text();
      const { traceId, spanId, attributes } = await spans.take('GET');
      assert.equal(received, `00-${traceId}-${spanId}-03`);
      assert.deepEqual([attributes['url.full'], attributes['server.address']], ['http://api.test/a', 'api.test']);
    });

    test(`${name}: pipelined requests end with their own answers`, async (t) => {
      const url = await serve(t, (request, response) => response.writeHead(Number(request.url?.slice(1))).end());
      const spans = collectSpans(t, { register: true });
      const dispatcher = start(t, module, { pipelining: 4, connections: 1 });
      const statuses = [200, 404, 204, 503];
      await withSpan('caller', () =>
        Promise.all(
          statuses.map(async (status) => (await module.request(`${url}/${status}`, { dispatcher })).body.dump()),
        ),
      );
      await spans.take('caller');
      for (const status of statuses) {
        const span = await spans.take((one) => one.attributes['url.full'] === `${url}/${status}`);
        assert.equal(span.attributes['http.response.status_code'], status);
      }
    });

    test(`${name}: the addresses of international names and behind credentials are those of the host`, async (t) => {
      const url = await serve(t, (_request, response) => response.end());
      const port = Number(new URL(url).port);
      const spans = collectSpans(t, { register: true });
      // Every name leads to the server, which listens on an address of version 4 alone.
      const dispatcher = start(t, module, {
        connect: { lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]) },
      });
      for (const [given, full, address] of [
        [`http://bücher.test:${port}/ä?ö`, `http://xn--bcher-kva.test:${port}/%C3%A4?%C3%B6`, 'xn--bcher-kva.test'],
        [`http://me:secret@api.test:${port}/`, `http://api.test:${port}/`, 'api.test'],
      ] as const) {
        await (await module.request(given, { dispatcher })).body.dump();
        const { attributes } = await spans.take('GET');
        assert.deepEqual(
          [attributes['url.full'], attributes['server.address'], attributes['server.port']],
          [full, address, port],
        );
      }
    });
  }

  for (const [way, trace] of [
    ['interceptor', (_t, dispatcher, options) => dispatcher.compose(tracingInterceptor(options))],
    [
      'channels',
      (t, dispatcher, options) => {
        channels(t, options);
        return dispatcher;
      },
    ],
  ] as Array<[string, (t: TestContext, dispatcher: Dispatcher, options: TraceUndiciOptions) => Dispatcher]>) {
    test(`${version}, ${way}: a proxy that gets whole URLs is not taken for their server`, async (t) => {
      const heads: string[] = [];
      const proxy = await serveRaw(t, (socket, head) => {
        heads.push(head);
        socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      });
      const spans = collectSpans(t, { register: true });
      const client = new module.Client(proxy);
      t.after(() => client.destroy());
      const traced = trace(t, client, { propagateTo: ['127.0.0.1'] });
      await (await traced.request({ path: 'http://api.test/a?b', method: 'GET' })).body.dump();
      const { attributes } = await spans.take('GET');
      assert.deepEqual([attributes['url.full'], attributes['server.address']], ['http://api.test/a?b', 'api.test']);
      assert.deepEqual(headerLines(heads[0] ?? '', 'traceparent'), [], 'the host behind the proxy is not on the list');
    });
  }

  for (const kind of ['Client', 'Pool'] as const) {
    test(`${version}: a ${kind} that asks for paths alone is named by its origin, the option, or the host header`, async (t) => {
      const url = await serve(t, (_request, response) => response.end());
      const spans = collectSpans(t, { register: true });
      for (const [options, headers] of [
        [{ origin: url }, {}],
        [{}, { host: new URL(url).host }],
      ]) {
        const dispatcher = new module[kind](url).compose(tracingInterceptor(options as object));
        t.after(() => dispatcher.destroy());
        await (
          await dispatcher.request({ path: '/a', method: 'GET', headers: headers as Record<string, string> })
        ).body.dump();
        const { attributes } = await spans.take('GET');
        assert.deepEqual([attributes['url.full'], attributes['server.address']], [`${url}/a`, '127.0.0.1']);
      }
    });
  }

  test(`${version}: a MockAgent's answers have spans by wrapper and by interceptor`, async (t) => {
    const mock = new module.MockAgent();
    mock.disableNetConnect();
    t.after(() => mock.close());
    const sent: unknown[] = [];
    mock
      .get('http://api.test')
      .intercept({ path: '/a' })
      .reply(({ headers }) => {
        sent.push((headers as Record<string, string>).traceparent ?? new Headers(headers as never).get('traceparent'));
        return { statusCode: 418 };
      })
      .times(2);
    const spans = collectSpans(t, { register: true });
    const dispatcher = mock.compose(tracingInterceptor());
    await (await module.request('http://api.test/a', { dispatcher })).body.dump();
    await (await traceFetch(fetchThrough(t, module, mock))('http://api.test/a')).text();
    const ended = spans.all();
    assert.deepEqual(
      ended.map(({ attributes }) => attributes['error.type']),
      ['418', '418'],
    );
    assert.deepEqual(
      sent,
      ended.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-03`),
    );
  });
}

for (const { name, start } of WAYS) {
  test(`${name}: a server of IPv6 is named without brackets`, async (t) => {
    const url = await serve(t, (_request, response) => response.end(), '::1');
    const spans = collectSpans(t, { register: true });
    await (await start(t)(`${url}/a`)).text();
    const { attributes } = await spans.take('GET');
    assert.deepEqual([attributes['url.full'], attributes['server.address']], [`${url}/a`, '::1']);
  });
}
