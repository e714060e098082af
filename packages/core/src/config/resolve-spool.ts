/** The option `spool`, checked and complete. */
import { resolve } from 'node:path';
import type { SpoolOptions } from '../export/spool.ts';
import { ClewError } from '../errors.ts';
import { checkInteger, checkObject, checkOptionNames, showValue } from './options.ts';

/** Defaults of `SpoolOptions`, besides `dir`. */
const DEFAULTS = { maxBytes: 64 * 1024 * 1024, maxAgeMs: 24 * 60 * 60 * 1000 };

/**
 * @param envDir  of `CLEW_SPOOL_DIR`; a directory given in code wins
 * @returns `undefined` when nobody asked for a spool
 * @throws ClewError `CLEW_ERR_OPTION`
 */
export function resolveSpool(
  given: Partial<SpoolOptions> | undefined,
  envDir: string | undefined,
): Required<SpoolOptions> | undefined {
  checkOptionNames('spool', checkObject('spool', given), ['dir', ...Object.keys(DEFAULTS)]);
  const dir: unknown = given?.dir ?? envDir;
  if (given === undefined && dir === undefined) return undefined;
  if (typeof dir !== 'string' || dir === '') {
    throw new ClewError('CLEW_ERR_OPTION', `spool.dir must be the path of a directory, got ${showValue(dir)}`);
  }
  return {
    // Absolute from here on: a later `process.chdir` must not move it.
    dir: resolve(dir),
    maxBytes: checkInteger('spool.maxBytes', given?.maxBytes, 1) ?? DEFAULTS.maxBytes,
    maxAgeMs: checkInteger('spool.maxAgeMs', given?.maxAgeMs, 1) ?? DEFAULTS.maxAgeMs,
  };
}
