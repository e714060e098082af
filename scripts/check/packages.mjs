// check:packages: what is published is complete and typed, as publint and "are the types wrong" see it.
import { build } from '../build.mjs';
import { publishedPackages } from '../repository.mjs';
import { runTool } from './run-tool.mjs';

const TOOLS = [
  ['publint', (dir) => ['--strict', dir]],
  // ESM only: Node.js from 20.19 loads ESM by require() too.
  ['attw', (dir) => ['--pack', dir, '--profile', 'esm-only', '--no-emoji', '--no-color', '--format', 'ascii']],
];

export async function checkPackages() {
  const fault = await build({ ifNeeded: true });
  if (fault !== undefined) return { faults: [fault] };
  const faults = [];
  const published = publishedPackages();
  for (const { dir } of published) {
    for (const [tool, args] of TOOLS) {
      const { code, output } = await runTool(tool, args(dir));
      if (code !== 0) faults.push(`${tool} ${dir}\n${output}`);
    }
  }
  return { faults, summary: `${published.length} packages` };
}
