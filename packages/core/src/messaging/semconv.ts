/** Which attribute names messaging spans carry. */
import { readSemconv, type Semconv } from '../config/semconv.ts';

export type { Semconv };

/** What `OTEL_SEMCONV_STABILITY_OPT_IN` says for messaging; see `readSemconv`. */
export function readMessagingSemconv(env?: NodeJS.ProcessEnv): Semconv {
  return readSemconv('messaging', env);
}
