import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runReadmeProgram } from '@clew/testkit';

const PATHS = ['../README.md', '../../../README.md'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

test('the program of the README draws both spans below each other', async () => {
  const { stdout, stderr, code } = await runReadmeProgram(PATHS[0] as string);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /orders INTERNAL place order [\s\S]*\n {2}orders INTERNAL reserve stock/);
  assert.match(stdout, /started: 2/);
});

test("the program of Clew's README draws the trace of its request", async () => {
  const { stdout, stderr, code } = await runReadmeProgram(PATHS[1] as string);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /hello SERVER GET \/hello\/:name/);
});
