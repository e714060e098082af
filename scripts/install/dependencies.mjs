// Does node_modules hold what package-lock.json names? Asked at every start, so it reads two files and no more.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Why node_modules under `root` has to be installed again.
 *
 * @returns a phrase such as `node_modules is missing`, or `undefined` when all is there
 */
export function staleReason(root) {
  // npm writes this file last, with what it has really installed.
  const installedFile = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) return 'node_modules is missing';
  const wanted = readPackages(join(root, 'package-lock.json'));
  const installed = readPackages(installedFile);
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.includes('node_modules/')) continue;
    const found = installed[path];
    if (found === undefined) {
      if (!isForElsewhere(entry)) return `${path} is missing`;
    } else if (found.version !== entry.version || found.link !== entry.link) {
      return `${path} is ${found.version}, package-lock.json has ${entry.version}`;
    }
  }
  return undefined;
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

// An optional package for another system is rightly missing. One for this system is not: npm leaves out kafka-crab-js'
// binary without a word when it runs on an older Node.js than that package asks for.
function isForElsewhere(entry) {
  if (entry.optional !== true && entry.devOptional !== true) return false;
  if (!allows(entry.os, process.platform) || !allows(entry.cpu, process.arch)) return true;
  return entry.libc !== undefined && !allows(entry.libc, libc());
}

function allows(list, value) {
  if (list === undefined || value === undefined) return true;
  if (list.includes(`!${value}`)) return false;
  return list.includes(value) || list.every((name) => name.startsWith('!'));
}

function libc() {
  if (process.platform !== 'linux') return undefined;
  // Else the report looks up the name of every open connection.
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}
