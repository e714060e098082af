import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace';
import { askHostId, hostIdCommand, hostIdFromFiles } from '../src/resource-host-id.ts';
import type { SpanResource } from '../src/export/readable-span.ts';
import { faultCounts, resetFaults } from '../src/faults.ts';
import { makeSpans, startBackend, startTest, until } from './support.ts';

interface Deferred<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
}

function defer<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

test('the first batch waits for the attributes that a resource of the official SDK is still detecting', async (t) => {
  const backend = await startBackend(t);
  const later = defer<string>();
  const resource = resourceFromAttributes({ 'cloud.region': later.promise, team: 'blue' });
  const tracing = startTest(t, { endpoint: backend.url, resource });
  assert.equal(tracing.resource.asyncAttributesPending, true);
  assert.deepEqual(
    [tracing.resource.attributes.team, tracing.resource.attributes['cloud.region']],
    ['blue', undefined],
  );
  makeSpans(tracing, 3);
  assert.equal(tracing.stats().exporters[0]?.accepted, 0);
  const flushed = tracing.forceFlush();
  later.resolve('eu-north-7');
  await flushed;
  assert.equal(backend.received.length, 1);
  assert.ok(backend.received[0]?.body.includes('eu-north-7'));
  assert.equal(tracing.stats().exporters[0]?.exported, 3);
  assert.equal(tracing.resource.asyncAttributesPending, false);
  assert.equal(tracing.resource.attributes['cloud.region'], 'eu-north-7');
});

test('code beats variables in what is known later too', async (t) => {
  const resource = resourceFromAttributes({
    'service.name': Promise.resolve('late'),
    'host.name': Promise.resolve('h'),
  });
  const tracing = startTest(t, { exporter: 'none', serviceName: 'given', resource });
  await tracing.resource.waitForAsyncAttributes();
  assert.deepEqual(
    [tracing.resource.attributes['service.name'], tracing.resource.attributes['host.name']],
    ['given', 'h'],
  );
});

test('spans that end after the wait go straight to the batches, each once', async (t) => {
  const backend = await startBackend(t);
  const later = defer<string>();
  const tracing = startTest(t, { endpoint: backend.url, resource: resourceFromAttributes({ a: later.promise }) });
  makeSpans(tracing, 2);
  later.resolve('x');
  await tracing.resource.waitForAsyncAttributes();
  await until(() => tracing.stats().exporters[0]?.accepted === 2, 'both spans to be handed on');
  makeSpans(tracing, 2);
  assert.equal(tracing.stats().exporters[0]?.accepted, 4);
  await tracing.forceFlush();
  assert.equal(tracing.stats().exporters[0]?.exported, 4);
});

test('when more spans end than may wait, they go on with what is known', async (t) => {
  const backend = await startBackend(t);
  const resource = resourceFromAttributes({ a: defer<string>().promise });
  const tracing = startTest(t, {
    endpoint: backend.url,
    resource,
    batch: { maxQueueSpans: 10, maxExportBatchSpans: 10 },
  });
  makeSpans(tracing, 9);
  assert.equal(tracing.stats().exporters[0]?.accepted, 0);
  makeSpans(tracing, 1);
  assert.equal(tracing.stats().exporters[0]?.accepted, 10);
  await tracing.forceFlush();
  assert.equal(tracing.stats().exporters[0]?.exported, 10);
});

test('a resource that never settles is waited for 2 seconds at most, also by shutdown', async (t) => {
  const backend = await startBackend(t);
  const tracing = startTest(t, {
    endpoint: backend.url,
    resource: resourceFromAttributes({ a: defer<string>().promise }),
  });
  makeSpans(tracing, 1);
  await tracing.shutdown();
  assert.equal(tracing.stats().exporters[0]?.exported, 1);
});

test('a resource whose detection fails is counted, and the others count', async (t) => {
  resetFaults();
  const failing: SpanResource = {
    attributes: { team: 'blue' },
    asyncAttributesPending: true,
    waitForAsyncAttributes: () => Promise.reject(new Error('no cloud')),
  };
  const exporter = new InMemorySpanExporter();
  const tracing = startTest(t, { exporter, resource: failing });
  makeSpans(tracing, 1);
  await tracing.forceFlush();
  assert.equal(exporter.getFinishedSpans()[0]?.resource.attributes.team, 'blue');
  assert.equal(faultCounts().resource_detector_threw, 1);
});

test('a program that ends before its resource is detected still sends its spans', async (t) => {
  const backend = await startBackend(t);
  const program = `import { startTracing, withSpan } from '@clew/core';
    const resource = { attributes: { a: 1 }, asyncAttributesPending: true, waitForAsyncAttributes: () => new Promise(() => {}) };
    startTracing({ endpoint: '${backend.url}', resource });
    withSpan('work', () => {});`;
  const args = ['--conditions=clew-source', '--input-type=module', '-e', program];
  const child = spawn(process.execPath, args, { cwd: import.meta.dirname, stdio: 'inherit', timeout: 20_000 });
  const [code] = (await once(child, 'close')) as [number];
  assert.deepEqual([code, backend.received.length], [0, 1]);
});

function makeRoot(t: TestContext, files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'clew-root-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const ID_FILES: Array<[title: string, files: Record<string, string>, id: string | undefined]> = [
  ['of systemd', { 'etc/machine-id': 'abc\n', 'var/lib/dbus/machine-id': 'def\n' }, 'abc'],
  ['of D-Bus where the first is empty', { 'etc/machine-id': '\n', 'var/lib/dbus/machine-id': 'def\n' }, 'def'],
  ['of D-Bus where there is no other', { 'var/lib/dbus/machine-id': 'def' }, 'def'],
  ['of none', {}, undefined],
];
for (const [title, files, id] of ID_FILES) {
  test(`semantic conventions "host.id" on Linux: the file ${title}`, (t) => {
    assert.equal(hostIdFromFiles(makeRoot(t, files)), id);
  });
}

const PRINTED: Array<[platform: string, output: string, id: string | undefined]> = [
  [
    'darwin',
    '  | {\n  |   "IOPlatformUUID" = "81895B8D-9EF9-4EBB-B5DE-B00069CF53F0"\n  | }',
    '81895B8D-9EF9-4EBB-B5DE-B00069CF53F0',
  ],
  ['darwin', '  |   "IOPlatformSerialNumber" = "X"', undefined],
  ['win32', '\r\nHKEY_LOCAL_MACHINE\\…\r\n    MachineGuid    REG_SZ    fc90ba8b-1c1b\r\n\r\n', 'fc90ba8b-1c1b'],
  ['win32', 'ERROR: The system was unable to find the specified registry key', undefined],
];
for (const [platform, output, id] of PRINTED) {
  test(`semantic conventions "host.id" on ${platform}: ${JSON.stringify(output)}`, async () => {
    const { pattern, file } = hostIdCommand(platform, { SystemRoot: 'D:\\Win' }) ?? assert.fail();
    assert.match(file, platform === 'win32' ? /^D:\\Win.System32.reg\.exe$/ : /^\/usr\/sbin\/ioreg$/);
    // A program that prints the same in the place of the platform's own.
    const args = ['-e', `process.stdout.write(${JSON.stringify(output)})`];
    assert.equal(await askHostId({ file: process.execPath, args, pattern }, 10_000), id);
  });
}

test('on Linux no program is asked for an id', () => assert.equal(hostIdCommand('linux'), undefined));

test('a program that is not there or does not answer in time gives no id', async () => {
  const pattern = /(.*)/;
  assert.equal(await askHostId({ file: '/nowhere/ioreg', args: [], pattern }), undefined);
  const hanging = { file: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'], pattern };
  assert.equal(await askHostId(hanging, 50), undefined);
});

test('deployment.environment is there beside its newer name when old names of any kind are asked for', (t) => {
  t.after(() => delete process.env.OTEL_SEMCONV_STABILITY_OPT_IN);
  for (const [optIn, expected] of [
    ['', undefined],
    ['http', undefined],
    ['rpc, Database/DUP', 'staging'],
  ]) {
    process.env.OTEL_SEMCONV_STABILITY_OPT_IN = optIn;
    const { attributes } = startTest(t, { exporter: 'none', environment: 'staging' }).resource;
    assert.deepEqual(
      [attributes['deployment.environment.name'], attributes['deployment.environment']],
      ['staging', expected],
    );
  }
});
