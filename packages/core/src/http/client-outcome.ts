/** How an attempt that got no answer is judged. Pure. */
import { errorType, unwrap } from '../exception.ts';

/** `cancelled`: the caller wanted no answer any more, which is no error. */
export type ClientFailure = { cancelled: true } | { cancelled: false; errorType: string };

/**
 * Judge what a request failed with.
 *
 * @param error   what was thrown
 * @param signal  the caller's signal, if there is one
 */
export function judgeFailure(error: unknown, signal: AbortSignal | undefined): ClientFailure {
  if (nameOf(error) === 'TimeoutError') return { cancelled: false, errorType: 'timeout' };
  if (signal?.aborted === true) {
    // AbortSignal.timeout() of a library that wraps the reason.
    if (nameOf(signal.reason) === 'TimeoutError') return { cancelled: false, errorType: 'timeout' };
    return { cancelled: true };
  }
  const inner = unwrap(error);
  if (nameOf(inner) === 'AbortError') return { cancelled: true };
  const type = errorType(inner);
  // fetch gives a TypeError, and a cause without code or name, for what is refused before it leaves: a blocked port.
  const isNameless = type === 'TypeError' || (type === '_OTHER' && nameOf(error) === 'TypeError');
  return { cancelled: false, errorType: isNameless ? 'fetch_failed' : type };
}

function nameOf(value: unknown): unknown {
  try {
    return typeof value === 'object' && value !== null ? (value as { name?: unknown }).name : undefined;
  } catch {
    return undefined;
  }
}
