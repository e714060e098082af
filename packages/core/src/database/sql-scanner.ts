/**
 * Splits SQL text into tokens by PostgreSQL's lexical rules, in one pass from left to right. It knows nothing of grammar
 * and never fails: what cannot be closed, such as a quote without its partner, is one token up to the end.
 */

/** What a token is. */
export const TokenKind = {
  End: 0,
  /** White space. */
  Space: 1,
  /** From `--` to the end of the line, or between slashes and stars, nested ones too. */
  Comment: 2,
  /** A keyword or an identifier without quotes. */
  Word: 3,
  /** An identifier in double quotes. */
  Quoted: 4,
  /** A text: `'…'`, `E'…'`, `U&'…'`, `B'…'`, `X'…'`, `$tag$…$tag$`. */
  Text: 5,
  Number: 6,
  /** `$1` */
  Parameter: 7,
  /** One character of an operator or of punctuation. */
  Symbol: 8,
  /** A quote, comment or dollar quote that is not closed, up to the end. */
  Unclosed: 9,
} as const;

export type TokenKind = (typeof TokenKind)[keyof typeof TokenKind];

const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const DOLLAR = 0x24;
const AMPERSAND = 0x26;
const STAR = 0x2a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const UNDERSCORE = 0x5f;

/** Tokens of one text, one after another. */
export class SqlScanner {
  readonly text: string;
  /** Where the current token starts. */
  start = 0;
  /** Where the current token ends; the character there does not belong to it. */
  end = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** The current token's characters. */
  get token(): string {
    return this.text.slice(this.start, this.end);
  }

  /** The code of the current token's first character. */
  get code(): number {
    return this.text.charCodeAt(this.start);
  }

  /** Go to the next token, and tell its kind. */
  next(): TokenKind {
    const { text } = this;
    const start = this.end;
    this.start = start;
    if (start >= text.length) return TokenKind.End;
    const code = text.charCodeAt(start);
    const following = text.charCodeAt(start + 1);
    if (isSpace(code)) return this.#space();
    if (code === MINUS && following === MINUS) return this.#lineComment();
    if (code === SLASH && following === STAR) return this.#blockComment();
    if (code === QUOTE) return this.#quoted(start + 1, QUOTE, false);
    if (code === DOUBLE_QUOTE) return this.#quoted(start + 1, DOUBLE_QUOTE, false);
    if (isDigit(code) || (code === DOT && isDigit(following))) return this.#number();
    if (code === DOLLAR) return this.#dollar();
    if (isWordStart(code)) return this.#word(code, following);
    return this.#to(start + 1, TokenKind.Symbol);
  }

  #to(end: number, kind: TokenKind): TokenKind {
    this.end = end;
    return kind;
  }

  #unclosed(): TokenKind {
    return this.#to(this.text.length, TokenKind.Unclosed);
  }

  #space(): TokenKind {
    let at = this.start + 1;
    while (isSpace(this.text.charCodeAt(at))) at++;
    return this.#to(at, TokenKind.Space);
  }

  #lineComment(): TokenKind {
    const newline = this.text.indexOf('\n', this.start);
    return this.#to(newline < 0 ? this.text.length : newline, TokenKind.Comment);
  }

  #blockComment(): TokenKind {
    const { text } = this;
    let depth = 1;
    for (let at = this.start + 2; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === STAR && text.charCodeAt(at + 1) === SLASH) {
        at++;
        if (--depth === 0) return this.#to(at + 1, TokenKind.Comment);
      } else if (code === SLASH && text.charCodeAt(at + 1) === STAR) {
        at++;
        depth++;
      }
    }
    return this.#unclosed();
  }

  #quoted(from: number, quote: number, hasEscapes: boolean): TokenKind {
    const { text } = this;
    for (let at = from; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === BACKSLASH && hasEscapes) at++;
      else if (code === quote) {
        // A doubled quote stands for one inside.
        if (text.charCodeAt(at + 1) === quote) at++;
        else return this.#to(at + 1, quote === QUOTE ? TokenKind.Text : TokenKind.Quoted);
      }
    }
    return this.#unclosed();
  }

  // Letters that follow belong to it, so that nothing of a malformed number is taken for a name.
  #number(): TokenKind {
    const { text } = this;
    let at = this.start + 1;
    for (; ; at++) {
      const code = text.charCodeAt(at);
      if (isDigit(code) || isWordStart(code) || code === DOT) continue;
      const isSign = code === PLUS || code === MINUS;
      if (!isSign || !isExponent(text.charCodeAt(at - 1)) || !isDigit(text.charCodeAt(at + 1))) break;
    }
    return this.#to(at, TokenKind.Number);
  }

  #dollar(): TokenKind {
    const { text, start } = this;
    let at = start + 1;
    if (isDigit(text.charCodeAt(at))) {
      while (isDigit(text.charCodeAt(at))) at++;
      return this.#to(at, TokenKind.Parameter);
    }
    while (isWordStart(text.charCodeAt(at)) || isDigit(text.charCodeAt(at))) at++;
    if (text.charCodeAt(at) !== DOLLAR) return this.#to(start + 1, TokenKind.Symbol);
    const tag = text.slice(start, at + 1);
    const close = text.indexOf(tag, at + 1);
    return close < 0 ? this.#unclosed() : this.#to(close + tag.length, TokenKind.Text);
  }

  #word(first: number, following: number): TokenKind {
    const { text, start } = this;
    if (following === QUOTE) {
      const prefix = first | 0x20;
      if (prefix === 0x65) return this.#quoted(start + 2, QUOTE, true);
      if (prefix === 0x62 || prefix === 0x78 || prefix === 0x6e) return this.#quoted(start + 2, QUOTE, false);
    } else if ((first | 0x20) === 0x75 && following === AMPERSAND) {
      const quote = text.charCodeAt(start + 2);
      if (quote === QUOTE || quote === DOUBLE_QUOTE) return this.#quoted(start + 3, quote, false);
    }
    let at = start + 1;
    while (isWordPart(text.charCodeAt(at))) at++;
    return this.#to(at, TokenKind.Word);
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

// NaN, which charCodeAt gives behind the end, is none of these.
function isWordStart(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || code === UNDERSCORE || code >= 0x80;
}

function isWordPart(code: number): boolean {
  return isWordStart(code) || isDigit(code) || code === DOLLAR;
}

function isExponent(code: number): boolean {
  return (code | 0x20) === 0x65;
}
