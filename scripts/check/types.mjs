// check:types: every workspace by its own tsconfig.json, from the sources of all.
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../repository.mjs';
import { runTool } from './run-tool.mjs';

const FOLDERS = ['packages/*', 'examples/*', 'test-integration', 'bench'];

export async function checkTypes() {
  const faults = [];
  const folders = globSync(FOLDERS, { cwd: root }).filter((dir) => existsSync(join(root, dir, 'tsconfig.json')));
  for (const dir of folders.sort()) {
    // What bench measures is installed there by the first `npm run bench`.
    if (dir === 'bench' && !existsSync(join(root, 'bench/node_modules'))) continue;
    const { code, output } = await runTool('tsc', ['-p', dir, '--noEmit']);
    if (code !== 0) faults.push(output);
  }
  return { faults, summary: `${folders.length} projects` };
}
