// Does node_modules hold what package-lock.json names? Asked at every start, so it reads two files and no more.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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
  if (existsSync(acceptedFile(root)) && readFileSync(acceptedFile(root), 'utf8') === state(root)) return undefined;
  const wanted = readPackages(join(root, 'package-lock.json'));
  const installed = readPackages(installedFile);
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.includes('node_modules/')) continue;
    const found = installed[path];
    if (found === undefined) {
      if (!mayBeMissing(entry)) return `${path} is missing`;
    } else if (found.version !== entry.version || found.link !== entry.link) {
      return `${path} is ${found.version}, package-lock.json has ${entry.version}`;
    }
  }
  return undefined;
}

/**
 * Take what `npm ci` has just left for complete. Should this file see something missing that npm rightly left out, on a
 * system that we do not know, then it installs once and not at every start.
 */
export function acceptInstalled(root) {
  writeFileSync(acceptedFile(root), state(root));
}

function acceptedFile(root) {
  return join(root, 'node_modules', '.clew-accepted');
}

// Any later work of npm in node_modules changes the second of these files.
function state(root) {
  const times = ['package-lock.json', 'node_modules/.package-lock.json'].map(
    (name) => statSync(join(root, name)).mtimeMs,
  );
  return times.join(' ');
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

// An optional package for another system is rightly missing, and what only that one needs. One that names this system
// is not: npm leaves out kafka-crab-js' binary without a word when it runs on an older Node.js than that package asks for.
function mayBeMissing(entry) {
  if (entry.optional !== true && entry.devOptional !== true) return false;
  const namesSystem = entry.os !== undefined || entry.cpu !== undefined;
  return !namesSystem || !isForHere(entry);
}

function isForHere(entry) {
  if (!allows(entry.os, process.platform) || !allows(entry.cpu, process.arch)) return false;
  return entry.libc === undefined || allows(entry.libc, libc());
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
