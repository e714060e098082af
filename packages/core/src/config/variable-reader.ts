/** Reads single environment variables by the types of the table. Wrong ones warn once and count as not set. */
import { decodePercent } from '../propagation/baggage.ts';
import { isToken } from '../propagation/carrier.ts';
import { showValue } from './options.ts';
import type { Variable } from './variable.ts';
import { VARIABLES } from './variables.ts';

/** "No limit" for a timeout: the longest delay that a timer of Node.js takes. Milliseconds. */
export const NO_TIMEOUT_MS = 2147483647;

const MAX_INTEGER = 2147483647;
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const TABLE: ReadonlyMap<string, Variable> = new Map(VARIABLES.map((variable) => [variable.name, variable]));

/** One reading of an environment; each variable is read once, so it warns at most once. */
export class VariableReader {
  readonly #env: NodeJS.ProcessEnv;
  readonly #warn: (text: string) => void;

  constructor(env: NodeJS.ProcessEnv, warn: (text: string) => void) {
    this.#env = env;
    this.#warn = warn;
  }

  /** The text without blanks around it; `undefined` when it is not set or empty. */
  text(name: string): string | undefined {
    const text = this.#env[name]?.trim();
    return text === '' ? undefined : text;
  }

  boolean(name: string): boolean {
    const text = this.text(name)?.toLowerCase();
    if (text !== undefined && text !== 'true' && text !== 'false') {
      this.#warn(`${name} must be true or false, got ${showValue(this.text(name))}; it counts as false`);
    }
    return text === 'true';
  }

  /** An `integer`, `duration` or `timeout`. */
  integer(name: string): number | undefined {
    const { type, min = 0, max = MAX_INTEGER } = variable(name);
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      const unit = type === 'integer' ? '' : ' (milliseconds)';
      this.#refuse(name, `must be an integer from ${min} to ${max}${unit}`);
      return undefined;
    }
    return type === 'timeout' && value === 0 ? NO_TIMEOUT_MS : value;
  }

  number(name: string): number | undefined {
    const { min = 0, max = MAX_INTEGER } = variable(name);
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = NUMBER.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    this.#refuse(name, `must be a number from ${min} to ${max}`);
    return undefined;
  }

  enum<T extends string>(name: string, values: readonly T[]): T | undefined {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return undefined;
    const found = values.find((value) => value === text);
    if (found === undefined && !this.#warnUnsupported(name, text, 'it counts as not set')) {
      this.#refuse(name, `must be one of ${values.join(', ')}`);
    }
    return found;
  }

  /** The known words of a list, each once; empty for `none`; `undefined` when nothing known is left. */
  list<T extends string>(name: string, values: readonly T[]): T[] | undefined {
    const words = this.text(name)
      ?.toLowerCase()
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== '');
    if (words === undefined || words.length === 0) return undefined;
    if (words.every((word) => word === 'none')) return [];
    const found = new Set<T>();
    const unknown: string[] = [];
    for (const word of new Set(words)) {
      const value = values.find((known) => known === word);
      if (value !== undefined) found.add(value);
      else if (!this.#warnUnsupported(name, word, 'it is left out')) unknown.push(word);
    }
    if (unknown.length > 0) {
      const shown = showValue(unknown.join(','));
      this.#warn(`${name} takes none alone, or some of ${values.join(', ')}, got ${shown}, which is left out`);
    }
    return found.size === 0 ? undefined : [...found];
  }

  /**
   * The texts of a list, each once; `undefined` when there is none.
   *
   * @param isUsable  texts that it refuses are reported and left out
   * @param rule      what a text must be, for the report
   */
  texts(name: string, isUsable: (text: string) => boolean, rule: string): string[] | undefined {
    const found = new Set<string>();
    for (const text of (this.text(name) ?? '').split(',').map((one) => one.trim())) {
      if (text === '') continue;
      if (isUsable(text)) found.add(text);
      else this.#warn(`${name} must hold ${rule}, got ${showValue(text)}, which is left out`);
    }
    return found.size === 0 ? undefined : [...found];
  }

  url(name: string): URL | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    // Not URL.parse, which Node.js 20 does not have.
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '') return url;
    // What stands before an @ can be a password, and behind a ? a token.
    this.#refuse(name, 'must be a URL with http or https', text.replace(/^.*@/s, '…@').replace(/\?.*$/s, '?…'));
    return undefined;
  }

  /** Percent-decoded names and values; empty when there is an error anywhere. */
  pairs(name: string): Map<string, string> {
    const pairs = new Map<string, string>();
    for (const member of (this.text(name) ?? '').split(',')) {
      if (member.trim() === '') continue;
      const [key, value] = member.split('=').map(decodeStrictly);
      if (key === undefined || key === '' || value === undefined || member.split('=').length !== 2) {
        this.#refuse(name, 'must be name=value pairs parted by commas, percent-encoded');
        return new Map();
      }
      pairs.set(key, value);
    }
    return pairs;
  }

  /** Header names in lower case and their values. */
  headers(name: string): Map<string, string> {
    const headers = new Map<string, string>();
    for (const member of (this.text(name) ?? '').split(',')) {
      if (member.trim() === '') continue;
      const equals = member.indexOf('=');
      const key = member.slice(0, Math.max(equals, 0)).trim();
      const value = decodePercent(member.slice(equals + 1).trim());
      if (isToken(key) && HEADER_VALUE.test(value)) headers.set(key.toLowerCase(), value);
      // Neither the name nor the value is shown: a password with a comma in it looks like two members.
      else this.#warn(`${name} has a member that is no valid header; it is left out`);
    }
    return headers;
  }

  /** Warn about a variable that is not wrong by itself. */
  warn(text: string): void {
    this.#warn(text);
  }

  // Word by word what to do instead: a list of what there is would not help who moves here from another SDK.
  #warnUnsupported(name: string, word: string, consequence: string): boolean {
    const { unsupported } = variable(name);
    if (unsupported === undefined || !Object.hasOwn(unsupported, word)) return false;
    this.#warn(`${name}: ${word} is not built in, ${consequence}; ${unsupported[word]}`);
    return true;
  }

  #refuse(name: string, rule: string, shown: string = this.text(name) ?? ''): void {
    this.#warn(`${name} ${rule}, got ${showValue(shown)}; it counts as not set`);
  }
}

function decodeStrictly(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return undefined;
  }
}

function variable(name: string): Variable {
  const found = TABLE.get(name);
  if (found === undefined) throw new TypeError(`${name} is not in the table of variables`);
  return found;
}
