/** Query text without the values that the application wrote into it. */
import { truncate } from '../attributes.ts';
import { SqlScanner, TokenKind } from './sql-scanner.ts';

/** The longest `db.query.text`, in characters. */
export const MAX_TEXT_LENGTH = 8192;

/** How much of a text is looked at, in characters: a bulk INSERT of megabytes must not hold the event loop up. */
export const MAX_SCANNED_LENGTH = 32_768;

/**
 * Replace every literal in a query by `?` and remove its comments; names, keywords, parameters and white space stay.
 *
 * Lists of literals behind `IN` become one `?`. From a quote on that is not closed, all of the rest becomes one `?`.
 *
 * @returns at most 8192 characters
 * @throws never
 */
export function sanitizeQuery(text: string): string {
  const sanitizer = new Sanitizer(text.length > MAX_SCANNED_LENGTH ? text.slice(0, MAX_SCANNED_LENGTH) : text);
  return truncate(sanitizer.run(), MAX_TEXT_LENGTH);
}

const PLACEHOLDER = '?';
const NO_LIST = -1;

class Sanitizer {
  readonly #scanner: SqlScanner;
  readonly #parts: string[] = [];
  #length = 0;
  #endsWithSpace = true;
  // What the last two tokens were that are neither space nor comment; upper case for words.
  #last = '';
  #lastButOne = '';
  // Where the parts of an IN list start that held nothing but literals until now.
  #listStart = NO_LIST;
  #listStartLength = 0;

  constructor(text: string) {
    this.#scanner = new SqlScanner(text);
  }

  run(): string {
    for (let kind = this.#scanner.next(); kind !== TokenKind.End; kind = this.#scanner.next()) {
      // A list may still become one placeholder.
      if (this.#length > MAX_TEXT_LENGTH && this.#listStart === NO_LIST) break;
      if (kind === TokenKind.Space) this.#space(this.#scanner.token);
      else if (kind === TokenKind.Comment) this.#space(' ');
      else this.#take(kind);
    }
    return this.#parts.join('').trimEnd();
  }

  #space(text: string): void {
    if (this.#parts.length === 0 || (this.#endsWithSpace && text === ' ')) return;
    this.#push(text);
    this.#endsWithSpace = true;
  }

  #take(kind: TokenKind): void {
    const { token } = this.#scanner;
    this.#endsWithSpace = false;
    if (kind === TokenKind.Number) this.#dropSign();
    const isLiteral = kind === TokenKind.Text || kind === TokenKind.Number || kind === TokenKind.Unclosed;
    if (isLiteral || (kind === TokenKind.Word && this.#isBoolean(token))) {
      this.#literal();
      return;
    }
    if (this.#listStart !== NO_LIST) this.#continueList(token);
    this.#push(token);
    if (token === '(' && this.#last === 'IN') {
      this.#listStart = this.#parts.length;
      this.#listStartLength = this.#length;
    }
    this.#remember(kind === TokenKind.Word ? token.toUpperCase() : token);
  }

  #push(part: string): void {
    this.#parts.push(part);
    this.#length += part.length;
  }

  #literal(): void {
    this.#push(PLACEHOLDER);
    this.#remember(PLACEHOLDER);
  }

  #remember(token: string): void {
    this.#lastButOne = this.#last;
    this.#last = token;
  }

  // `(-5)` is a literal, `a -5` a subtraction.
  #dropSign(): void {
    if (this.#last !== '-' && this.#last !== '+') return;
    if (this.#parts.at(-1) !== this.#last || !/^[=<>(,[+*/%|-]$/.test(this.#lastButOne)) return;
    this.#parts.pop();
    this.#last = this.#lastButOne;
  }

  // `x IS NOT TRUE` has no value in it.
  #isBoolean(word: string): boolean {
    if (word.length > 5 || this.#last === 'IS' || (this.#last === 'NOT' && this.#lastButOne === 'IS')) return false;
    const upper = word.toUpperCase();
    return upper === 'TRUE' || upper === 'FALSE';
  }

  #continueList(token: string): void {
    if (token === ',' || token === '-' || token === '+') return;
    if (token === ')' && this.#last === PLACEHOLDER) {
      this.#parts.length = this.#listStart;
      this.#length = this.#listStartLength;
      this.#push(PLACEHOLDER);
    }
    this.#listStart = NO_LIST;
  }
}
