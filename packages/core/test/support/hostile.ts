/** Objects that throw, for tests of what callers may hand over. */

/** A proxy whose every trap throws. */
export function throwingProxy<T extends object>(target: T): T {
  const trap = (): never => {
    throw new Error('a trap of the proxy');
  };
  // Asked for a trap by whatever name, the handler has one.
  return new Proxy(target, new Proxy({}, { get: () => trap }) as ProxyHandler<T>);
}
