import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Variable } from '../src/config/variable.ts';
import { VARIABLES } from '../src/config/variables.ts';

const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');

test('docs/configuration.md has a row for every variable, with its type, default and note', () => {
  const rows = page.split('\n').filter((line) => /^\| `[A-Z_]+` \|/.test(line));
  assert.deepEqual(rows, VARIABLES.map(rowOf));
});

test('every word that a variable takes is documented', () => {
  for (const { name, values } of VARIABLES) {
    for (const value of values ?? []) assert.ok(page.includes(`\`${value}\``), `${value} of ${name}`);
  }
});

function rowOf({ name, type, default: value, note }: Variable): string {
  const shown = value === undefined ? '–' : `\`${value}\``;
  return `| \`${name}\` | ${type} | ${shown} | ${note} |`;
}
