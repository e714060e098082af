/**
 * Clew's sampler option for a share of recorded traces: none for all of them, since that is the default.
 *
 * @param ratio  0 or 1
 */
export function refusing(ratio: 0 | 1): { sampler?: number } {
  return ratio === 1 ? {} : { sampler: 0 };
}
