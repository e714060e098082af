import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { voidReason } from '../src/http/arrived.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const RATIOS = ['clew/otel', 'clew-unsampled/otel-unsampled', 'control/otel-unsampled'];
const VARIANTS = ['bare', 'control', 'clew', 'clew-unsampled', 'otel', 'otel-unsampled'];

for (const framework of ['express', 'fastify']) {
  test(`a short run of ${framework} counts every span and prints one object last`, () => {
    const result = bench(framework, '--seconds', '1', '--warm-up', '0.3');
    assert.deepEqual(Object.keys(result.variants), VARIANTS);
    assert.deepEqual(Object.keys(result.added), VARIANTS.slice(1));
    assert.deepEqual(Object.keys(result.ratio), RATIOS);
    assert.deepEqual(
      { name: result.name, unit: result.unit, rounds: result.rounds, node: result.node },
      { name: framework, unit: 'µs', rounds: 1, node: process.versions.node },
    );
    for (const name of VARIANTS) assert.deepEqual(Object.keys(result.variants[name] ?? {}), ['median', 'min', 'max']);
    assert.deepEqual(Object.keys(result.cases), ['memory']);
  });
}

test('toggling runs the variants that can share a process, and counts their spans', () => {
  const result = bench('fastify', '--toggle');
  assert.equal(result.name, 'fastify-toggle');
  assert.deepEqual(Object.keys(result.variants), ['bare', 'control', 'clew', 'clew-unsampled']);
});

test('toggling undici runs every variant of each client, and counts their spans', () => {
  const result = bench('undici', '--toggle');
  assert.equal(result.name, 'undici-toggle');
  assert.deepEqual(Object.keys(result.variants), VARIANTS);
  assert.deepEqual(Object.keys(result.ratio), RATIOS);
  assert.deepEqual(Object.keys(result.cases), ['fetch', 'channels']);
});

test('toggling the service counts its spans on both frameworks', () => {
  const result = bench('service', '--toggle');
  assert.equal(result.name, 'service-toggle');
  assert.deepEqual(Object.keys(result.variants), ['bare', 'clew', 'clew-unsampled']);
  assert.deepEqual(Object.keys(result.cases), ['express']);
});

test('a short run of the service counts the spans of every variant', () => {
  const result = bench('service', '--seconds', '0.1', '--warm-up', '0');
  assert.deepEqual(Object.keys(result.variants), VARIANTS);
});

test('a short run of undici counts every span of each client', () => {
  const result = bench('undici', '--seconds', '0.1', '--warm-up', '0');
  assert.deepEqual(Object.keys(result.variants), VARIANTS);
  assert.deepEqual(Object.keys(result.cases), ['fetch', 'channels']);
});

test('a short run of core times every case on each implementation', () => {
  const result = bench('core', '--seconds', '0.02', '--warm-up', '0');
  assert.deepEqual(Object.keys(result.variants), ['bare', 'clew', 'otel']);
  assert.equal(result.unit, 'ns');
  assert.deepEqual(Object.keys(result.cases), [
    'server-span',
    'empty-span',
    'exception',
    'active-span',
    'unsampled-span',
    'unsampled-server-span',
    'inject',
    'extract',
    'flush-stall',
    'flush-stall-p99',
    'heap',
    'memory',
  ]);
});

test('a sampled variant that lost one span is void, and so is an unsampled one that sent one', () => {
  const arrived = { requests: 1000, spans: 2000, serverSpans: 1000, serverAttributes: 9000, bytes: 300_000 };
  assert.equal(voidReason('clew', arrived), undefined);
  assert.match(voidReason('clew', { ...arrived, serverSpans: 999 }) ?? '', /^999 SERVER spans .* 1000 requests$/);
  assert.match(voidReason('otel', { ...arrived, serverSpans: 1001 }) ?? '', /^1001 SERVER spans/);
  assert.equal(voidReason('clew-unsampled', { ...arrived, spans: 0, serverSpans: 0 }), undefined);
  assert.match(voidReason('otel-unsampled', { ...arrived, spans: 1 }) ?? '', /^1 spans arrived/);
});

/** Run the real program for one round and return what its last line holds. Figures are not judged here. */
function bench(...args: string[]): {
  name: string;
  unit: string;
  node: string;
  rounds: number;
  variants: Record<string, object>;
  added: Record<string, object>;
  ratio: Record<string, number>;
  cases: Record<string, object>;
} {
  const { stdout, stderr, status } = spawnSync(process.execPath, [MAIN, ...args, '--rounds', '1', '--json'], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}
