import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CLEW_ERROR_CODES } from '../src/errors.ts';

const docs = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');

test('every error code is in docs/errors.md, and no other', () => {
  const documented = [...docs.matchAll(/^\| `(CLEW_ERR_\w+)` \|/gm)].map(([, code]) => code);
  assert.deepEqual(documented.toSorted(), CLEW_ERROR_CODES.toSorted());
});
