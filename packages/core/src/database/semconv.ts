/** Which attribute names database spans carry. */
import { readSemconv, type Semconv } from '../config/semconv.ts';

export type { Semconv };

/** What `OTEL_SEMCONV_STABILITY_OPT_IN` says for database; see `readSemconv`. */
export function readDatabaseSemconv(env?: NodeJS.ProcessEnv): Semconv {
  return readSemconv('database', env);
}
