/**
 * Event emitters bound to a context: `context.bind(context, emitter)` of the API. Listeners that are added afterwards run
 * in that context, whoever emits the event.
 */
import { EventEmitter } from 'node:events';

type Listener = (...args: unknown[]) => void;
type Method = (this: unknown, event: string | symbol, listener: Listener) => unknown;

const ADD_METHODS = ['addListener', 'on', 'once', 'prependListener', 'prependOnceListener'] as const;
const REMOVE_METHODS = ['removeListener', 'off'] as const;

// Emitters that are bound already: like the official SDK, the first context stays.
const bound = new WeakSet<object>();

/**
 * Bind what is an emitter.
 *
 * @param bindListener  makes the function that runs a listener in the context
 * @returns whether it is an emitter; then its methods have been replaced
 */
export function bindEmitter(target: unknown, bindListener: (listener: Listener) => Listener): boolean {
  if (!(target instanceof EventEmitter)) return false;
  if (bound.has(target)) return true;
  bound.add(target);
  // An EventEmitter has all of these methods. They are replaced on this one; its class and all others stay as they are.
  const emitter = target as unknown as Record<(typeof ADD_METHODS | typeof REMOVE_METHODS)[number], Method>;
  const boundListeners = new WeakMap<Listener, Listener>();
  // `once` calls `on` with a wrapper of its own, which must not be bound a second time.
  let isAdding = false;
  for (const method of ADD_METHODS) {
    const add = emitter[method];
    emitter[method] = function (event, listener) {
      if (isAdding || typeof listener !== 'function') return add.call(this, event, listener);
      const inContext = boundListeners.get(listener) ?? bindListener(listener);
      boundListeners.set(listener, inContext);
      isAdding = true;
      try {
        return add.call(this, event, inContext);
      } finally {
        isAdding = false;
      }
    };
  }
  for (const method of REMOVE_METHODS) {
    const remove = emitter[method];
    emitter[method] = function (event, listener) {
      return remove.call(this, event, boundListeners.get(listener) ?? listener);
    };
  }
  return true;
}
