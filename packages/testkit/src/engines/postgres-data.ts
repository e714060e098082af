import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { PGlite } from '@electric-sql/pglite';

/** Beside what npm installs: writable where development happens, ignored by git, gone with a fresh install. */
const CACHE = new URL('../../node_modules/.cache/', import.meta.url);

/**
 * A new, empty database.
 *
 * Making one from nothing (`initdb` in WebAssembly) costs 4 s of CPU, starting from a copy of an empty one 1 s, so the
 * first start leaves such a copy for all later ones.
 */
export async function createDatabase(): Promise<PGlite> {
  const file = fileURLToPath(new URL(`postgres-${await fingerprint()}.tar`, CACHE));
  const saved = await readFile(file).catch(() => undefined);
  if (saved !== undefined) return PGlite.create({ loadDataDir: new Blob([saved]) });

  const db = await PGlite.create();
  const dump = await db.dumpDataDir('none');
  // Without a writable cache the next start is slow again, which is no reason to fail this one.
  await save(file, Buffer.from(await dump.arrayBuffer())).catch(() => {});
  return db;
}

/** Changes with the version of PGlite, whose package does not export its package.json. */
async function fingerprint(): Promise<string> {
  const program = await readFile(fileURLToPath(import.meta.resolve('@electric-sql/pglite')));
  return createHash('sha256').update(program).digest('hex').slice(0, 16);
}

/** Several engines may start for the first time at once: each writes a file of its own and the rename decides. */
async function save(file: string, content: Buffer): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const own = `${file}.${randomUUID()}`;
  await writeFile(own, content);
  await rename(own, file);
}
