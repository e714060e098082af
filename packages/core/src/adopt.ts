/** Makes one promise of whatever a function of the application returned. */

/**
 * A native promise for any other thenable, everything else as it is. It calls `then` once, and nobody else does:
 * query builders run their query each time that it is called.
 *
 * @throws never: what throws when it is looked at is no thenable
 */
export function adopt<R>(result: R): R {
  if (typeof result !== 'object' || result === null || isPromise(result)) return result;
  if (!isThenable(result)) return result;
  // A thenable stands for the same awaited value, which is all that a caller of ours does with it.
  return Promise.resolve(result) as R;
}

/** Whether a value is a native promise; a proxy that throws is none. */
export function isPromise(value: unknown): value is Promise<unknown> {
  try {
    return value instanceof Promise;
  } catch {
    return false;
  }
}

function isThenable(value: object): boolean {
  try {
    return typeof (value as { then?: unknown }).then === 'function';
  } catch {
    return false;
  }
}
