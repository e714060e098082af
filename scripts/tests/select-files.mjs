// Which files `npm test` and `npm run test:engines` run.
import { globSync } from 'node:fs';
import { sep } from 'node:path';

const ENGINES = ['packages/*/test-engines/**/*.test.ts', 'test-integration/engines/**/*.test.ts'];
const EMBEDDED = [
  'scripts/test/**/*.test.mjs',
  'packages/*/test/**/*.test.ts',
  'examples/*/test/**/*.test.ts',
  'test-integration/**/*.test.ts',
];

/**
 * @param root     folder to look in
 * @param engines  those that need real engines, instead of those that bring their own
 * @param filters  keep a file whose path contains one of these; empty keeps all
 */
export function selectFiles(root, { engines, filters }) {
  const exclude = (path) => path.includes('node_modules');
  return globSync(engines ? ENGINES : EMBEDDED, { cwd: root, exclude })
    .map((path) => path.replaceAll(sep, '/'))
    .filter((path) => engines || !path.startsWith('test-integration/engines/'))
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .sort();
}
