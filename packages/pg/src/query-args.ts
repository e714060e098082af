/** Reads the many forms that the arguments of `query` can have. Nothing is copied or changed: getters are read once. */

/** A function with any arguments: those of pg's methods are handed through as they came. */
export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** A query object that talks to the server by itself: `new Query()`, a cursor, a stream. */
export interface Submittable {
  submit(...args: unknown[]): unknown;
}

export function isSubmittable(config: unknown): config is Submittable {
  return typeof config === 'object' && config !== null && typeof read(config, 'submit') === 'function';
}

/** The query's text; `undefined` when there is none, as for a statement that is run by its name. */
export function textOf(config: unknown): string | undefined {
  if (typeof config === 'string') return config;
  const text = read(config, 'text') ?? read(read(config, 'cursor'), 'text');
  return typeof text === 'string' ? text : undefined;
}

/** The parameters: the second argument, else those of the query object. */
export function valuesOf(config: unknown, values: unknown): readonly unknown[] | undefined {
  if (Array.isArray(values)) return values;
  if (typeof config === 'string') return undefined;
  const own = read(config, 'values') ?? read(read(config, 'cursor'), 'values');
  return Array.isArray(own) ? own : undefined;
}

/** Whether values are apart from the text: there are parameters, or it is a named statement. */
export function isParameterized(config: unknown, values: readonly unknown[] | undefined): boolean {
  if (values !== undefined && values.length > 0) return true;
  return typeof config !== 'string' && typeof read(config, 'name') === 'string' && read(config, 'name') !== '';
}

function read(object: unknown, key: string): unknown {
  if (typeof object !== 'object' || object === null) return undefined;
  try {
    // Any key may be asked of any object.
    return (object as Record<string, unknown>)[key];
  } catch {
    // A getter of the application threw; pg will meet it too and is the one to tell.
    return undefined;
  }
}
