// check:text: what no file of the repository may hold, whoever wrote it.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { readJson, root } from '../repository.mjs';

const BINARY = /\.(png|jpe?g|gif|ico|woff2?|pb|bin|gz)$/;
/** Home folders and the place of this very clone mean something on one machine only. */
const MACHINE_PATHS = [/\/home\/[a-z][\w.-]*\//, /\/Users\/[A-Za-z][\w.-]*\//, /\/root\//, /[A-Z]:\\Users\\/];
const MARKDOWN_LINK = /\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g;

export async function checkText() {
  const files = trackedFiles();
  const faults = files.flatMap((file) => fileFaults(file));
  return {
    faults: [...faults, ...lockFaults('package-lock.json'), ...lockFaults('bench/package-lock.json')],
    summary: `${files.length} files`,
  };
}

// Also those not added yet, so that a fault is seen before the commit.
function trackedFiles() {
  const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root });
  return list
    .toString()
    .split('\0')
    .filter((file) => file !== '' && !BINARY.test(file) && existsSync(join(root, file)));
}

function fileFaults(file) {
  const text = readFileSync(join(root, file), 'utf8');
  const places = [...MACHINE_PATHS, new RegExp(`${RegExp.escape(root)}(?![\\w-])`)];
  const faults = [];
  for (const [index, line] of text.split('\n').entries()) {
    const place = places.map((pattern) => pattern.exec(line)?.[0]).find((found) => found !== undefined);
    if (place !== undefined) faults.push(`${file}:${index + 1}: '${place}' exists on one machine only`);
    if (!file.endsWith('.md')) continue;
    for (const [, target] of line.matchAll(MARKDOWN_LINK)) {
      const fault = linkFault(file, target);
      if (fault !== undefined) faults.push(`${file}:${index + 1}: link to ${target}: ${fault}`);
    }
  }
  return faults;
}

function linkFault(file, target) {
  if (/^[a-z][a-z+.-]*:/i.test(target) || target.startsWith('#')) return undefined;
  const path = relative(root, join(root, dirname(file), decodeURI(target.split('#')[0])));
  if (path.startsWith('..')) return 'leads out of the repository';
  return existsSync(join(root, path)) ? undefined : 'no such file';
}

// A lock file with addresses works with one registry only.
function lockFaults(file) {
  if (!existsSync(join(root, file))) return [];
  return Object.entries(readJson(file).packages)
    .filter(([, entry]) => entry.resolved !== undefined && entry.link !== true)
    .map(([path]) => `${file}: ${path} names an address ("resolved")`);
}
