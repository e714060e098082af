/** The option `spool`, checked and complete. */
import { resolve } from 'node:path';
import type { SpoolOptions } from '../export/spool.ts';
import { ClewError } from '../errors.ts';
import type { EnvConfig } from './env.ts';
import { checkInteger, checkObject, checkOptionNames, showValue } from './options.ts';

/** The names of `SpoolOptions`. */
export const SPOOL_OPTIONS: ReadonlyArray<keyof SpoolOptions> = ['dir', 'maxBytes', 'maxAgeMs'];

/**
 * @param env  of `CLEW_SPOOL_*`, with the defaults; what is given in code wins
 * @returns `undefined` when nobody asked for a spool
 * @throws ClewError `CLEW_ERR_OPTION`
 */
export function resolveSpool(
  given: Partial<SpoolOptions> | undefined,
  env: EnvConfig['spool'],
): Required<SpoolOptions> | undefined {
  checkOptionNames('spool', checkObject('spool', given), SPOOL_OPTIONS);
  const dir: unknown = given?.dir ?? env.dir;
  if (given === undefined && dir === undefined) return undefined;
  if (typeof dir !== 'string' || dir === '') {
    throw new ClewError('CLEW_ERR_OPTION', `spool.dir must be the path of a directory, got ${showValue(dir)}`);
  }
  return {
    // Absolute from here on: a later `process.chdir` must not move it.
    dir: resolve(dir),
    maxBytes: checkInteger('spool.maxBytes', given?.maxBytes, 1) ?? env.maxBytes,
    maxAgeMs: checkInteger('spool.maxAgeMs', given?.maxAgeMs, 1) ?? env.maxAgeMs,
  };
}
