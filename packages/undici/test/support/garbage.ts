import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** Collect all garbage, at once. */
export const collectGarbage = runInNewContext('gc') as () => void; // What the flag adds to a new context.
