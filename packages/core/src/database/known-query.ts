/** What is worked out once for a query's text and then used by every query with that text. */
import { AttributeGroup, type FlatAttributes, GroupCache } from '../attributes.ts';

// A cache that is full starts over, but keeps what was used since the last time. Per half of it.
const MAX_QUERIES = 256;
const MAX_CHARACTERS = 262_144;
const MAX_GROUPS = 8;

/** A query's text, ready for spans; `Connection` is what the rest of a span's constants is taken from. */
export class KnownQuery<Connection> {
  /** `db.query.summary`, and the span's name. */
  readonly summary: string | undefined;
  readonly #make: (connection: Connection) => FlatAttributes;
  #lastConnection: Connection | undefined;
  #lastGroup: AttributeGroup | undefined;
  #others: GroupCache<Connection> | undefined;

  /** @param make  the constants of spans with this text on a connection */
  constructor(summary: string | undefined, make: (connection: Connection) => FlatAttributes) {
    this.summary = summary;
    this.#make = make;
  }

  /** The constants of a span on a connection. Applications have one or two, so the last one is nearly always it. */
  group(connection: Connection): AttributeGroup {
    if (this.#lastGroup !== undefined && this.#lastConnection === connection) return this.#lastGroup;
    const isFirst = this.#lastGroup === undefined;
    this.#others ??= isFirst ? undefined : new GroupCache(this.#make, MAX_GROUPS, this.summary);
    const group = this.#others?.get(connection) ?? new AttributeGroup(this.#make(connection), this.summary);
    this.#lastConnection = connection;
    this.#lastGroup = group;
    return group;
  }
}

/**
 * Known queries by their text, bounded in number and in characters. A text that is in use costs one look-up; what was
 * not used for a while goes, so that texts with literals in them do not push out those that come again and again.
 */
export class QueryCache<Connection> {
  readonly #make: (text: string) => KnownQuery<Connection>;
  #recent = new Map<string, KnownQuery<Connection>>();
  #older = new Map<string, KnownQuery<Connection>>();
  #recentCharacters = 0;

  constructor(make: (text: string) => KnownQuery<Connection>) {
    this.#make = make;
  }

  get(text: string): KnownQuery<Connection> {
    const recent = this.#recent.get(text);
    if (recent !== undefined) return recent;
    const query = this.#older.get(text) ?? this.#make(text);
    // A bulk INSERT of its own text each time would be most of the cache and never be asked for again.
    if (text.length <= MAX_CHARACTERS / 8) this.#keep(text, query);
    return query;
  }

  /** How many texts are kept. */
  get size(): number {
    return this.#recent.size + this.#older.size;
  }

  #keep(text: string, query: KnownQuery<Connection>): void {
    if (this.#recent.size >= MAX_QUERIES || this.#recentCharacters + text.length > MAX_CHARACTERS) {
      this.#older = this.#recent;
      this.#recent = new Map();
      this.#recentCharacters = 0;
    }
    this.#recent.set(text, query);
    this.#recentCharacters += text.length;
  }
}
