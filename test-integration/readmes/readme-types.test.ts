import assert from 'node:assert/strict';
import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readmeProgram } from '@clew/testkit';
import { run } from '../packed/workshop.ts';

const root = join(import.meta.dirname, '..', '..');
// Inside this folder, so that packages are found as a user's program finds them.
const folder = join(import.meta.dirname, '.programs');

after(() => rmSync(folder, { recursive: true, force: true }));

test('every README program compiles against the built packages, with skipLibCheck off', async () => {
  const built = await run(process.execPath, [join(root, 'scripts', 'build.mjs'), '--if-needed'], root);
  assert.equal(built.code, 0, built.stdout);
  const readmes = ['README.md', ...globSync('packages/*/README.md', { cwd: root })];
  assert.ok(readmes.length >= 10, `only ${readmes.join(', ')}`);
  mkdirSync(folder, { recursive: true });
  for (const readme of readmes) {
    const name = readme.replaceAll(/[^a-z]/g, '-').replace(/-+/g, '-');
    writeFileSync(join(folder, `${name}.ts`), readmeProgram(join(root, readme)));
  }
  const options = {
    compilerOptions: {
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: false,
      target: 'es2023',
      lib: ['es2023'],
      module: 'nodenext',
      types: ['node'],
    },
    include: ['*.ts'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { code, stdout } = await run(process.execPath, [tsc, '-p', folder], folder);
  assert.equal(code, 0, stdout);
});
