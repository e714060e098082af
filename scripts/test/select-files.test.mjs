// Which tests `npm test` runs, and which only `npm run test:engines`.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { missingEngines } from '../tests/engine-variables.mjs';
import { selectFiles } from '../tests/select-files.mjs';

const FILES = [
  'packages/pg/test/query.test.ts',
  'packages/pg/test/deep/stream.test.ts',
  'packages/pg/test/order-app.ts',
  'packages/pg/test-engines/copy.test.ts',
  'packages/pg/node_modules/x/test/a.test.ts',
  'examples/shop/test/shop.test.ts',
  'test-integration/wire.test.ts',
  'test-integration/engines/jaeger.test.ts',
  'test-integration/node_modules/x/a.test.ts',
  'scripts/test/imports.test.mjs',
];

function tree(t) {
  const root = mkdtempSync(join(tmpdir(), 'clew-select-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const path of FILES) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), '');
  }
  return root;
}

test('npm test runs the tests of all packages, examples, scripts and test-integration', (t) => {
  assert.deepEqual(selectFiles(tree(t), { engines: false, filters: [] }), [
    'examples/shop/test/shop.test.ts',
    'packages/pg/test/deep/stream.test.ts',
    'packages/pg/test/query.test.ts',
    'scripts/test/imports.test.mjs',
    'test-integration/wire.test.ts',
  ]);
});

test('npm run test:engines runs those that need real engines, and no other', (t) => {
  assert.deepEqual(selectFiles(tree(t), { engines: true, filters: [] }), [
    'packages/pg/test-engines/copy.test.ts',
    'test-integration/engines/jaeger.test.ts',
  ]);
});

test('a part of a path selects the files that contain it', (t) => {
  assert.deepEqual(selectFiles(tree(t), { engines: false, filters: ['stream', 'wire'] }), [
    'packages/pg/test/deep/stream.test.ts',
    'test-integration/wire.test.ts',
  ]);
});

test('every engine that is not named is told, with what it is for', () => {
  const lines = missingEngines({ DATABASE_URL: 'postgres://127.0.0.1/a', KAFKA_BROKERS: '' });
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['KAFKA_BROKERS', 'JAEGER_QUERY_URL', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  );
});
