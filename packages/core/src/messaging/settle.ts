/** Ending a span when the call that it stands for has an outcome, without touching that outcome. */
import type { Span } from '@opentelemetry/api';
import { isPromise } from '../adopt.ts';
import { errorType, recordError } from '../exception.ts';
import { describeError, reportFault } from '../faults.ts';

/** What is read from the outcome of a call. */
export interface Outcome<R> {
  /** The broker protocol's name for what was thrown, for `error.type`; otherwise its code or class is taken. */
  protocolError?: ((error: unknown) => string | undefined) | undefined;
  /** Adds what only the result tells; guarded. */
  onSuccess?: ((span: Span, result: Awaited<R>) => void) | undefined;
}

/**
 * Call a function and end the span with its outcome; see `settleResult`.
 *
 * @throws what `call` throws, after it was recorded
 */
export function settle<R>(span: Span, call: () => R, outcome: Outcome<R>): R {
  let result: R;
  try {
    result = call();
  } catch (error) {
    failSpan(span, error, outcome);
    throw error;
  }
  return settleResult(span, result, outcome);
}

/**
 * End the span with what a call returned: at once, or when its promise settles.
 *
 * @returns the result; for a promise one that settles in the same way. Not the promise itself: watching that one beside
 *   the caller would count as handling its rejection, and an error that nobody handles would go unnoticed.
 */
export function settleResult<R>(span: Span, result: R, outcome: Outcome<R>): R {
  if (!isPromise(result)) {
    succeed(span, result as Awaited<R>, outcome);
    return result;
  }
  const settled = result.then(
    (value: unknown) => {
      // What a promise of type R settles with.
      succeed(span, value as Awaited<R>, outcome);
      return value;
    },
    (error: unknown) => {
      failSpan(span, error, outcome);
      throw error;
    },
  );
  // R is a promise here, and this one settles as it does.
  return settled as R;
}

/** Record what was thrown, and end the span. */
export function failSpan<R>(span: Span, error: unknown, outcome: Outcome<R>): void {
  if (span.isRecording()) {
    recordError(span, error);
    span.setAttribute('error.type', outcome.protocolError?.(error) ?? errorType(error));
  }
  span.end();
}

function succeed<R>(span: Span, result: Awaited<R>, outcome: Outcome<R>): void {
  if (outcome.onSuccess !== undefined && span.isRecording()) {
    try {
      outcome.onSuccess(span, result);
    } catch (error) {
      reportFault('plugin_threw', `reading the result of a messaging call: ${describeError(error)}`);
    }
  }
  span.end();
}
