import assert from 'node:assert/strict';
import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { NODE_VERSIONS, nodeBinary, npm, packAll, run, temporaryFolder } from './workshop.ts';

// undici 7 is the newest that Node.js 20 can load.
const LIBRARIES = [
  '@opentelemetry/api@1.10.0',
  'express@5',
  'fastify@5',
  'undici@7',
  'pg@8',
  'kafkajs@2',
  'pino@10',
  'prom-client@15',
];

const project = temporaryFolder('project');

before(async () => {
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await npm(['install', ...(await packAll()), ...LIBRARIES], project);
  for (const file of ['program.mjs', 'by-import.mjs', 'by-require.cjs']) {
    cpSync(join(import.meta.dirname, file), join(project, file));
  }
});

test('an empty project gets one copy of the core and of the API, and nothing that is not ours or asked for', () => {
  const names = readdirSync(join(project, 'node_modules', '@opentelemetry'));
  assert.deepEqual(names, ['api']);
  assert.deepEqual(readdirSync(join(project, 'node_modules', '@clew')).toSorted(), [
    'core',
    'express',
    'fastify',
    'kafkajs',
    'pg',
    'pino',
    'prom-client',
    'undici',
    'viewer',
  ]);
});

const PATHS = [
  'root',
  'root > GET',
  'root > GET > GET /fastify/:id',
  'root > GET > GET /fastify/:id > GET',
  'root > GET > GET /fastify/:id > GET > GET /express/:id',
  'root > SELECT',
  'root > send t',
];

for (const version of NODE_VERSIONS) {
  for (const file of ['by-import.mjs', 'by-require.cjs']) {
    test(`Node.js ${version}, ${file}: every package works and all spans are one trace`, async () => {
      const { code, stdout, stderr } = await run(await nodeBinary(version), [file], project);
      assert.equal(code, 0, stderr);
      const result = JSON.parse(stdout) as Record<string, unknown>;
      assert.deepEqual(result.paths, PATHS);
      assert.deepEqual(
        { ...result, paths: undefined },
        {
          oneTrace: true,
          paths: undefined,
          logged: true,
          exemplar: true,
          stored: true,
          stats: [1, 2].map(() => ({ exported: PATHS.length, dropped: {} })),
        },
      );
      assert.doesNotMatch(stderr, /Warning: (?!`--)/, 'nothing that we use is deprecated or experimental');
    });
  }
}
