/**
 * A query in a few words of low cardinality: its operations and the tables that they name, in their order.
 *
 * This is no parser. It follows keywords, parentheses and commas, which is enough to tell a table from a column, and
 * for anything unknown it says less instead of something wrong.
 */
import { MAX_SCANNED_LENGTH } from './sanitize-query.ts';
import {
  PLAIN,
  LEADING,
  DEFINING,
  NAMING,
  WRITING,
  CHANGING,
  READING,
  MODIFIERS,
  FILLERS,
  END_OF_TABLES,
  isCommand,
} from './sql-keywords.ts';
import { SqlScanner, TokenKind } from './sql-scanner.ts';

/** The longest `db.query.summary`, in characters. */
export const MAX_SUMMARY_LENGTH = 255;

/** What is known about a query's text. */
export interface QuerySummary {
  /** For example `INSERT shipping_details SELECT orders`; `undefined` when the text holds no known command. */
  readonly text: string | undefined;
  /** The first command as it is written, such as `SELECT` or `CREATE TABLE`. */
  readonly operation: string | undefined;
  /** The tables, as they are written, each once. */
  readonly targets: readonly string[];
}

/**
 * Summarize a query.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/database/database-spans/ "Generating query summary"
 * @throws never
 */
export function summarizeQuery(text: string): QuerySummary {
  return new Summarizer(text.length > MAX_SCANNED_LENGTH ? text.slice(0, MAX_SCANNED_LENGTH) : text).run();
}

/** What is known about one level of parentheses. */
interface Level {
  /** The command that the names here belong to, upper case; '' before there is one. */
  command: string;
  /** Whether a comma is followed by another table. */
  isTableList: boolean;
  /** Whether names of common table expressions are being introduced. */
  isWith: boolean;
}

function newLevel(): Level {
  return { command: '', isTableList: false, isWith: false };
}

class Summarizer {
  readonly #scanner: SqlScanner;
  #kind: TokenKind = TokenKind.End;
  #summary = '';
  #isFull = false;
  #operation: string | undefined;
  readonly #targets = new Set<string>();
  readonly #introduced = new Set<string>();
  #levels: Level[] = [newLevel()];
  #expectsTable = false;
  #expectsIntroduced = false;
  #skipsStatement = false;
  #lastWord = '';

  constructor(text: string) {
    this.#scanner = new SqlScanner(text);
  }

  run(): QuerySummary {
    this.#advance();
    while (this.#kind !== TokenKind.End && this.#kind !== TokenKind.Unclosed && !this.#isFull) {
      if (this.#kind === TokenKind.Symbol) this.#symbol(this.#scanner.token);
      else if (this.#skipsStatement) this.#advance();
      else if (this.#kind === TokenKind.Word) this.#word();
      else if (this.#kind === TokenKind.Quoted) this.#quoted();
      else this.#value();
    }
    return { text: this.#summary || undefined, operation: this.#operation, targets: [...this.#targets] };
  }

  /** To the next token that means something. */
  #advance(): void {
    do this.#kind = this.#scanner.next();
    while (this.#kind === TokenKind.Space || this.#kind === TokenKind.Comment);
  }

  get #level(): Level {
    // There is always the outermost one.
    return this.#levels[this.#levels.length - 1] as Level;
  }

  #symbol(symbol: string): void {
    if (symbol === '(') {
      // `USING (id)` names columns.
      if (this.#lastWord === 'USING') this.#expectsTable = false;
      this.#levels.push(newLevel());
    } else if (symbol === ')') {
      if (this.#levels.length > 1) this.#levels.pop();
      this.#expectsTable = false;
    } else if (symbol === ',') {
      this.#expectsTable = this.#level.isTableList;
      this.#expectsIntroduced = this.#level.isWith;
    } else if (symbol === ';') {
      this.#levels = [newLevel()];
      this.#skipsStatement = false;
      this.#expectsTable = false;
      this.#introduced.clear();
    } else {
      this.#expectsTable = false;
    }
    this.#lastWord = '';
    this.#advance();
  }

  #value(): void {
    this.#expectsTable = false;
    this.#lastWord = '';
    this.#advance();
  }

  #quoted(): void {
    if (this.#expectsTable || this.#expectsIntroduced) this.#name();
    else this.#value();
  }

  #word(): void {
    const word = this.#scanner.token;
    const upper = word.length > 12 ? '' : word.toUpperCase();
    if (this.#isName(upper)) this.#name();
    else if (this.#expectsTable && FILLERS.has(upper)) this.#pass(upper);
    else if (this.#startsCommand(upper)) this.#command(word, upper);
    else this.#keyword(upper);
  }

  // Keywords that are not reserved are names where one is expected: there are tables called comment.
  #isName(upper: string): boolean {
    if (this.#expectsIntroduced) return upper !== 'RECURSIVE';
    if (!this.#expectsTable || FILLERS.has(upper)) return false;
    return upper !== 'SELECT' && upper !== 'WITH' && upper !== 'VALUES';
  }

  #keyword(upper: string): void {
    const level = this.#level;
    if (upper === 'WITH' && this.#mayIntroduce()) {
      level.isWith = true;
      this.#expectsIntroduced = true;
    } else if (upper === 'FROM' ? this.#readsTables() : upper === 'USING' && CHANGING.has(level.command)) {
      this.#expectsTable = true;
      level.isTableList = true;
    } else if (upper === 'JOIN' || upper === 'INTO') {
      this.#expectsTable = true;
      level.isTableList = upper === 'JOIN';
    } else if (END_OF_TABLES.has(upper)) {
      level.isTableList = false;
      this.#expectsTable = false;
    }
    this.#pass(upper);
  }

  #pass(upper: string): void {
    this.#lastWord = upper;
    this.#advance();
  }

  // `EXTRACT(day FROM t)` has no command at its level, `IS DISTINCT FROM` and COPY name no table with it.
  #readsTables(): boolean {
    const { command } = this.#level;
    return command !== '' && command !== 'COPY' && this.#lastWord !== 'DISTINCT';
  }

  #mayIntroduce(): boolean {
    const { command } = this.#level;
    return command === '' || command === 'INSERT' || this.#lastWord === 'AS';
  }

  #startsCommand(upper: string): boolean {
    if (upper === 'SELECT') return true;
    if (!isCommand(upper)) return false;
    if (this.#level.command !== '') return false;
    if (upper === 'ANALYZE' && this.#operation?.toUpperCase() === 'EXPLAIN') return false;
    // In parentheses anything else is a name, such as the column of `INSERT INTO t (comment)`.
    return this.#levels.length === 1 || upper === 'UPDATE' || WRITING.has(upper);
  }

  #command(word: string, upper: string): void {
    const level = this.#level;
    level.isTableList = false;
    level.isWith = false;
    this.#expectsTable = false;
    if (!LEADING.has(upper)) level.command = upper;
    if (DEFINING.has(upper)) {
      this.#define(word, upper);
      return;
    }
    this.#addOperation(word);
    this.#pass(upper);
    this.#skipsStatement = PLAIN.has(upper);
    if (!NAMING.has(upper)) return;
    this.#expectsTable = true;
    level.isTableList = upper === 'TRUNCATE';
    if ((upper === 'TRUNCATE' || upper === 'LOCK') && this.#isWord('TABLE')) this.#advance();
  }

  // CREATE UNIQUE INDEX IF NOT EXISTS name: the command is CREATE INDEX.
  #define(word: string, upper: string): void {
    do this.#advance();
    while (this.#kind === TokenKind.Word && MODIFIERS.has(this.#scanner.token.toUpperCase()));
    const type = this.#kind === TokenKind.Word ? this.#scanner.token : undefined;
    this.#addOperation(type === undefined ? word : `${word} ${type}`);
    if (type === undefined) return;
    this.#level.isTableList = upper === 'DROP';
    this.#pass(type.toUpperCase());
    // An index may have no name of its own.
    this.#expectsTable = !this.#isWord('ON');
  }

  #isWord(upper: string): boolean {
    return this.#kind === TokenKind.Word && this.#scanner.token.toUpperCase() === upper;
  }

  /** A name, with its schema. */
  #name(): void {
    const expectsIntroduced = this.#expectsIntroduced;
    this.#expectsTable = false;
    this.#expectsIntroduced = false;
    this.#lastWord = '';
    let name = this.#scanner.token;
    this.#advance();
    while (this.#isSymbol('.')) {
      this.#advance();
      if (this.#kind !== TokenKind.Word && this.#kind !== TokenKind.Quoted) return;
      name += `.${this.#scanner.token}`;
      this.#advance();
    }
    if (expectsIntroduced) this.#introduced.add(name.toLowerCase());
    else if (!this.#isFunction()) this.#addTarget(name);
  }

  // `FROM f(x)`; behind INTO a parenthesis holds columns, and CALL, CREATE and COPY name what they are about.
  #isFunction(): boolean {
    return this.#isSymbol('(') && this.#level.isTableList && READING.has(this.#level.command);
  }

  #isSymbol(symbol: string): boolean {
    return this.#kind === TokenKind.Symbol && this.#scanner.token === symbol;
  }

  #addOperation(operation: string): void {
    this.#operation ??= operation;
    this.#add(operation);
  }

  #addTarget(name: string): void {
    if (this.#introduced.has(name.toLowerCase())) return;
    this.#targets.add(name);
    this.#add(name);
  }

  #add(part: string): void {
    const longer = this.#summary === '' ? part : `${this.#summary} ${part}`;
    if (longer.length > MAX_SUMMARY_LENGTH) this.#isFull = true;
    else this.#summary = longer;
  }
}
