// When `npm start` and `npm test` install again, and that they do so one at a time.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { acceptInstalled, staleReason } from '../install/dependencies.mjs';
import { inTurn } from '../install/turn.mjs';
import { root } from '../repository.mjs';

const here = { os: [process.platform], cpu: [process.arch] };
const elsewhere = { os: [process.platform === 'win32' ? 'linux' : 'win32'], cpu: [process.arch] };

/** A folder in which the lock file names `wanted` and node_modules holds `installed`. */
function folder(t, wanted, installed) {
  const dir = mkdtempSync(join(tmpdir(), 'clew-install-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const write = (name, packages) =>
    writeFileSync(join(dir, name), JSON.stringify({ packages: { '': {}, ...packages } }));
  write('package-lock.json', wanted);
  mkdirSync(join(dir, 'node_modules'));
  if (installed !== undefined) write('node_modules/.package-lock.json', installed);
  return dir;
}

const a = { 'node_modules/a': { version: '1.0.0' } };

test('nothing is installed when node_modules holds what the lock file names', (t) => {
  assert.equal(staleReason(folder(t, { ...a, 'packages/x': { version: '0.1.0' } }, a)), undefined);
});

test('all is installed when there is no node_modules', (t) => {
  assert.equal(staleReason(folder(t, a, undefined)), 'node_modules is missing');
});

test('a package of another version is installed again', (t) => {
  const dir = folder(t, a, { 'node_modules/a': { version: '0.9.0' } });
  assert.equal(staleReason(dir), 'node_modules/a is 0.9.0, package-lock.json has 1.0.0');
});

test('a missing package is installed', (t) => {
  assert.equal(staleReason(folder(t, a, {})), 'node_modules/a is missing');
});

test('an optional package for this system, left out by npm on an older Node.js, is installed', (t) => {
  const binary = { 'node_modules/b': { version: '1.0.0', optional: true, ...here } };
  assert.equal(staleReason(folder(t, binary, {})), 'node_modules/b is missing');
});

test('an optional package for another system stays out', (t) => {
  const binary = { 'node_modules/b': { version: '1.0.0', optional: true, ...elsewhere } };
  assert.equal(staleReason(folder(t, binary, {})), undefined);
});

test('what npm has left out is accepted until npm works in node_modules again', (t) => {
  const dir = folder(t, a, {});
  acceptInstalled(dir);
  assert.equal(staleReason(dir), undefined);
  utimesSync(join(dir, 'node_modules/.package-lock.json'), 1, 1);
  assert.equal(staleReason(dir), 'node_modules/a is missing');
});

test('what only an optional package for another system needs stays out', (t) => {
  const wanted = {
    'node_modules/b': { version: '1.0.0', optional: true, ...elsewhere },
    'node_modules/b/node_modules/c': { version: '1.0.0', optional: true },
  };
  assert.equal(staleReason(folder(t, wanted, {})), undefined);
});

test('work of one name runs one at a time, in two processes too', async () => {
  const name = `test-${process.pid}-one`;
  const code = `
    import { inTurn } from ${JSON.stringify(join(root, 'scripts/install/turn.mjs'))};
    await inTurn(${JSON.stringify(name)}, async () => { process.stdout.write('in'); await new Promise((r) => process.stdin.once('end', r).resume()); });`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(other.stdout, 'data');
  let otherIsIn = true;
  const mine = inTurn(name, async () => otherIsIn);
  other.once('exit', () => {
    otherIsIn = false;
  });
  // The other one leaves only now, so my work has to find it gone.
  other.stdin.end();
  await once(other, 'exit');
  assert.equal(await mine, false);
});

test('the turn of a process that died is taken over', async () => {
  const name = `test-${process.pid}-dead`;
  const dead = spawn(process.execPath, ['-e', '']);
  await once(dead, 'exit');
  writeFileSync(join(root, '.node', `${name}.pid`), String(dead.pid));
  assert.equal(await inTurn(name, async () => 'mine'), 'mine');
  assert.equal(existsSync(join(root, '.node', `${name}.pid`)), false);
});

test('the turn is given back when the work throws', async () => {
  const name = `test-${process.pid}-throws`;
  await assert.rejects(
    inTurn(name, async () => {
      throw new Error('no');
    }),
    /no/,
  );
  assert.equal(await inTurn(name, async () => 'next'), 'next');
});
