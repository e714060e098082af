import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { npm, packAll, run, temporaryFolder, unpackInto } from '../packed/workshop.ts';

let project = '';

before(async () => {
  project = temporaryFolder('sdk-2');
  for (const file of ['package.json', 'package-lock.json', 'program.mjs', 'interop.mjs']) {
    cpSync(join(import.meta.dirname, file), join(project, file));
  }
  await npm(['ci'], project);
  await unpackInto(project, await packAll());
});

test('the plugins work over the official SDK 2.x and API 1.9', async () => {
  const { code, stdout, stderr } = await run(process.execPath, ['program.mjs'], project);
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), {
    spans: [
      ['GET /express/:id', 'GET', '@clew/express'],
      ['GET /fastify/:id', null, '@clew/fastify'],
      ['GET', 'GET /fastify/:id', '@clew/undici'],
    ],
    logged: true,
  });
});

test('our parts do the same on the official SDK 2.x as on our provider, and its parts on ours', async () => {
  const { code, stdout, stderr } = await run(process.execPath, ['interop.mjs'], project);
  assert.equal(code, 0, stderr);
  const same = Object.entries(JSON.parse(stdout) as Record<string, boolean>);
  assert.ok(same.length >= 20, stdout);
  assert.deepEqual(
    same.filter(([, isSame]) => !isSame).map(([what]) => what),
    [],
    stderr,
  );
});
