// One at a time: two commands started together must not install or build into the same folder.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../repository.mjs';

const POLL_MS = 200;
const LONGEST_WAIT_MS = 15 * 60_000;

/**
 * Run `work` while no other process runs work of the same name, and wait for that other one first.
 * The file of a process that has died is removed.
 */
export async function inTurn(name, work) {
  const file = join(root, '.node', `${name}.pid`);
  mkdirSync(dirname(file), { recursive: true });
  await takeTurn(file, name);
  // Ended by a signal or not, the file goes; a file left by SIGKILL is recognised by its dead process.
  const release = () => rmSync(file, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.removeListener('exit', release);
    release();
  }
}

async function takeTurn(file, name) {
  const deadline = Date.now() + LONGEST_WAIT_MS;
  for (let told = false; ; told = true) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = readOwner(file);
    if (owner !== undefined && !isAlive(owner)) {
      rmSync(file, { force: true });
      continue;
    }
    if (!told) console.error(`clew: another process (${owner ?? 'just started'}) is at "${name}", waiting for it`);
    if (Date.now() > deadline) throw new Error(`waited 15 minutes for process ${owner}; remove ${file} if it hangs`);
    await sleep(POLL_MS);
  }
}

function readOwner(file) {
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
    return Number.isInteger(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
