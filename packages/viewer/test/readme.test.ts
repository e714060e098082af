/** The program of the README does what the README says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { runReadmeProgram } from '@clew/testkit';

test('the program of the README runs and prints the trace', async () => {
  const { stdout, stderr, code } = await runReadmeProgram(fileURLToPath(new URL('../README.md', import.meta.url)));
  assert.match(stdout, /^GET \/orders 25 ms http:\/\/127\.0\.0\.1:\d+\/trace\/4bf92f3577b34da6a3ce929d0e0e4736\n$/);
  assert.equal(stderr, '');
  assert.equal(code, 0);
});
