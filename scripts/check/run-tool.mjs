// Run a command-line tool from node_modules and keep what it prints, for the case that it fails.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { readJson, root } from '../repository.mjs';

/** Packages of the tools whose command is not their name. */
const PACKAGES = { tsc: 'typescript', attw: '@arethetypeswrong/cli', biome: '@biomejs/biome' };

/**
 * @param tool  name of the command
 * @param args  its arguments, paths from the root of the repository
 * @param cwd   folder to run in
 * @returns `code` and everything printed, `output`
 */
export function runTool(tool, args, cwd = root) {
  const name = PACKAGES[tool] ?? tool;
  const { bin } = readJson(`node_modules/${name}/package.json`);
  const script = join(root, 'node_modules', name, typeof bin === 'string' ? bin : bin[tool]);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output: withoutNoise(output) }));
  });
}

// Tools that run npm let through what it says about the reader's own settings.
function withoutNoise(output) {
  return output.replaceAll(/^npm warn .*\n/gm, '').trim();
}
