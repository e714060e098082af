// The import checker itself: what it accepts and what it refuses, one small tree of files for each row.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { judgeImports } from '../imports/judge.mjs';

const MANIFESTS = {
  'packages/core': {
    name: '@clew/core',
    peerDependencies: { '@opentelemetry/api': '*' },
    devDependencies: { tape: '*' },
  },
  'packages/pg': {
    name: '@clew/pg',
    peerDependencies: { '@clew/core': '*', pg: '*' },
    devDependencies: { '@clew/testkit': '*', pg: '*', '@clew/core': '*' },
  },
  'packages/pino': { name: '@clew/pino', peerDependencies: { '@clew/core': '*' } },
  'packages/viewer': { name: '@clew/viewer', devDependencies: { preact: '*' } },
  'packages/testkit': { name: '@clew/testkit', private: true, dependencies: { '@clew/core': '*', pg: '*' } },
  'examples/shop': { name: '@clew/example-shop', dependencies: { '@clew/pg': '*' } },
};

/** Judge a tree of these files, given as path and text. */
function judge(t, files) {
  const root = mkdtempSync(join(tmpdir(), 'clew-imports-'));
  t.after(() => rmSync(root, { recursive: true }));
  const manifests = Object.entries(MANIFESTS).map(([dir, manifest]) => [
    `${dir}/package.json`,
    JSON.stringify(manifest),
  ]);
  for (const [path, text] of [...manifests, ...Object.entries(files)]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return judgeImports(root).faults;
}

const empty = 'export {};\n';

const ACCEPTED = {
  'core imports node: modules and the API': {
    'packages/core/src/ids.ts':
      "import { randomFillSync } from 'node:crypto';\nimport { trace } from '@opentelemetry/api';\n",
  },
  'core imports from its left': {
    'packages/core/src/ids.ts': empty,
    'packages/core/src/span.ts': "import './ids.ts';\n",
    'packages/core/src/http/status.ts': "import '../span.ts';\n",
  },
  'a library package imports core, its doors and types of its library': {
    'packages/pg/src/index.ts':
      "import '@clew/core';\nimport { a } from '@clew/core/database';\nimport type { Pool } from 'pg';\n",
  },
  'a library package names a type of its library in place': {
    'packages/pg/src/index.ts': "export type Pool = import('pg').Pool;\n",
  },
  'a test imports its own sources, testkit and the real library': {
    'packages/pg/src/index.ts': empty,
    'packages/pg/test/query.test.ts':
      "import '../src/index.ts';\nimport '@clew/testkit';\nimport 'pg';\nimport '@clew/core';\n",
  },
  'the page of the viewer imports the libraries that are bundled into it': {
    'packages/viewer/src/ui/app.ts': "import 'preact';\n",
  },
  'an example imports published names': { 'examples/shop/src/main.ts': "import '@clew/pg';\nawait 1;\n" },
  'the word import in a comment, a text and a property is no import': {
    'packages/core/src/ids.ts':
      "// import 'pg';\nconst a = \"import 'pg'\";\nconst b = { import: `require('pg')` };\nexport const c = [a, b];\n",
  },
  'an await inside of a function is not at top level': {
    'packages/core/src/ids.ts': 'export const a = async () => {\n  for await (const b of []) await b;\n};\n',
  },
};

for (const [title, files] of Object.entries(ACCEPTED)) {
  test(`accepted: ${title}`, (t) => assert.deepEqual(judge(t, files), []));
}

// Title, files, and what the one fault says.
const REFUSED = [
  ['core imports a package', { 'packages/core/src/ids.ts': "import 'tape';\n" }, /ids\.ts:1: 'tape': core knows/],
  [
    'core imports a type of a library',
    { 'packages/core/src/ids.ts': "\nimport type { Pool } from 'pg';\n" },
    /ids\.ts:2: 'pg': core knows/,
  ],
  ['core requires a package', { 'packages/core/src/ids.ts': "require('tape');\n" }, /core knows/],
  [
    'core imports a package only when it is called',
    { 'packages/core/src/ids.ts': "export const a = () => import('tape');\n" },
    /core knows/,
  ],
  ['core imports itself by name', { 'packages/core/src/ids.ts': "import '@clew/core/http';\n" }, /itself by name/],
  ['a builtin without node:', { 'packages/core/src/ids.ts': "import 'fs';\n" }, /write 'node:fs'/],
  [
    'core imports from its right',
    { 'packages/core/src/ids.ts': "import './span.ts';\n", 'packages/core/src/span.ts': empty },
    /ids stands left of span/,
  ],
  [
    'core imports a type from its right',
    { 'packages/core/src/span.ts': "import type { A } from './tracer.ts';\n", 'packages/core/src/tracer.ts': empty },
    /span stands left of tracer/,
  ],
  [
    'core loads its right over another file',
    {
      'packages/core/src/ids.ts': "import './resource.ts';\n",
      'packages/core/src/resource.ts': "import './tracer.ts';\n",
      'packages/core/src/tracer.ts': empty,
    },
    /ids stands left of tracer, and imports only from its left, but loads it: .*resource\.ts -> .*tracer\.ts/,
  ],
  [
    'one room of core imports another',
    { 'packages/core/src/http/a.ts': "import '../database/b.ts';\n", 'packages/core/src/database/b.ts': empty },
    /http and database do not know one another/,
  ],
  [
    'a sampler imports the tracer',
    { 'packages/core/src/sampler/ratio.ts': "import '../tracer.ts';\n", 'packages/core/src/tracer.ts': empty },
    /sampler does not know tracer/,
  ],
  [
    'an exporter imports a room',
    {
      'packages/core/src/export/batch.ts': "export { a } from '../http/a.ts';\n",
      'packages/core/src/http/a.ts': empty,
    },
    /export does not know http/,
  ],
  [
    'a cycle',
    { 'packages/core/src/a.ts': "import './b.ts';\n", 'packages/core/src/b.ts': "export * from './a.ts';\n" },
    /a cycle of imports/,
  ],
  [
    'a library package loads its library',
    { 'packages/pg/src/index.ts': "import { Pool } from 'pg';\n" },
    /import its types only/,
  ],
  [
    'a library package loads its library for a type',
    { 'packages/pg/src/index.ts': "import { type Pool } from 'pg';\n" },
    /import its types only/,
  ],
  [
    'a library package imports another',
    { 'packages/pg/src/index.ts': "import '@clew/pino';\n" },
    /do not know one another/,
  ],
  [
    'a library package imports the API',
    { 'packages/pg/src/index.ts': "import type { Span } from '@opentelemetry/api';\n" },
    /own library and core/,
  ],
  [
    'the viewer imports core',
    { 'packages/viewer/src/index.ts': "import type { Span } from '@clew/core';\n" },
    /stands alone/,
  ],
  [
    'the viewer imports a UI library outside of its page',
    { 'packages/viewer/src/index.ts': "import 'preact';\n" },
    /node: modules only/,
  ],
  [
    'testkit imports a library package',
    { 'packages/testkit/src/index.ts': "import '@clew/pg';\n" },
    /hand their set-up/,
  ],
  [
    'testkit imports what it does not declare',
    { 'packages/testkit/src/index.ts': "import 'tape';\n" },
    /not in the package\.json/,
  ],
  [
    'a test imports another package',
    { 'packages/pg/test/a.test.ts': "import '@clew/pino';\n" },
    /tested without the others/,
  ],
  [
    'a test imports the sources of another package',
    { 'packages/pg/test/a.test.ts': "import '../../pino/src/a.ts';\n", 'packages/pino/src/a.ts': empty },
    /leaves its room/,
  ],
  [
    'an example imports the sources of a package',
    { 'examples/shop/src/main.ts': "import '../../../packages/pg/src/a.ts';\n", 'packages/pg/src/a.ts': empty },
    /leaves its room/,
  ],
  [
    'a source imports a test',
    { 'packages/pg/src/index.ts': "import '../test/a.ts';\n", 'packages/pg/test/a.ts': empty },
    /sources import sources only/,
  ],
  [
    'an import without its ending',
    { 'packages/pg/src/index.ts': "import './a';\n", 'packages/pg/src/a.ts': empty },
    /carries its ending/,
  ],
  ['an import of a missing file', { 'packages/pg/src/index.ts': "import './a.ts';\n" }, /no such file/],
  ['a file named utils', { 'packages/pg/src/utils.ts': empty }, /not in utils or helpers/],
  ['a folder named helpers', { 'packages/pg/test/helpers/a.ts': empty }, /not in utils or helpers/],
  [
    'an await at top level',
    { 'packages/pg/src/index.ts': '\nconst a = await 1;\nexport { a };\n' },
    /index\.ts:2: top-level await/,
  ],
  [
    'a for await at top level',
    { 'packages/pg/src/index.ts': 'for await (const a of []) console.log(a);\nexport {};\n' },
    /top-level await/,
  ],
];

for (const [title, files, says] of REFUSED) {
  test(`refused: ${title}`, (t) => {
    const faults = judge(t, files);
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0], says);
  });
}
