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
  readonly #methods = new Map<string, RouteMethod>();
  // Nearly every request asks for the same as the one before: one comparison instead of a look into a map.
  #last: RouteMethod;

  constructor(route: string | undefined, semconv: Semconv) {
    this.route = route;
    this.#semconv = semconv;
    this.#last = new RouteMethod('GET', route, semconv);
    this.#methods.set('GET', this.#last);
  }

  /** The span's name: `GET /users/:id`, or `GET` without a route. */
  name(method: string): string {
    return this.#of(method).name;
  }

  /**
   * `http.route` and `http.response.status_code`.
   *
   * @param method  the value of `http.request.method`
   * @param status  0 when no headers were sent
   */
  endGroup(method: string, status: number): AttributeGroup {
    return this.#of(method).endGroup(status);
  }

  #of(method: string): RouteMethod {
    if (method === this.#last.method) return this.#last;
    let known = this.#methods.get(method);
    if (known === undefined) {
      known = new RouteMethod(method, this.route, this.#semconv);
      this.#methods.set(method, known);
    }
    this.#last = known;
    return known;
  }
}

/** What the spans of one route have that were asked for by one method. */
class RouteMethod {
  readonly method: string;
  readonly name: string;
  readonly #route: string | undefined;
  readonly #semconv: Semconv;
  readonly #groups = new Map<number, AttributeGroup>();
  #lastStatus = -1;
  #lastGroup: AttributeGroup | undefined = undefined;

  constructor(method: string, route: string | undefined, semconv: Semconv) {
    this.method = method;
    this.name = route === undefined ? methodInName(method) : `${methodInName(method)} ${route}`;
    this.#route = route;
    this.#semconv = semconv;
  }

  endGroup(status: number): AttributeGroup {
    if (status === this.#lastStatus && this.#lastGroup !== undefined) return this.#lastGroup;
    let group = this.#groups.get(status);
    if (group === undefined) {
      group = new AttributeGroup(this.#endAttributes(status), this.name);
      // Node.js lets an application send any number up to 999.
      if (status >= 0 && status < 1000) this.#groups.set(status, group);
    }
    this.#lastStatus = status;
    this.#lastGroup = group;
    return group;
  }

  #endAttributes(status: number): FlatAttributes {
    const flat: FlatAttributes = this.#route === undefined ? [] : ['http.route', this.#route];
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
