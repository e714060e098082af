/** The version of this package, as a constant: reading package.json at run time would break bundles. */

/** The version of `@clew/pg`; a test compares it with package.json. */
export const VERSION = '0.1.0';
