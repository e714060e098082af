import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runReadmeProgram } from '@clew/testkit';
import { VERSION } from '../src/version.ts';

test('the program of the README shows the span of its request', async () => {
  const { stdout, stderr, code } = await runReadmeProgram(fileURLToPath(new URL('../README.md', import.meta.url)));
  assert.equal(code, 0, stderr);
  assert.match(stdout, /\{"id":"7"\}/);
  assert.match(stdout, /GET \/users\/:id/);
});

test('the version constant is that of package.json', () => {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  assert.equal(VERSION, (JSON.parse(text) as { version: string }).version);
});
