import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLEW_ERROR_CODES } from '../src/errors.ts';

const docs = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');

test('every error code is in docs/errors.md, and no other', () => {
  const documented = [...docs.matchAll(/^\| `(CLEW_ERR_\w+)` \|/gm)].map(([, code]) => code);
  assert.deepEqual(documented.toSorted(), CLEW_ERROR_CODES.toSorted());
});

test('every kind of fault that a package reports is in docs/errors.md', () => {
  const root = new URL('../../', import.meta.url).pathname;
  const kinds = new Set<string>();
  for (const file of globSync('*/src/**/*.ts', { cwd: root })) {
    const source = readFileSync(join(root, file), 'utf8');
    for (const [, kind = ''] of source.matchAll(/reportFault\(\s*'(\w+)'/g)) kinds.add(kind);
  }
  assert.ok(kinds.size > 20, 'the sources were found');
  const rows = docs.slice(docs.indexOf('| kind |')).split('\n');
  const documented = rows.map((row) => row.split('|')[1] ?? '').join();
  assert.deepEqual(
    [...kinds].filter((kind) => !documented.includes(`\`${kind}\``)),
    [],
  );
});
