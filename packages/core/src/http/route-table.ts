/** Routes as spans show them: the name and the end attributes of each, made once. */
import { AttributeGroup, type FlatAttributes } from '../attributes.ts';
import { methodInName } from './method.ts';
import type { Semconv } from './semconv.ts';

/** Routes come from the application's code; a template that holds a concrete value by mistake must not fill the memory. */
const MAX_ROUTES = 4096;

/** One route, or the absence of one. */
export class RouteEntry {
  /** The template, for example `/users/:id`; `undefined` when no route answered. */
  readonly route: string | undefined;
  readonly #semconv: Semconv;
  readonly #names = new Map<string, string>();
  readonly #groups = new Map<number, AttributeGroup>();
  // Nearly every request asks for the same as the one before: one comparison instead of a look into a map.
  #lastMethod = '';
  #lastName = '';
  #lastStatus = -1;
  #lastGroup: AttributeGroup | undefined = undefined;

  constructor(route: string | undefined, semconv: Semconv) {
    this.route = route;
    this.#semconv = semconv;
  }

  /** The span's name: `GET /users/:id`, or `GET` without a route. */
  name(method: string): string {
    if (method === this.#lastMethod) return this.#lastName;
    let name = this.#names.get(method);
    if (name === undefined) {
      name = this.route === undefined ? methodInName(method) : `${methodInName(method)} ${this.route}`;
      this.#names.set(method, name);
    }
    this.#lastMethod = method;
    this.#lastName = name;
    return name;
  }

  /**
   * `http.route` and `http.response.status_code`.
   *
   * @param status  0 when no headers were sent
   */
  endGroup(status: number): AttributeGroup {
    if (status === this.#lastStatus && this.#lastGroup !== undefined) return this.#lastGroup;
    let group = this.#groups.get(status);
    if (group === undefined) {
      group = new AttributeGroup(this.#endAttributes(status));
      // Node.js lets an application send any number up to 999.
      if (status >= 0 && status < 1000) this.#groups.set(status, group);
    }
    this.#lastStatus = status;
    this.#lastGroup = group;
    return group;
  }

  #endAttributes(status: number): FlatAttributes {
    const flat: FlatAttributes = this.route === undefined ? [] : ['http.route', this.route];
    if (status === 0) return flat;
    flat.push('http.response.status_code', status);
    if (this.#semconv === 'dup') flat.push('http.status_code', status);
    return flat;
  }
}

/** All routes of one plugin, by template. */
export class RouteTable {
  /** For requests that no route answered. */
  readonly none: RouteEntry;
  readonly #semconv: Semconv;
  readonly #entries = new Map<string, RouteEntry>();

  constructor(semconv: Semconv) {
    this.#semconv = semconv;
    this.none = new RouteEntry(undefined, semconv);
  }

  /** The entry of a template; an empty one counts as no route. */
  get(route: string | undefined): RouteEntry {
    if (route === undefined || route === '') return this.none;
    let entry = this.#entries.get(route);
    if (entry === undefined) {
      if (this.#entries.size >= MAX_ROUTES) this.#entries.delete(this.#entries.keys().next().value as string);
      entry = new RouteEntry(route, this.#semconv);
      this.#entries.set(route, entry);
    }
    return entry;
  }
}
