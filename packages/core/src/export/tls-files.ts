/** Certificates and keys in files, read again when they have been replaced. */
import { readFileSync, statSync } from 'node:fs';
import type { AgentOptions } from 'node:https';
import { describeError } from '../faults.ts';

/** What the agent of node:https takes. */
export type TlsMaterial = Pick<AgentOptions, 'ca' | 'cert' | 'key'>;

/** Paths of PEM files. */
export interface TlsPaths {
  ca: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

const LOOK_EVERY_MS = 60_000;

/**
 * Read the files now, and look once a minute at most whether one of them has changed.
 *
 * @param warn  gets a sentence for a file that cannot be read; connections fail then, they never fall back to less
 * @returns gives what the files hold; another object when that has changed
 */
export function watchTlsFiles(paths: TlsPaths, warn: (text: string) => void): () => TlsMaterial {
  const files = Object.entries(paths).filter((entry): entry is [keyof TlsMaterial, string] => entry[1] !== undefined);
  let version = versionOf(files);
  let material = read(files, warn);
  let lookedAtMs = performance.now();
  return () => {
    if (files.length === 0 || performance.now() - lookedAtMs < LOOK_EVERY_MS) return material;
    lookedAtMs = performance.now();
    const newest = versionOf(files);
    if (newest !== version) {
      version = newest;
      material = read(files, warn);
    }
    return material;
  };
}

function versionOf(files: Array<[keyof TlsMaterial, string]>): string {
  return files.map(([, path]) => changedAt(path)).join(' ');
}

function changedAt(path: string): number | undefined {
  try {
    return statSync(path).mtimeMs;
  } catch {
    // Missing, or not for us to see: reading it says which.
    return undefined;
  }
}

function read(files: Array<[keyof TlsMaterial, string]>, warn: (text: string) => void): TlsMaterial {
  const material: TlsMaterial = {};
  for (const [name, path] of files) {
    try {
      material[name] = readFileSync(path);
    } catch (error) {
      warn(`cannot read ${path}, exports will fail: ${describeError(error)}`);
      // An empty authority trusts nobody: without the file the connection must fail and not fall back to less.
      material.ca = Buffer.alloc(0);
    }
  }
  return material;
}
