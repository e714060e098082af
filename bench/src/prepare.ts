import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BENCH: string = fileURLToPath(new URL('..', import.meta.url));
const ROOT = dirname(BENCH.replace(/\/$/, ''));
const INSTALLED = join(BENCH, 'node_modules', '.package-lock.json');

/**
 * Make sure that there is something to measure: the peers are installed and Clew is built.
 *
 * Peers live in this folder alone, with a lock file of their own, so that nobody who only works on
 * Clew installs them. Clew is measured as its users get it, from `dist`.
 *
 * @param measured  folders under `packages/` that will be measured; may be empty
 */
export function prepare(measured: readonly string[]): void {
  // npm writes its own list last, so an interrupted installation and a changed lock file are both noticed.
  if (timeOf(INSTALLED) < timeOf(join(BENCH, 'package-lock.json'))) npm(['ci'], BENCH);
  if (measured.some(isStale)) npm(['run', 'build'], ROOT);
}

function isStale(name: string): boolean {
  const folder = join(ROOT, 'packages', name);
  return newest(join(folder, 'dist')) < newest(join(folder, 'src'));
}

/** Time of the youngest file under `folder`, 0 when there is none. Milliseconds since 1970. */
function newest(folder: string): number {
  if (!existsSync(folder)) return 0;
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Math.max(0, ...entries.map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs));
}

/** When a file was last written, 0 when there is none. Milliseconds since 1970. */
function timeOf(file: string): number {
  return existsSync(file) ? statSync(file).mtimeMs : 0;
}

function npm(args: string[], cwd: string): void {
  process.stderr.write(`npm ${args.join(' ')} in ${cwd}\n`);
  // This Node.js first in PATH: native parts and build scripts have to meet the version that will run them.
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`,
  };
  // npm's own prefix settings would otherwise send `npm ci` to the folder that `npm run` was called in.
  for (const name of Object.keys(env))
    if (/^npm_(config_local_prefix|package_|lifecycle_)/.test(name)) delete env[name];
  // Under npm its own script is known and runs on this Node.js; the `npm` in PATH may bring another one.
  const script = process.env.npm_execpath;
  const [file, all] = script?.endsWith('.js') ? [process.execPath, [script, ...args]] : ['npm', args];
  const { status, error } = spawnSync(file, all, { cwd, env, stdio: ['ignore', 2, 2] });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`npm ${args.join(' ')} in ${cwd} ended with ${status}`);
}
