// Run by "lerna version" after it has raised the versions in package.json: raise what names them elsewhere.
//
// lerna leaves peer ranges alone, and a library package of 0.2 with a core of 0.1 would not load. And packages that send
// their version with every span hold it as a constant, in src/version.ts.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packages, root } from './repository.mjs';

const all = packages();
const versions = new Map(all.map(({ manifest }) => [manifest.name, manifest.version]));
const changed = all.flatMap(({ dir, manifest }) => [...raisePeers(dir, manifest), ...raiseConstant(dir, manifest)]);
if (changed.length > 0) execFileSync('git', ['add', '--', ...changed], { cwd: root });

function raisePeers(dir, manifest) {
  const peers = manifest.peerDependencies ?? {};
  const ours = Object.keys(peers).filter((name) => versions.has(name));
  if (ours.length === 0) return [];
  for (const name of ours) peers[name] = `^${versions.get(name)}`;
  return write(`${dir}/package.json`, `${JSON.stringify(manifest, null, 2)}\n`);
}

function raiseConstant(dir, manifest) {
  const file = `${dir}/src/version.ts`;
  if (!existsSync(join(root, file))) return [];
  const text = readFileSync(join(root, file), 'utf8');
  return write(file, text.replace(/VERSION = '[^']+'/, `VERSION = '${manifest.version}'`));
}

function write(file, text) {
  writeFileSync(join(root, file), text);
  return [file];
}
