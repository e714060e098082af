// npm run build: every published package from src to dist, each after those that it needs.
//
//   node scripts/build.mjs --if-needed   only when a source has changed since the last build
import { createHash } from 'node:crypto';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSource } from './imports/parse.mjs';
import { inTurn } from './install/turn.mjs';
import { runTool } from './check/run-tool.mjs';
import { isMain, publishedPackages, root } from './repository.mjs';

const STAMP = join(root, '.node', 'built.sha256');
const COMPILED = /\.ts$/;

/**
 * Build all published packages.
 *
 * @param ifNeeded  leave it when neither a source nor a setting has changed since the last build
 * @returns `undefined`, or what the compiler had to say
 */
export function build({ ifNeeded = false } = {}) {
  return inTurn('build', async () => {
    const dirs = publishedPackages().map(({ dir }) => dir);
    const sources = fingerprint(dirs);
    const isBuilt = dirs.every((dir) => existsSync(join(root, dir, 'dist')));
    if (ifNeeded && isBuilt && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === sources) return undefined;
    rmSync(STAMP, { force: true });
    for (const dir of dirs) {
      const fault = await buildPackage(dir);
      if (fault !== undefined) return fault;
    }
    writeFileSync(STAMP, sources);
    return undefined;
  });
}

async function buildPackage(dir) {
  const [src, dist] = [join(root, dir, 'src'), join(root, dir, 'dist')];
  rmSync(dist, { recursive: true, force: true });
  const { code, output } = await runTool('tsc', ['-p', join(dir, 'tsconfig.build.json')]);
  if (code !== 0) return `${dir}\n${output}`;
  for (const name of globSync('**/*.d.ts', { cwd: dist })) renameImports(join(dist, name));
  for (const entry of globSync('**/*', { cwd: src, withFileTypes: true })) {
    if (!entry.isFile() || COMPILED.test(entry.name)) continue;
    const from = join(entry.parentPath, entry.name);
    const to = from.replace(src, dist);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(from, to);
  }
  return undefined;
}

// tsc rewrites './a.ts' to './a.js' in what runs and not in declarations, where not every tool looks up a .ts.
function renameImports(file) {
  let text = readFileSync(file, 'utf8');
  for (const { specifier, start, end } of parseSource(text, file).imports.toReversed()) {
    if (!specifier.startsWith('.') || !specifier.endsWith('.ts')) continue;
    text = `${text.slice(0, start)}'${specifier.replace(/\.ts$/, '.js')}'${text.slice(end)}`;
  }
  writeFileSync(file, text);
}

function fingerprint(dirs) {
  const patterns = dirs.flatMap((dir) => [`${dir}/src/**/*`, `${dir}/package.json`, `${dir}/tsconfig*.json`]);
  const hash = createHash('sha256');
  const files = globSync([...patterns, 'tsconfig.base.json', 'package-lock.json', 'scripts/build.mjs'], {
    cwd: root,
    withFileTypes: true,
  });
  for (const path of files
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()) {
    hash.update(path).update(readFileSync(path));
  }
  return hash.digest('hex');
}

if (isMain(import.meta.url)) {
  const fault = await build({ ifNeeded: process.argv.includes('--if-needed') });
  if (fault !== undefined) console.error(fault);
  process.exitCode = fault === undefined ? 0 : 1;
}
