/** Randomness that a seed repeats, and the texts that break parsers. */

/** A small generator (mulberry32): the same seed gives the same run on every machine. */
export class Random {
  #state: number;

  /** @param seed  any number; its lower 32 bits count */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A generator of its own for one case, so that a case can be repeated without the ones before it. */
  static forCase(seed: number, index: number): Random {
    return new Random(Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35));
  }

  /** From 0 up to, not including, `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return Math.floor((((word ^ (word >>> 14)) >>> 0) / 4294967296) * end);
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('nothing to pick from');
    // The index is below the length.
    return list[this.below(list.length)] as T;
  }

  /** Lower-case hex digits, not all zero. */
  hex(digits: number): string {
    let text = '';
    for (let i = 0; i < digits; i++) text += '0123456789abcdef'[this.below(16)];
    return /[1-9a-f]/.test(text) ? text : `${text.slice(1)}1`;
  }

  /** Any UTF-16 units: control characters, halves of surrogate pairs and all. */
  anyText(maxLength: number): string {
    let text = '';
    for (let i = this.below(maxLength + 1); i > 0; i--) {
      text += this.oneIn(3) ? this.pick(NASTY) : String.fromCharCode(this.below(this.oneIn(3) ? 65_536 : 128));
    }
    return text;
  }

  /** A token of RFC 9110. */
  token(maxLength: number): string {
    const characters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJabcdefghijklmnopqrstuvwxyz";
    let text = '';
    for (let i = 1 + this.below(maxLength); i > 0; i--) text += characters[this.below(characters.length)];
    return text;
  }
}

/** What parsers stumble over. */
export const NASTY: readonly string[] = [
  ...['', ' ', '\t', '\r\n', '\0', ',', ';', '=', '-', ':', '%', '%2', '%zz', '%ff', '%00', '%3A', '"', '\\', '@', '_'],
  ...['0', 'f', 'F', 'g', '1', '00', 'ff', 'd', '?', 'ä', '€', '😀', '\ud800', '\udc00', '\u0130', '\u2028', '\u007f'],
  ...['__proto__', 'constructor', 'toString', 'true', 'null', '-1', '1e9', '18446744073709551616'],
];
