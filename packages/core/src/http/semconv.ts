/** Which attribute names http spans carry. */
import { readSemconv, type Semconv } from '../config/semconv.ts';

export type { Semconv };

/** What `OTEL_SEMCONV_STABILITY_OPT_IN` says for http; see `readSemconv`. */
export function readHttpSemconv(env?: NodeJS.ProcessEnv): Semconv {
  return readSemconv('http', env);
}
