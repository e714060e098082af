import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { runReadmeProgram } from '@clew/testkit';

import { startDatabase } from './support.ts';

const connectionString = await startDatabase();

test('the program of the README shows both queries, and the secret on none of their spans', async () => {
  const readme = fileURLToPath(new URL('../README.md', import.meta.url));
  const { stdout, stderr, code } = await runReadmeProgram(readme, { DATABASE_URL: connectionString });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /relname: 'pg_\w+'/);
  assert.match(stdout, /^42P01$/m);
  assert.match(stdout, /INTERNAL find tables/);
  assert.match(stdout, /CLIENT SELECT pg_class/);
  assert.match(stdout, /✗ \S+ CLIENT SELECT nowhere/);
  assert.doesNotMatch(stdout, /abc/);
});
