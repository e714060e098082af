/** Where instrumentations record exceptions. */

/** `events`: on the span. `logs`: as log records. `logs/dup`: both. */
export type ExceptionSignal = 'events' | 'logs' | 'logs/dup';

/**
 * What `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN` says, in any case; `events` when it is not set or says something else.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/
 */
export function readExceptionSignal(env: NodeJS.ProcessEnv = process.env): ExceptionSignal {
  const given = (env.OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN ?? '').trim().toLowerCase();
  return given === 'logs' || given === 'logs/dup' ? given : 'events';
}
