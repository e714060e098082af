/** When a sampling rule applies: criteria that are compiled once, and then looked at for each new trace. */
import type { SpanKind } from '@opentelemetry/api';
import { checkBoolean, checkNumber, checkObject, checkOneOf, checkOptionNames, showValue } from '../config/options.ts';
import { spanOf } from '../context.ts';
import { ClewError } from '../errors.ts';
import { identityOf, isValidIdentity } from '../span-context.ts';
import { compileGlob, type TextMatcher } from './glob.ts';
import type { SamplingRequest } from './types.ts';

/** A text: a pattern with `*` for any characters and `?` for one, or a regular expression, run on 1024 characters. */
export type TextCriterion = string | RegExp;

/** An attribute: its text, its number, `true` or `false`, or whether it is there at all. */
export type AttributeCriterion = TextCriterion | boolean | { min?: number; max?: number } | { exists: boolean };

/** Everything that is given has to apply; only what is known at the start of a span can. */
export interface RuleCriteria {
  /** The span's name. */
  name?: TextCriterion;
  /** `http.route`, else `url.path`, else the path in `http.target`: most frameworks find the route later. */
  route?: TextCriterion;
  kind?: SpanKind;
  /** `service.name` of the resource; matches only on providers of Clew. */
  service?: TextCriterion;
  /** By key. Numbers are compared with a pattern as text. */
  attributes?: Readonly<Record<string, AttributeCriterion>>;
  /** Where the parent is. */
  parent?: 'none' | 'local' | 'remote';
}

/** Whether a request fulfils the criteria of a rule. */
export type Criterion = (request: SamplingRequest) => boolean;

const NAMES: ReadonlyArray<keyof RuleCriteria> = ['name', 'route', 'kind', 'service', 'attributes', 'parent'];
const MAX_REGEXP_INPUT = 1024;

/**
 * Compile the criteria of a rule.
 *
 * @param where  for errors
 * @throws ClewError `CLEW_ERR_OPTION`
 */
export function compileCriteria(where: string, when: RuleCriteria): Criterion {
  checkOptionNames(where, when, NAMES);
  const tests: Criterion[] = [];
  const { kind, parent } = when;
  if (kind !== undefined) {
    if (!Number.isInteger(kind) || kind < 0 || kind > 4) {
      throw new ClewError('CLEW_ERR_OPTION', `kind of ${where} must be a SpanKind, got ${showValue(kind)}`);
    }
    tests.push((request) => request.kind === kind);
  }
  if (checkOneOf(`parent of ${where}`, parent, ['none', 'local', 'remote']) !== undefined) {
    tests.push((request) => whereabouts(request) === parent);
  }
  if (when.name !== undefined) {
    const matches = compileText(`name of ${where}`, when.name);
    tests.push(({ name }) => matches(name));
  }
  if (when.route !== undefined) tests.push(onText(compileText(`route of ${where}`, when.route), routeOf));
  if (when.service !== undefined) {
    tests.push(onText(compileText(`service of ${where}`, when.service), ({ serviceName }) => serviceName));
  }
  checkObject(`attributes of ${where}`, when.attributes);
  for (const [key, criterion] of Object.entries(when.attributes ?? {})) {
    const matches = compileAttribute(`attribute ${showValue(key)} of ${where}`, criterion);
    tests.push(({ attributes }) => matches(attributes[key]));
  }
  return allOf(tests);
}

// Asked for each rule of a list: without a function for each time.
function allOf(tests: readonly Criterion[]): Criterion {
  const [only] = tests;
  if (tests.length === 1 && only !== undefined) return only;
  return (request) => {
    for (const test of tests) if (!test(request)) return false;
    return true;
  };
}

function compileText(where: string, criterion: unknown): TextMatcher {
  if (criterion instanceof RegExp) {
    // A copy without these flags: with them an expression remembers where it stopped.
    const expression = new RegExp(criterion.source, criterion.flags.replace(/[gy]/g, ''));
    return (text) => expression.test(text.slice(0, MAX_REGEXP_INPUT));
  }
  if (typeof criterion === 'string') return compileGlob(criterion);
  throw new ClewError('CLEW_ERR_OPTION', `${where} must be a pattern or a RegExp, got ${showValue(criterion)}`);
}

function compileAttribute(where: string, criterion: AttributeCriterion): (value: unknown) => boolean {
  if (typeof criterion === 'boolean') return (value) => value === criterion;
  if (typeof criterion === 'string' || criterion instanceof RegExp) {
    const matches = compileText(where, criterion);
    return (value) => (typeof value === 'string' || typeof value === 'number') && matches(String(value));
  }
  checkOptionNames(where, criterion, ['min', 'max', 'exists']);
  if (criterion !== undefined && 'exists' in criterion) {
    const exists = checkBoolean(`exists of ${where}`, criterion.exists) ?? true;
    return (value) => (value !== undefined && value !== null) === exists;
  }
  const min = checkNumber(`min of ${where}`, criterion?.min, -Number.MAX_VALUE) ?? Number.NEGATIVE_INFINITY;
  const max = checkNumber(`max of ${where}`, criterion?.max, min) ?? Number.POSITIVE_INFINITY;
  return (value) => typeof value === 'number' && value >= min && value <= max;
}

function onText(matches: TextMatcher, read: (request: SamplingRequest) => string | undefined): Criterion {
  return (request) => {
    const text = read(request);
    return text !== undefined && matches(text);
  };
}

function routeOf({ attributes }: SamplingRequest): string | undefined {
  const route = attributes['http.route'];
  if (typeof route === 'string') return route;
  const path = attributes['url.path'];
  if (typeof path === 'string') return path;
  const target = attributes['http.target'];
  return typeof target === 'string' ? target.split('?', 1)[0] : undefined;
}

function whereabouts({ context }: SamplingRequest): 'none' | 'local' | 'remote' {
  const span = spanOf(context);
  const parent = span === undefined ? undefined : identityOf(span);
  if (parent === undefined || !isValidIdentity(parent)) return 'none';
  return parent.isRemote ? 'remote' : 'local';
}
