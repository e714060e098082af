// Where things are in this repository, and which packages it publishes.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Absolute path of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Is this module the one that Node.js was started with, and not imported by another? */
export function isMain(url) {
  const started = process.argv[1];
  return started !== undefined && url === pathToFileURL(started).href;
}

/** Read one JSON file, named from the root of the repository. */
export function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

/** Every package under packages/: its folder from the root, and its package.json. */
export function packages() {
  return readdirSync(join(root, 'packages'))
    .map((name) => `packages/${name}`)
    .filter((dir) => existsSync(join(root, dir, 'package.json')))
    .map((dir) => ({ dir, manifest: readJson(`${dir}/package.json`) }));
}

/** The packages that users install, each after those that it needs. */
export function publishedPackages() {
  const waiting = packages().filter(({ manifest }) => manifest.private !== true);
  const names = new Set(waiting.map(({ manifest }) => manifest.name));
  const sorted = [];
  const done = new Set();
  while (waiting.length > 0) {
    const next = waiting.findIndex(({ manifest }) =>
      Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).every(
        (name) => !names.has(name) || done.has(name),
      ),
    );
    if (next === -1) throw new Error(`packages need one another: ${waiting.map((p) => p.manifest.name).join(', ')}`);
    const [found] = waiting.splice(next, 1);
    done.add(found.manifest.name);
    sorted.push(found);
  }
  return sorted;
}
