/**
 * Checks of the options that users write in code. They throw at set-up, name what was given, and for a misspelt option
 * name the nearest one that exists.
 */
import { ClewError } from '../errors.ts';

const SHOWN_CHARACTERS = 80;

/**
 * Refuse option names that do not exist: a misspelt name would otherwise be ignored in silence.
 *
 * @param where  whose options these are, for example `startTracing`
 * @param given  the options as the user wrote them; `undefined` is fine
 * @param known  every name that exists
 * @throws ClewError `CLEW_ERR_OPTION` naming the unknown option and the nearest known one
 */
export function checkOptionNames(where: string, given: unknown, known: readonly string[]): void {
  if (given === undefined) return;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw optionError(`the options of ${where} must be an object, got ${showValue(given)}`);
  }
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? `known are: ${known.join(', ')}` : `did you mean "${nearest}"?`;
    throw optionError(`${where} has no option ${showValue(name)}, ${hint}`);
  }
}

/**
 * Check an option that holds a whole number.
 *
 * @param min  the lowest accepted value
 * @param max  the highest accepted value; default: the largest safe integer
 * @returns the value, or `undefined` when it was not given
 * @throws ClewError `CLEW_ERR_OPTION`
 */
export function checkInteger(name: string, value: unknown, min: number, max?: number): number | undefined {
  if (value === undefined) return undefined;
  if (
    Number.isSafeInteger(value) &&
    (value as number) >= min &&
    (value as number) <= (max ?? Number.MAX_SAFE_INTEGER)
  ) {
    return value as number;
  }
  throw optionError(`${name} must be an integer ${rangeText(min, max)}, got ${showValue(value)}`);
}

/**
 * Check an option that holds a finite number; the bounds are accepted values.
 *
 * @returns the value, or `undefined` when it was not given
 * @throws ClewError `CLEW_ERR_OPTION`
 */
export function checkNumber(name: string, value: unknown, min: number, max?: number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= (max ?? Number.MAX_VALUE)) {
    return value;
  }
  throw optionError(`${name} must be a number ${rangeText(min, max)}, got ${showValue(value)}`);
}

/** Check an option that is true or false. Returns `undefined` when it was not given; else throws `CLEW_ERR_OPTION`. */
export function checkBoolean(name: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw optionError(`${name} must be true or false, got ${showValue(value)}`);
}

/** Check an option that is a text of 1 character or more. Returns `undefined` when it was not given. */
export function checkString(name: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw optionError(`${name} must be a string that is not empty, got ${showValue(value)}`);
}

/** Check an option that is one of some words. Returns `undefined` when it was not given; else throws `CLEW_ERR_OPTION`. */
export function checkOneOf<T extends string>(name: string, value: unknown, words: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  const nearest = typeof value === 'string' ? nearestName(value, words) : undefined;
  const hint = nearest === undefined ? '' : `, did you mean "${nearest}"?`;
  throw optionError(`${name} must be one of ${words.join(', ')}, got ${showValue(value)}${hint}`);
}

/** Check an option that is a function. Returns `undefined` when it was not given; else throws `CLEW_ERR_OPTION`. */
export function checkFunction<F extends (...args: never[]) => unknown>(
  name: string,
  value: F | undefined,
): F | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw optionError(`${name} must be a function, got ${showValue(value)}`);
}

/** Check an option that is an object, no array. Returns `undefined` when it was not given; else throws `CLEW_ERR_OPTION`. */
export function checkObject<T extends object>(name: string, value: T | undefined): T | undefined {
  if (value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value))) return value;
  throw optionError(`${name} must be an object, got ${showValue(value)}`);
}

/** Check an option that is an array. Returns `undefined` when it was not given; else throws `CLEW_ERR_OPTION`. */
export function checkArray<T>(name: string, value: readonly T[] | undefined): readonly T[] | undefined {
  if (value === undefined || Array.isArray(value)) return value;
  throw optionError(`${name} must be an array, got ${showValue(value)}`);
}

/** A short text for any value, for messages to the person who wrote it; never throws. */
export function showValue(value: unknown): string {
  if (typeof value === 'string') {
    const text = value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value;
    return JSON.stringify(text);
  }
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return String(value);
  // An object may have getters that throw, so nothing of it is read.
  return Array.isArray(value) ? `an array of ${value.length}` : 'an object';
}

/** The known name with the fewest edits, when it is near enough to be what was meant. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined;
  // A third of the letters wrong is still a slip of the fingers; more is another word.
  let fewest = Math.floor(Math.max(name.length, 3) / 3) + 1;
  for (const candidate of known) {
    const edits = editDistance(name.toLowerCase().slice(0, 64), candidate.toLowerCase());
    if (edits < fewest) {
      fewest = edits;
      nearest = candidate;
    }
  }
  return nearest;
}

/** How many letters have to be put in, left out, replaced or swapped with their neighbour. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let edits = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, at(beforeLast, j - 2) + 1);
      row.push(edits);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: number[], index: number): number {
  return row[index] ?? 0;
}

function rangeText(min: number, max: number | undefined): string {
  return max === undefined ? `of ${min} or more` : `from ${min} to ${max}`;
}

function optionError(message: string): ClewError {
  return new ClewError('CLEW_ERR_OPTION', message);
}
