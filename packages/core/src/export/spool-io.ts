/** Single files of the spool: a batch is complete under its name or not there at all, and no symbolic link is followed. */
import { closeSync, constants, openSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { open, rename, unlink, writeFile } from 'node:fs/promises';
import type { SealedBatch } from './span-buffer.ts';
import { formatSpoolHeader, parseSpoolFile, parseSpoolHeader, SPOOL_HEADER_BYTES } from './spool-file.ts';

/** How a file that is being written ends. */
export const UNFINISHED_SUFFIX = '.tmp';

const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0);
const CREATE = { flag: 'wx', mode: 0o600 } as const;

/** Write a batch that has a body. Rejects with what the file system says, and leaves nothing behind then. */
export async function writeBatch(path: string, body: Buffer, count: number): Promise<void> {
  const unfinished = path + UNFINISHED_SUFFIX;
  try {
    await writeFile(unfinished, [formatSpoolHeader(body, count), body], CREATE);
    await rename(unfinished, path);
  } catch (error) {
    // Else what the disk had room for would fill it.
    await unlink(unfinished).catch(() => {});
    throw error;
  }
}

/** The same, done on return. Its unfinished file has a name of its own: `writeBatch` may be writing the same batch. */
export function writeBatchNow(path: string, body: Buffer, count: number): void {
  const unfinished = `${path}.now${UNFINISHED_SUFFIX}`;
  try {
    const file = openSync(unfinished, CREATE.flag, CREATE.mode);
    try {
      writeFileSync(file, formatSpoolHeader(body, count));
      writeFileSync(file, body);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
  } catch (error) {
    removeNow(unfinished);
    throw error;
  }
}

/** @returns whether the file is gone */
export function removeNow(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** @returns the batch, or `undefined` when the file is torn or was changed. Rejects when it cannot be read. */
export async function readBatch(path: string): Promise<SealedBatch | undefined> {
  const file = await open(path, READ_FLAGS);
  try {
    return parseSpoolFile(await file.readFile());
  } finally {
    await file.close();
  }
}

/** @returns what a file holds by its header, or `undefined` when it is torn, or no file. Never rejects. */
export async function measureBatch(path: string): Promise<{ count: number; bytes: number } | undefined> {
  try {
    const file = await open(path, READ_FLAGS);
    try {
      const stats = await file.stat();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(SPOOL_HEADER_BYTES), 0, SPOOL_HEADER_BYTES, 0);
      const head = stats.isFile() ? parseSpoolHeader(buffer.subarray(0, bytesRead), stats.size) : undefined;
      return head && { count: head.count, bytes: stats.size };
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
