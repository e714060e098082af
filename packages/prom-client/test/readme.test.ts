import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runReadmeProgram } from '@clew/testkit';

test('the program of the README prints a bucket with the exemplar of its span', async () => {
  const { stdout, stderr, code } = await runReadmeProgram(fileURLToPath(new URL('../README.md', import.meta.url)));
  assert.equal(code, 0, stderr);
  const traceId = /order_seconds_bucket\{le="1"\} 1 # \{trace_id="([0-9a-f]{32})"/.exec(stdout)?.[1];
  assert.ok(traceId !== undefined, stdout);
  assert.ok(stdout.includes(`trace ${traceId}`), 'the console exporter shows the same trace');
});
