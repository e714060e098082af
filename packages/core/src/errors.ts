/** Errors that Clew throws. They are thrown at set-up only, never while the application serves its users. */

/** Every code that a `ClewError` can carry; `docs/errors.md` has the cause and the remedy of each. */
export type ClewErrorCode = 'CLEW_ERR_OPTION' | 'CLEW_ERR_STARTED' | 'CLEW_ERR_TARGET' | 'CLEW_ERR_TEST';

/** What `ClewError.code` can be, as values; a test compares this list with `docs/errors.md`. */
export const CLEW_ERROR_CODES: readonly ClewErrorCode[] = [
  'CLEW_ERR_OPTION',
  'CLEW_ERR_STARTED',
  'CLEW_ERR_TARGET',
  'CLEW_ERR_TEST',
];

/** An error of Clew's own, told apart by its `code`. */
export class ClewError extends Error {
  /** Why it was thrown; see `docs/errors.md`. */
  readonly code: ClewErrorCode;

  /**
   * @param code     why
   * @param message  one sentence that names what was expected and what was given
   */
  constructor(code: ClewErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ClewError';
    this.code = code;
  }
}

/** Whether a caught value is an error of Clew's own. */
export function isClewError(value: unknown): value is ClewError {
  // By code, not instanceof: an application can load two copies of the core.
  return value instanceof Error && 'code' in value && String(value.code).startsWith('CLEW_ERR_');
}
