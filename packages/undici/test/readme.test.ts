import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runReadmeProgram } from '@clew/testkit';

test('the program of the README sends the ids of the span that it shows', async () => {
  const { stdout, stderr, code } = await runReadmeProgram(fileURLToPath(new URL('../README.md', import.meta.url)));
  assert.equal(code, 0, stderr);
  const traceId = /traceparent: 00-([0-9a-f]{32})-/.exec(stdout)?.[1];
  assert.ok(traceId !== undefined, stdout);
  assert.ok(stdout.includes(`trace ${traceId}`), stdout);
  assert.match(stdout, /CLIENT\s+GET/);
});
