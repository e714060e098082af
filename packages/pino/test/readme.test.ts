import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runReadmeProgram } from '@clew/testkit';

test('the program of the README logs ids inside the span and none outside', async () => {
  const { stdout, stderr, code } = await runReadmeProgram(fileURLToPath(new URL('../README.md', import.meta.url)));
  assert.equal(code, 0, stderr);
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  assert.equal(lines.length, 2);
  const [outside, inside] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(outside?.trace_id, undefined);
  assert.match(String(inside?.trace_id), /^[0-9a-f]{32}$/);
  assert.match(stdout, new RegExp(`trace ${String(inside?.trace_id)}`), 'the console exporter shows the same trace');
});
