// The one Node.js that runs the sources: the version in package.json, in a folder of its own.
//
// It stands outside node_modules, because it has to be there before "npm ci" (which runs on it) and "npm ci" empties
// node_modules. See CONTRIBUTING.md, "Why Node.js is installed twice".
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, root } from '../repository.mjs';
import { runNpm } from './npm.mjs';

const folder = join(root, '.node');
const installed = join(folder, 'node_modules', 'node');

/** Path of the pinned Node.js, there or not. */
export const pinnedNode = join(installed, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/** The version in package.json, for example `24.21.0`. */
export function pinnedVersion() {
  return readJson('package.json').devDependencies.node;
}

export function hasPinnedNode() {
  if (!existsSync(pinnedNode)) return false;
  return JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')).version === pinnedVersion();
}

export async function installPinnedNode() {
  mkdirSync(folder, { recursive: true });
  // npm 11 runs the scripts of a package only where it is named; npm 10 does not know the field.
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "allowScripts": { "node": true } }\n');
  const flags = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts=false'];
  await runNpm(process.execPath, ['install', '--prefix', folder, ...flags, `node@${pinnedVersion()}`], folder);
}
