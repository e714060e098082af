import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

function startShop(t: TestContext, args: string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(process.execPath, ['--conditions=clew-source', MAIN, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function runShop(t: TestContext, args: string[], env?: NodeJS.ProcessEnv) {
  const child = startShop(t, args, env);
  assert.ok(child.stdout && child.stderr);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { stdout, stderr, code };
}

/** The address of the gateway, from what the shop prints when it is open. */
async function gatewayOf(child: ChildProcess): Promise<string> {
  let printed = '';
  for await (const chunk of child.stdout ?? []) {
    printed += chunk;
    const url = /Gateway +(\S+)/.exec(printed)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the shop did not open: ${printed}`);
}

/** Resolves when nothing answers at `url` any more. */
async function untilRefused(url: string): Promise<void> {
  while (
    await fetch(url).then(
      (response) => response.text().then(() => true),
      () => false,
    )
  );
}

async function deadAddress(): Promise<string> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

test('one order leaves a whole trace, its log lines and its exemplar', async (t) => {
  const { stdout, stderr, code } = await runShop(t, ['--once']);
  assert.equal(code, 0, stdout + stderr);
  const traceId = /^Trace (\w{32}): \d+ spans in 4 services$/m.exec(stdout)?.[1];
  assert.ok(traceId, stdout);
  for (const line of [
    /^ +gateway +SERVER +POST \/orders +[\d.]+ ms/m,
    /^ +gateway +CLIENT +POST +[\d.]+ ms/m,
    /^ +orders +SERVER +POST \/orders +[\d.]+ ms/m,
    /^ +orders +INTERNAL +reserve stock +[\d.]+ ms/m,
    /^ +orders +CLIENT +UPDATE products +[\d.]+ ms/m,
    /^ +orders +PRODUCER +send shop\.orders +[\d.]+ ms/m,
    /^ +fulfilment +CONSUMER +process shop\.orders +[\d.]+ ms/m,
    /^ +fulfilment +CLIENT +INSERT shipments +[\d.]+ ms/m,
    /^ +fulfilment +CLIENT +POST +[\d.]+ ms/m,
    /^ +payments +SERVER +POST \/charges +[\d.]+ ms/m,
  ]) {
    assert.match(stdout, line);
  }
  assert.match(stdout, /^ +fulfilment +span \w{16} +order handled, customer\.tier gold$/m);
  assert.match(stdout, new RegExp(`shop_order_duration_seconds_bucket\\{.*tier="gold".*\\} \\d+ # \\{.*"${traceId}"`));
});

test('an order is traced although the named trace backend is away', async (t) => {
  const address = await deadAddress();
  const { stdout, stderr, code } = await runShop(t, ['--once'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://${address}`,
    JAEGER_QUERY_URL: undefined,
  });
  assert.equal(code, 0, stdout + stderr);
  assert.match(stderr, new RegExp(`Traces do not arrive at http://${address}/v1/traces: .*ECONNREFUSED`));
});

test('a named trace backend receives what --once checks', async (t) => {
  const paths: string[] = [];
  const backend = createServer((req, res) => {
    paths.push(`${req.method} ${req.url} ${req.headers['content-type']}`);
    req.resume().on('end', () => res.end());
  }).listen(0, '127.0.0.1');
  await once(backend, 'listening');
  t.after(() => backend.close());
  const url = `http://127.0.0.1:${(backend.address() as AddressInfo).port}`;
  const { stdout, stderr, code } = await runShop(t, ['--once'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    JAEGER_QUERY_URL: undefined,
  });
  assert.equal(code, 0, stdout + stderr);
  assert.ok(paths.length >= 4, paths.join());
  assert.deepEqual([...new Set(paths)], ['POST /v1/traces application/x-protobuf']);
});

test('a Kafka that was named but is away ends the shop with one sentence', async (t) => {
  const address = await deadAddress();
  const { stderr, code } = await runShop(t, ['--once'], { KAFKA_BROKERS: address });
  assert.equal(code, 1);
  assert.equal(stderr, `Kafka does not answer where KAFKA_BROKERS says it is (${address}: ECONNREFUSED).\n`);
});

test('a PostgreSQL that was named but is away ends the shop with one sentence', async (t) => {
  const address = await deadAddress();
  const { stderr, code } = await runShop(t, [], { DATABASE_URL: `postgres://user@${address}/shop` });
  assert.equal(code, 1);
  assert.equal(stderr, `PostgreSQL does not answer where DATABASE_URL says it is (${address}: ECONNREFUSED).\n`);
});

test('a gateway port that was named but is taken ends the shop with one sentence', async (t) => {
  const taken = createTcpServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const port = String((taken.address() as AddressInfo).port);
  const { stderr, code } = await runShop(t, ['--once'], { PORT: port });
  assert.equal(code, 1);
  assert.equal(stderr, `Port ${port}, which PORT names for the gateway, is taken.\n`);
});

test('an unknown option is named', async (t) => {
  const { stderr, code } = await runShop(t, ['--onec']);
  assert.equal(code, 2);
  assert.match(stderr, /^Unknown option '--onec'/);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} ends the open shop with all its services`, async (t) => {
    const child = startShop(t, [], { PORT: '0' });
    const gateway = await gatewayOf(child);
    child.stdout?.resume();
    child.stderr?.resume();
    child.kill(signal);
    const [code] = await once(child, 'close');
    assert.equal(code, 0);
    await assert.rejects(fetch(gateway));
  });
}

test('the services end when the shop is killed', { timeout: 60_000 }, async (t) => {
  const child = startShop(t, [], { PORT: '0' });
  const gateway = await gatewayOf(child);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await untilRefused(gateway);
});
