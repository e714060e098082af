import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runReadmeProgram } from '@clew/testkit';
import { startKafka } from '@clew/testkit/engines';
import { VERSION } from '../src/version.ts';

test('the program of the README shows one trace from the order to its packing', async (t) => {
  const cluster = await startKafka();
  t.after(() => cluster.close());
  const { stdout, stderr, code } = await runReadmeProgram(fileURLToPath(new URL('../README.md', import.meta.url)), {
    KAFKA_BROKERS: cluster.brokers.join(','),
  });
  assert.equal(code, 0, stderr);
  const traceIds = new Set(stdout.match(/trace [0-9a-f]{32}/g));
  assert.equal(traceIds.size, 1, stdout);
  for (const name of ['place order', 'send orders', 'process orders', 'pack order']) {
    assert.ok(stdout.includes(name), `${name} is not in ${stdout}`);
  }
});

test('the version that spans carry is that of the package', () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  assert.equal(VERSION, manifest.version);
});
