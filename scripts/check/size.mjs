// check:size: what a package adds to an application stays under its budget in scripts/size-budget.json.
//
//   bundleBytes   all its doors in one bundle, minified and gzipped, what it does not own left out
//   packedBytes   the tarball that npm downloads
//
// A budget is raised in the commit that needs it, with the reason.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build as bundle } from 'esbuild';
import { build } from '../build.mjs';
import { publishedPackages, readJson, root } from '../repository.mjs';

export async function checkSize() {
  const fault = await build({ ifNeeded: true });
  if (fault !== undefined) return { faults: [fault] };
  const budget = readJson('scripts/size-budget.json');
  const faults = [];
  const parts = [];
  for (const { dir, manifest } of publishedPackages()) {
    const size = { bundleBytes: await bundleBytes(dir, manifest), packedBytes: packedBytes(dir) };
    parts.push(`${manifest.name.replace('@clew/', '')} ${kB(size.bundleBytes)}`);
    for (const [measure, bytes] of Object.entries(size)) {
      const limit = budget[manifest.name]?.[measure];
      if (limit === undefined) faults.push(`${manifest.name} has no budget for ${measure}; it is at ${bytes}`);
      else if (bytes > limit) faults.push(`${manifest.name}: ${measure} is ${bytes}, the budget is ${limit}`);
    }
  }
  return { faults, summary: parts.join(', ') };
}

async function bundleBytes(dir, manifest) {
  const doors = Object.values(manifest.exports)
    .map((door) => door.default)
    .filter((path) => path !== undefined);
  const { outputFiles } = await bundle({
    stdin: { contents: doors.map((path) => `export * from '${path}';`).join('\n'), resolveDir: join(root, dir) },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: [...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }), '@opentelemetry/api'],
    logLevel: 'silent',
    write: false,
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

function packedBytes(dir) {
  const npm = process.env.npm_execpath;
  const [command, ...first] = npm === undefined ? ['npm'] : [process.execPath, npm];
  const args = [...first, 'pack', '--dry-run', '--json', '--ignore-scripts'];
  const json = execFileSync(command, args, { cwd: join(root, dir), stdio: ['ignore', 'pipe', 'ignore'] }).toString();
  const parsed = JSON.parse(json);
  return (Array.isArray(parsed) ? parsed[0] : Object.values(parsed)[0]).size;
}

function kB(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
