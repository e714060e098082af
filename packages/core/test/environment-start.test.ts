import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Variable } from '../src/config/variable.ts';
import { VARIABLES } from '../src/config/variables.ts';
import { startTracing } from '../src/start-tracing.ts';

/** Values at the edges of what the table accepts, and one that it refuses. */
function samplesOf({ type, min, max, values }: Variable): string[] {
  switch (type) {
    case 'integer':
    case 'duration':
    case 'timeout':
    case 'number':
      return [String(min ?? 0), String(max ?? 2147483647), '-1', 'x'];
    case 'enum':
    case 'list':
      return [...(values ?? []), 'none', 'unknown'];
    case 'boolean':
      return ['true', 'false', 'x'];
    case 'url':
      return ['http://127.0.0.1:1/x', 'https://127.0.0.1:1', 'x'];
    default:
      return ['a=1', 'x', '\u0000'];
  }
}

for (const variable of VARIABLES) {
  for (const text of samplesOf(variable)) {
    test(`${variable.name}=${JSON.stringify(text)} never stops the program`, async (t) => {
      const before = process.env[variable.name];
      t.after(() => {
        if (before === undefined) delete process.env[variable.name];
        else process.env[variable.name] = before;
      });
      process.env[variable.name] = text.replace('\u0000', '%00');
      const tracing = startTracing({ register: false });
      assert.ok(tracing.provider.getTracer('test'));
      await tracing.shutdown();
    });
  }
}
