import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { NODE_VERSIONS, nodeBinary, npm, packAll, run, temporaryFolder } from '../packed/workshop.ts';

/** Names that the versions are installed by; the newest needs more than Node.js 20 has. */
const UNDICIS = ['undici-6.19', 'undici-6', 'undici-7', 'undici-8'];
const LIBRARIES = [
  '@opentelemetry/api@1.10.0',
  'undici-6.19@npm:undici@6.19.8',
  ...['6', '7', '8'].map((major) => `undici-${major}@npm:undici@${major}`),
];
const README = join(import.meta.dirname, 'README.md');

interface Cell {
  route: string;
  way: string;
  outcome: string;
}

const project = temporaryFolder('matrix');

before(async () => {
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await npm(['install', ...(await packAll(['core', 'undici'])), ...LIBRARIES], project);
  for (const file of ['cells.mjs', 'built-in.mjs']) cpSync(join(import.meta.dirname, file), join(project, file));
});

/** What stands in the table of the README for a cell, and what it means for each way of tracing. */
const MEANINGS: Record<string, (way: string) => string> = {
  '✓': () => '1 span',
  fails: (way) => `fails as without us, ${way === 'channels' ? 0 : 1} span`,
  'not used': (way) => (way === 'interceptor' ? '0 span' : '1 span'),
};

/** The rows of the README's table: Node.js, undici, and what to expect by route. */
function readExpected(): Map<string, Record<string, string>> {
  const [head = [], , ...rows] = readFileSync(README, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  return new Map(
    rows.map((row) => [
      `${row[1]} ${row[2]}`,
      Object.fromEntries(head.slice(3, -1).map((route, i) => [route, row[i + 3] ?? ''])),
    ]),
  );
}

const expected = readExpected();
const seen = new Set<string>();

for (const version of NODE_VERSIONS) {
  for (const name of UNDICIS) {
    if (name === 'undici-8' && version.startsWith('20.')) continue;
    const line = version === NODE_VERSIONS[0] ? version : version.split('.')[0];
    const key = `${line} ${name.replace('undici-', '')}`;
    seen.add(key);
    test(`Node.js ${version}, ${name}: each way traces what works without us, and changes nothing else`, async () => {
      const routes = expected.get(key) ?? assert.fail(`the README has no row ${key}`);
      const { code, stdout, stderr } = await run(await nodeBinary(version), ['cells.mjs', name], project);
      assert.equal(code, 0, stderr);
      const cells = JSON.parse(stdout) as Cell[];
      assert.deepEqual(
        cells,
        cells.map(({ route, way }) => ({ route, way, outcome: MEANINGS[routes[route] ?? '']?.(way) })),
      );
      // 4 routes in 4 ways, of which `request` has no wrapper.
      assert.equal(cells.length, 15);
    });
  }
}

test('the README has no row for what is not run', () => assert.deepEqual([...expected.keys()], [...seen]));

const RECEIVED = [
  ['127.0.0.1', true],
  ['localhost', false],
];

for (const version of NODE_VERSIONS) {
  test(`Node.js ${version}: redirects of the built-in fetch are numbered and keep headers from foreign hosts, a WebSocket ends its span`, async () => {
    const { code, stdout, stderr } = await run(await nodeBinary(version), ['built-in.mjs'], project);
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    const caller = ['caller', null, null, 'root'];
    assert.deepEqual(result.byWrapper, { received: RECEIVED, spans: [['GET', 200, null, 'child'], caller] });
    assert.deepEqual(result.byChannels, {
      received: RECEIVED,
      spans: [['GET', 302, null, 'child'], ['GET', 200, 1, 'child'], caller],
    });
    // Node.js 20 has no WebSocket unless it is asked for.
    assert.deepEqual(result.webSocket, version.startsWith('20.') ? undefined : [['GET', 101, null, 'root']]);
  });
}
