/** Makes one promise of whatever a function of the application returned. */

/**
 * A native promise for any other thenable, everything else as it is. It calls `then` once, and nobody else does:
 * query builders run their query each time that it is called.
 */
export function adopt<R>(result: R): R {
  if (typeof result !== 'object' || result === null || result instanceof Promise) return result;
  if (typeof (result as { then?: unknown }).then !== 'function') return result;
  // A thenable stands for the same awaited value, which is all that a caller of ours does with it.
  return Promise.resolve(result) as R;
}
