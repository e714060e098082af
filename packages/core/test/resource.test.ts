import assert from 'node:assert/strict';
import { arch, hostname, platform, release } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { type EnvConfig, readEnvironment } from '../src/config/env.ts';
import { createResource, Resource, type ResourceInCode } from '../src/resource.ts';
import { hostArch, osType } from '../src/resource-detectors.ts';
import { VERSION } from '../src/version.ts';

const envOf = (env: NodeJS.ProcessEnv): EnvConfig['resource'] =>
  readEnvironment(env, (warning) => assert.fail(warning)).resource;
const attributesOf = (env: NodeJS.ProcessEnv, code?: ResourceInCode): Record<string, unknown> =>
  createResource({ env: envOf(env), ...(code === undefined ? {} : { code }) }).attributes;

test('without detectors and options only the defaults are there', () => {
  assert.deepEqual(attributesOf({ OTEL_NODE_RESOURCE_DETECTORS: 'none' }), {
    'service.name': 'unknown_service:node',
    'telemetry.sdk.name': 'clew',
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.version': VERSION,
  });
});

test('the detectors tell about the process and its host', () => {
  const attributes = attributesOf({});
  assert.equal(attributes['host.name'], hostname());
  assert.equal(attributes['host.arch'], hostArch(arch()));
  assert.equal(attributes['os.type'], osType(platform()));
  assert.equal(attributes['os.version'], release());
  assert.equal(attributes['process.pid'], process.pid);
  assert.equal(attributes['process.executable.name'], 'node');
  assert.equal(attributes['process.executable.path'], process.execPath);
  assert.equal(attributes['process.runtime.name'], 'nodejs');
  assert.equal(attributes['process.runtime.version'], process.versions.node);
  assert.match(
    String(attributes['service.instance.id']),
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});

test('command line arguments are not collected', () => {
  assert.equal('process.command_args' in attributesOf({}), false);
});

const DETECTORS: Array<[name: string, own: string, foreign: string]> = [
  ['host', 'host.name', 'os.type'],
  ['os', 'os.type', 'process.pid'],
  ['process', 'process.pid', 'host.name'],
  ['serviceinstance', 'service.instance.id', 'process.pid'],
];
for (const [name, own, foreign] of DETECTORS) {
  test(`the detector ${name} runs alone when it is named alone`, () => {
    const attributes = attributesOf({ OTEL_NODE_RESOURCE_DETECTORS: name });
    assert.ok(own in attributes);
    assert.equal(foreign in attributes, false);
  });
}

for (const [given, word] of [
  ['x64', 'amd64'],
  ['arm64', 'arm64'],
  ['arm', 'arm32'],
  ['ia32', 'x86'],
  ['ppc64', 'ppc64'],
] as const) {
  test(`semantic conventions "host.arch": ${given} is ${word}`, () => assert.equal(hostArch(given), word));
}
for (const [given, word] of [
  ['win32', 'windows'],
  ['linux', 'linux'],
  ['darwin', 'darwin'],
  ['sunos', 'solaris'],
] as const) {
  test(`semantic conventions "os.type": ${given} is ${word}`, () => assert.equal(osType(given), word));
}

test('the instance id stays the same in a process and differs in a worker', async () => {
  const own = attributesOf({})['service.instance.id'];
  assert.equal(attributesOf({})['service.instance.id'], own);
  const url = new URL('../src/resource-detectors.ts', import.meta.url).href;
  const source = `
    const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(url)}).then((it) => parentPort.postMessage(it.detectResource(['serviceinstance'])));`;
  const worker = new Worker(source, { eval: true });
  const message = await new Promise<Record<string, unknown>>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  assert.equal(typeof message['service.instance.id'], 'string');
  assert.notEqual(message['service.instance.id'], own);
});

const NAMES: Array<[what: string, env: NodeJS.ProcessEnv, code: ResourceInCode | undefined, name: string]> = [
  ['the default', {}, undefined, 'unknown_service:node'],
  ['OTEL_RESOURCE_ATTRIBUTES', { OTEL_RESOURCE_ATTRIBUTES: 'service.name=a' }, undefined, 'a'],
  [
    'OTEL_SERVICE_NAME over OTEL_RESOURCE_ATTRIBUTES',
    { OTEL_RESOURCE_ATTRIBUTES: 'service.name=a', OTEL_SERVICE_NAME: 'b' },
    undefined,
    'b',
  ],
  ['attributes in code over variables', { OTEL_SERVICE_NAME: 'b' }, { attributes: { 'service.name': 'c' } }, 'c'],
  [
    'serviceName over attributes in code',
    { OTEL_SERVICE_NAME: 'b' },
    { serviceName: 'd', attributes: { 'service.name': 'c' } },
    'd',
  ],
];
for (const [what, env, code, name] of NAMES) {
  test(`Resource SDK "Merge": service.name is ${what}`, () =>
    assert.equal(attributesOf(env, code)['service.name'], name));
}

test('OTEL_RESOURCE_ATTRIBUTES beats detectors and defaults', () => {
  const attributes = attributesOf({ OTEL_RESOURCE_ATTRIBUTES: 'host.name=h,telemetry.sdk.name=other,k=v' });
  assert.equal(attributes['host.name'], 'h');
  assert.equal(attributes['telemetry.sdk.name'], 'other');
  assert.equal(attributes.k, 'v');
});

test('without the detector env, OTEL_RESOURCE_ATTRIBUTES is not used', () => {
  const env = { OTEL_NODE_RESOURCE_DETECTORS: 'os', OTEL_RESOURCE_ATTRIBUTES: 'k=v', OTEL_SERVICE_NAME: 's' };
  const attributes = attributesOf(env);
  assert.equal('k' in attributes, false);
  assert.equal(attributes['service.name'], 's');
});

test('options in code become attributes', () => {
  const code = { serviceVersion: '1.2.3', environment: 'staging' };
  const attributes = attributesOf({}, code);
  assert.equal(attributes['service.version'], '1.2.3');
  assert.equal(attributes['deployment.environment.name'], 'staging');
  assert.equal('deployment.environment' in attributes, false);
  assert.equal(attributesOf({}, { ...code, hasOlderEnvironment: true })['deployment.environment'], 'staging');
});

test('a resource does not change, neither directly nor through what it was made from', () => {
  const list = ['a'];
  const resource = new Resource({ list });
  list.push('b');
  assert.deepEqual(resource.attributes, { list: ['a'] });
  assert.throws(() => Object.assign(resource.attributes, { x: 1 }), TypeError);
});

test('values that are no simple attributes are left out', () => {
  const given = { s: '', n: Number.NaN, b: false, l: [1, null], u: undefined, o: {}, f: () => 1, m: [{}], '': 'x' };
  // The cast stands for an application in JavaScript.
  assert.deepEqual(new Resource(given as never).attributes, { s: '', n: Number.NaN, b: false, l: [1, null] });
});

test('merge takes the values of the other and keeps both unchanged', () => {
  const one = new Resource({ a: 1, b: 1 }, 'https://schema/1');
  const other = new Resource({ b: 2, c: 2 });
  const merged = one.merge(other);
  assert.deepEqual(merged.attributes, { a: 1, b: 2, c: 2 });
  assert.equal(merged.schemaUrl, 'https://schema/1');
  assert.deepEqual(one.attributes, { a: 1, b: 1 });
  assert.equal(one.merge(null), one);
  assert.equal(one.merge(new Resource({}, 'https://schema/2')).schemaUrl, undefined);
  assert.equal(other.merge(one).schemaUrl, 'https://schema/1');
});

test('a resource merges with one of the official SDK, in both directions', async () => {
  const ours = new Resource({ a: 1, b: 1 });
  const theirs = resourceFromAttributes({ b: 2, c: 2 });
  assert.deepEqual(ours.merge(theirs).attributes, { a: 1, b: 2, c: 2 });
  // The cast: TypeScript compares `merge`, whose argument is wider than theirs.
  assert.deepEqual(theirs.merge(ours as never).attributes, { a: 1, b: 1, c: 2 });
  assert.equal(ours.asyncAttributesPending, false);
  await ours.waitForAsyncAttributes();
});
