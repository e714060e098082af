// Read all sources under one root and judge them by the table in rooms.mjs.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, normalize, sep } from 'node:path';
import { findCycle, reach } from './graph.mjs';
import { parseSource } from './parse.mjs';
import { fileFault, packageFault, reachFault, roomOf } from './rooms.mjs';

const SOURCES = ['packages/*/{src,test,test-engines}/**/*.{ts,js}', '{examples,test-integration,bench}/**/*.ts'];
const CATCH_ALL = /(^|\/)(utils?|helpers?)(\.ts$|\/)/;

/** Judge all under `root`: `faults`, one line each, sorted, and the number of `files` read. */
export function judgeImports(root) {
  const exclude = (path) => /(^|[\\/])(node_modules|dist|fixtures)($|[\\/])/.test(path);
  const files = globSync(SOURCES, { cwd: root, exclude }).map((path) => path.replaceAll(sep, '/'));
  const faults = [];
  const all = new Map();
  const atRunTime = new Map();
  for (const file of files) judgeFile(root, file, { faults, all, atRunTime });
  const cycle = findCycle(new Map([...all].filter(([file]) => roomOf(file).isSource)));
  if (cycle !== undefined) faults.push(`${cycle[0]}: a cycle of imports: ${cycle.slice(1).join(' -> ')}`);
  for (const file of files) judgeReach(file, atRunTime, faults);
  return { faults: faults.sort(), files: files.length };
}

function judgeFile(root, file, { faults, all, atRunTime }) {
  const room = roomOf(file);
  if (CATCH_ALL.test(file))
    faults.push(`${file}: a function lives beside the thing it serves, not in utils or helpers`);
  const { imports, topLevelAwaits, unreadable } = parse(root, file);
  if (unreadable !== undefined) faults.push(`${file}: ${unreadable}`);
  if (room.isSource && room.kind !== 'testkit') {
    for (const line of topLevelAwaits) faults.push(`${file}:${line}: top-level await cannot be loaded with require()`);
  }
  const manifest = JSON.parse(readFileSync(join(root, room.dir, 'package.json'), 'utf8'));
  all.set(file, []);
  atRunTime.set(file, []);
  for (const { specifier, typeOnly, line } of imports) {
    const fault = specifier.startsWith('.')
      ? relativeFault(root, file, specifier, (target) => {
          all.get(file).push(target);
          if (!typeOnly) atRunTime.get(file).push(target);
        })
      : bareFault(room, specifier, typeOnly, manifest);
    if (fault !== undefined) faults.push(`${file}:${line}: '${specifier}': ${fault}`);
  }
}

function parse(root, file) {
  try {
    return parseSource(readFileSync(join(root, file), 'utf8'), file);
  } catch (error) {
    return { imports: [], topLevelAwaits: [], unreadable: error.message.replaceAll(/\s+/g, ' ') };
  }
}

function relativeFault(root, file, specifier, note) {
  const target = normalize(join(dirname(file), specifier)).replaceAll(sep, '/');
  if (!/\.(ts|mjs|js|cjs|json)$/.test(target)) return 'a relative import carries its ending';
  if (!existsSync(join(root, target))) return 'no such file';
  note(target);
  return fileFault(file, target);
}

function bareFault(room, specifier, typeOnly, manifest) {
  if (isBuiltin(specifier)) return specifier.startsWith('node:') ? undefined : `write 'node:${specifier}'`;
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  return packageFault(room, name, typeOnly, manifest);
}

// A direct import has been judged with its line; here is what a file loads over others.
function judgeReach(file, atRunTime, faults) {
  for (const [target, way] of reach(file, atRunTime)) {
    const fault = way.length > 2 ? reachFault(file, target) : undefined;
    if (fault !== undefined) faults.push(`${file}: ${fault}, but loads it: ${way.slice(1).join(' -> ')}`);
  }
}
