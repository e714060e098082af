// check:lint: formatter and linter, nothing written. `npm run format` writes.
import { runTool } from './run-tool.mjs';

export async function checkLint() {
  const { code, output } = await runTool('biome', [
    'check',
    '--error-on-warnings',
    '--diagnostic-level=warn',
    '--max-diagnostics=50',
    '.',
  ]);
  return { faults: code === 0 ? [] : [output], summary: output.split('\n')[0] };
}
