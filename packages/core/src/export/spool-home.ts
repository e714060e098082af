/**
 * The directories of the spool: `<dir>/<exporter>/<process>/`. The one of a process has a `lock` that says who it is.
 * What a process that has ended left there is taken over by another one, file by file: of two that try to move the same
 * file, the file system lets one succeed.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, readlinkSync, renameSync, type Stats, writeFileSync } from 'node:fs';
import { lstat, readdir, readFile, rm, rmdir, unlink, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

/** How often a process shows that it is there. Milliseconds. */
export const HEARTBEAT_MS = 30_000;

// Five heartbeats that did not come.
const STALE_MS = 150_000;
const LOCK = 'lock';
// A directory gets its own name when its lock is written, so that none is ever seen without.
const UNFINISHED = '.new-';

interface Lock {
  pid: number;
  /** When the process started, in ticks since the machine did; where the system tells. */
  startTicks: string | undefined;
  /** 0 for the main thread. */
  thread: number;
  /** Where `pid` means something: host, its start, and the namespace of process ids. */
  scope: string;
}

/**
 * The directory for one exporter; batches of another format or for another target are never in it.
 *
 * @param target  the whole URL, without credentials
 */
export function exporterDir(dir: string, componentType: string, target: string): string {
  const hash = createHash('sha256').update(target).digest('hex').slice(0, 16);
  return join(dir, `${componentType}-${hash}`);
}

/**
 * Make a directory with a lock for this exporter of this process.
 *
 * @param parent  of `exporterDir`
 * @returns its path
 * @throws what the file system says, or that `parent` belongs to somebody else
 */
export function openHome(parent: string): string {
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  if (!isOwnDirectory(lstatSync(parent))) throw new Error(`${parent} is no directory of this user`);
  const id = `${process.pid}-${Date.now().toString(36)}-${randomBytes(4).toString('hex')}`;
  const unfinished = join(parent, UNFINISHED + id);
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(join(unfinished, LOCK), JSON.stringify(ownLock()), { flag: 'wx', mode: 0o600 });
  const home = join(parent, id);
  renameSync(unfinished, home);
  return home;
}

/** Show that this process is there still. */
export async function touchLock(home: string): Promise<void> {
  const now = new Date();
  await utimes(join(home, LOCK), now, now);
}

/** Remove the lock, and the directory if nothing is left in it; what is left is for the next process. Never rejects. */
export async function leaveHome(home: string): Promise<void> {
  await unlink(join(home, LOCK)).catch(() => {});
  await rmdir(home).catch(() => {});
}

/** The directories beside `home` whose processes have ended. */
export async function abandonedHomes(parent: string, home: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(parent)) {
    const path = join(parent, name);
    const stats = path === home ? undefined : await lstat(path).catch(() => undefined);
    if (stats === undefined || !isOwnDirectory(stats)) continue;
    if (name.startsWith(UNFINISHED)) {
      if (isStale(stats)) await rm(path, { recursive: true, force: true });
    } else if (!(await isAlive(path))) found.push(path);
  }
  return found;
}

async function isAlive(home: string): Promise<boolean> {
  const path = join(home, LOCK);
  const stats = await lstat(path).catch(() => undefined);
  // Without a lock: left by a process that shut down.
  if (stats === undefined) return false;
  const isRecent = !isStale(stats);
  const lock = stats.isFile() ? parseLock(await readFile(path, 'utf8').catch(() => '')) : undefined;
  if (lock === undefined || lock.scope !== ownScope()) return isRecent;
  if (lock.startTicks === undefined) return isRecent && isRunning(lock.pid);
  if (startTicksOf(lock.pid) !== lock.startTicks) return false;
  // A stopped process shows nothing for a while and is there; a worker can end before its process does.
  return lock.thread === 0 || isRecent;
}

function ownLock(): Lock {
  return { pid: process.pid, startTicks: startTicksOf(process.pid), thread: threadId, scope: ownScope() };
}

let scope: string | undefined;

function ownScope(): string {
  scope ??= JSON.stringify([
    hostname(),
    textOrNothing(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    textOrNothing(() => readlinkSync('/proc/self/ns/pid')),
  ]);
  return scope;
}

/** proc_pid_stat(5), field 22; the name in field 2 may hold blanks and brackets. */
function startTicksOf(pid: number): string | undefined {
  return textOrNothing(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  });
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function parseLock(text: string): Lock | undefined {
  try {
    const { pid, startTicks, thread, scope } = JSON.parse(text) as Record<keyof Lock, unknown>;
    if (!Number.isSafeInteger(pid) || typeof scope !== 'string') return undefined;
    return {
      pid: pid as number,
      startTicks: typeof startTicks === 'string' ? startTicks : undefined,
      thread: Number(thread),
      scope,
    };
  } catch {
    return undefined;
  }
}

function isOwnDirectory(stats: Stats): boolean {
  // `lstat` was asked: a symbolic link is no directory.
  return stats.isDirectory() && (process.getuid === undefined || stats.uid === process.getuid());
}

function isStale(stats: Stats): boolean {
  return Date.now() - stats.mtimeMs > STALE_MS;
}

function textOrNothing(read: () => string | undefined): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
