/** Takes over the batches that processes left behind which have ended. */
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSpoolName } from './spool-file.ts';
import { abandonedHomes, leaveHome } from './spool-home.ts';
import { measureBatch, UNFINISHED_SUFFIX } from './spool-io.ts';

/** What is done with what is found. */
export interface Adopter {
  /** Nothing more is to be taken. */
  isClosed(): boolean;
  /** A name that is free in the adopter's own directory. */
  nameFor(timeMs: number): string;
  /** A batch is the adopter's now. */
  taken(path: string, timeMs: number, size: { count: number; bytes: number }): void;
  /** A file is no whole batch. It is at `path` now, and was at `from`. */
  corrupt(path: string, from: string): Promise<void>;
}

/**
 * Move the files of all abandoned directories beside `home` into it.
 *
 * @throws when the directories cannot be read
 */
export async function adoptAbandoned(parent: string, home: string, adopter: Adopter): Promise<void> {
  for (const abandoned of await abandonedHomes(parent, home)) {
    // Gone, when another process took it over meanwhile.
    for (const name of await readdir(abandoned).catch(() => [])) {
      if (adopter.isClosed()) return;
      await adoptFile(join(abandoned, name), name, home, adopter);
    }
    await leaveHome(abandoned);
  }
}

async function adoptFile(from: string, name: string, home: string, adopter: Adopter): Promise<void> {
  const timeMs = parseSpoolName(name)?.timeMs;
  if (timeMs === undefined && !name.endsWith(UNFINISHED_SUFFIX)) return;
  const path = join(home, timeMs === undefined ? name : adopter.nameFor(timeMs));
  try {
    await rename(from, path);
  } catch {
    // Another process was first, and the file is its.
    return;
  }
  const size = timeMs === undefined ? undefined : await measureBatch(path);
  if (size === undefined || timeMs === undefined) await adopter.corrupt(path, from);
  else adopter.taken(path, timeMs, size);
}
