import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Tracing } from '../src/start-tracing.ts';
import { makeAuthority, readPair } from './support/certificates.ts';
import { makeSpans, startTest } from './support.ts';

interface SecureBackend {
  url: string;
  requests: number;
}

async function startSecure(t: TestContext, options: ServerOptions): Promise<SecureBackend> {
  const backend = { url: '', requests: 0 };
  const server: Server = createServer(options, (request, response) => {
    backend.requests++;
    request.resume().on('end', () => response.end());
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  backend.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return backend;
}

/** One span sent with these variables; what became of it. */
async function sendWith(t: TestContext, url: string, env: Record<string, string>): Promise<Tracing> {
  const names = Object.keys(env).map((name) => `OTEL_EXPORTER_OTLP_${name}`);
  t.after(() => {
    for (const name of names) delete process.env[name];
  });
  Object.assign(process.env, Object.fromEntries(Object.values(env).map((value, i) => [names[i], value])));
  const tracing = startTest(t, { endpoint: url });
  makeSpans(tracing, 1);
  await tracing.forceFlush();
  await tracing.shutdown();
  return tracing;
}

function outcome(tracing: Tracing): [exported: number, dropped: Record<string, number>] {
  const { exported, dropped } = tracing.stats().exporters[0] ?? assert.fail();
  return [exported, dropped];
}

test('a server whose authority is named by OTEL_EXPORTER_OTLP_CERTIFICATE gets the spans', async (t) => {
  const authority = makeAuthority(t);
  const backend = await startSecure(t, readPair(authority.issue('server', 'IP:127.0.0.1')));
  const tracing = await sendWith(t, backend.url, { CERTIFICATE: authority.caPath });
  assert.deepEqual(outcome(tracing), [1, {}]);
  assert.equal(backend.requests, 1);
});

test('a server of an unknown authority gets nothing', async (t) => {
  const backend = await startSecure(t, readPair(makeAuthority(t).issue('server', 'IP:127.0.0.1')));
  const tracing = await sendWith(t, backend.url, {});
  assert.deepEqual(outcome(tracing), [0, { unable_to_verify_leaf_signature: 1 }]);
  assert.equal(backend.requests, 0);
});

test('a server with a certificate for another host gets nothing', async (t) => {
  const authority = makeAuthority(t);
  const backend = await startSecure(t, readPair(authority.issue('server', 'DNS:elsewhere.example')));
  const tracing = await sendWith(t, backend.url, { CERTIFICATE: authority.caPath });
  assert.deepEqual(outcome(tracing), [0, { err_tls_cert_altname_invalid: 1 }]);
  assert.equal(backend.requests, 0);
});

test('an authority whose file cannot be read trusts nobody', async (t) => {
  const authority = makeAuthority(t);
  const backend = await startSecure(t, readPair(authority.issue('server', 'IP:127.0.0.1')));
  const tracing = await sendWith(t, backend.url, { CERTIFICATE: `${authority.caPath}.missing` });
  assert.equal(outcome(tracing)[0], 0);
  assert.equal(backend.requests, 0);
});

test('a certificate that was replaced is read again within a minute', async (t) => {
  const realNow = performance.now.bind(performance);
  let laterMs = 0;
  t.mock.method(performance, 'now', () => realNow() + laterMs);
  const [old, renewed] = [makeAuthority(t), makeAuthority(t)];
  const backend = await startSecure(t, readPair(renewed.issue('server', 'IP:127.0.0.1')));
  process.env.OTEL_EXPORTER_OTLP_CERTIFICATE = old.caPath;
  t.after(() => delete process.env.OTEL_EXPORTER_OTLP_CERTIFICATE);
  const tracing = startTest(t, { endpoint: backend.url });
  const send = async (): Promise<number | undefined> => {
    makeSpans(tracing, 1);
    await tracing.forceFlush();
    return tracing.stats().exporters[0]?.exported;
  };
  assert.equal(await send(), 0);
  copyFileSync(renewed.caPath, old.caPath);
  const aSecondOn = new Date(Date.now() + 1000);
  utimesSync(old.caPath, aSecondOn, aSecondOn);
  assert.equal(await send(), 0, 'not looked at for each request');
  laterMs = 60_000;
  assert.equal(await send(), 1);
  rmSync(old.caPath);
  laterMs = 120_000;
  assert.equal(await send(), 1, 'without the file nobody is trusted');
});

test('mutual TLS: with key and certificate the spans arrive, without them none', async (t) => {
  const authority = makeAuthority(t);
  const server = readPair(authority.issue('server', 'IP:127.0.0.1'));
  const client = authority.issue('client', 'DNS:client');
  const backend = await startSecure(t, {
    ...server,
    ca: readFileSync(authority.caPath),
    requestCert: true,
    rejectUnauthorized: true,
  });
  const env = { CERTIFICATE: authority.caPath, CLIENT_KEY: client.keyPath, CLIENT_CERTIFICATE: client.certPath };
  assert.deepEqual(outcome(await sendWith(t, backend.url, env)), [1, {}]);
  assert.equal(backend.requests, 1);
  delete process.env.OTEL_EXPORTER_OTLP_CLIENT_KEY;
  delete process.env.OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE;
  const without = await sendWith(t, backend.url, { CERTIFICATE: authority.caPath });
  assert.equal(outcome(without)[0], 0);
  assert.equal(backend.requests, 1);
});
