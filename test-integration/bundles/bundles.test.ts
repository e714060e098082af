import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { build } from 'esbuild';
import { rolldown } from 'rolldown';
import { run, temporaryFolder } from '../packed/workshop.ts';

const input = join(import.meta.dirname, 'app.mjs');
const scripts = join(import.meta.dirname, '..', '..', 'scripts');
const folder = temporaryFolder('bundles');

before(async () => {
  const { code, stderr } = await run(process.execPath, [join(scripts, 'build.mjs'), '--if-needed'], folder);
  assert.equal(code, 0, stderr);
});

const BUNDLERS: Array<[string, () => Promise<string>]> = [
  [
    'esbuild, CommonJS',
    async () => {
      const outfile = join(folder, 'esbuild.cjs');
      await build({ entryPoints: [input], outfile, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' });
      return outfile;
    },
  ],
  [
    'esbuild, minified',
    async () => {
      const outfile = join(folder, 'minified.cjs');
      await build({ entryPoints: [input], outfile, bundle: true, minify: true, platform: 'node', format: 'cjs' });
      return outfile;
    },
  ],
  [
    'rolldown, ES module',
    async () => {
      const bundle = await rolldown({ input, platform: 'node', logLevel: 'silent' });
      const file = join(folder, 'rolldown.mjs');
      await bundle.write({ file, format: 'esm', inlineDynamicImports: true });
      await bundle.close();
      return file;
    },
  ],
];
for (const [name, bundle] of BUNDLERS) {
  test(`a bundle made by ${name} still traces, from a folder without node_modules`, async () => {
    const file = await bundle();
    assert.match(readFileSync(file, 'utf8'), /traceparent/, 'the core is inside');
    const { stdout, stderr, code } = await run(process.execPath, [file], folder);
    assert.deepEqual([code, stdout, stderr], [0, 'one trace\n', '']);
  });
}
