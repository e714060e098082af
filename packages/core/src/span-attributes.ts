/**
 * Sets attributes of a recording span, in whichever form it keeps them. Functions and not private methods of the span: a
 * class with private methods marks each of its objects, and a span is made for every operation.
 */
import { type AttributeGroup, coerceKey, coerceValue, type FlatAttributes, reportInvalid } from './attributes.ts';
import { reportFault } from './faults.ts';
import type { SpanLimits } from './span-data.ts';

/** The part of a span that holds its attributes. */
export interface AttributeHolder {
  readonly owner: { readonly limits: SpanLimits };
  flat: FlatAttributes | undefined;
  startGroup: AttributeGroup | undefined;
  endGroup: AttributeGroup | undefined;
  droppedAttributesCount: number;
  /** Where each key stands in `flat`, for spans with many. */
  index: Map<string, number> | undefined;
}

// Searching a flat array beats a Map up to about this many attributes.
const INDEX_FROM = 16;

/** How many attributes a span has. */
export function countAttributes({ flat, startGroup, endGroup }: AttributeHolder): number {
  return (flat === undefined ? 0 : flat.length / 2) + (startGroup?.size ?? 0) + (endGroup?.size ?? 0);
}

/** Set one attribute as the application gave it; what cannot be recorded is counted as a fault, and `undefined` removes it. */
export function putAttribute(span: AttributeHolder, givenKey: unknown, given: unknown): void {
  const key = coerceKey(givenKey);
  if (key === undefined) {
    reportInvalid(undefined);
    return;
  }
  if (span.startGroup?.has(key) === true || span.endGroup?.has(key) === true) ungroup(span);
  if (given === undefined || given === null) {
    remove(span, key);
    return;
  }
  const value = coerceValue(given, span.owner.limits.attributeValueLengthLimit);
  if (value === undefined) {
    reportInvalid(key);
    return;
  }
  span.flat ??= [];
  const { flat } = span;
  const at = find(span, flat, key);
  if (at >= 0) {
    flat[at + 1] = value;
    return;
  }
  if (countAttributes(span) >= span.owner.limits.attributeCountLimit) {
    if (span.droppedAttributesCount++ === 0) reportLimit('an attribute');
    return;
  }
  span.index?.set(key, flat.length);
  flat.push(key, value);
}

/** Report what a span has left out because it had too much. */
export function reportLimit(what: string): void {
  reportFault('span_limit', `${what} over the limit of its span was left out`);
}

function find(span: AttributeHolder, flat: FlatAttributes, key: string): number {
  if (flat.length <= INDEX_FROM * 2) {
    for (let i = 0; i < flat.length; i += 2) if (flat[i] === key) return i;
    return -1;
  }
  if (span.index === undefined) {
    span.index = new Map();
    for (let i = 0; i < flat.length; i += 2) span.index.set(flat[i] as string, i);
  }
  return span.index.get(key) ?? -1;
}

function remove(span: AttributeHolder, key: string): void {
  const at = span.flat === undefined ? -1 : find(span, span.flat, key);
  if (at < 0) return;
  span.flat?.splice(at, 2);
  span.index = undefined;
}

// A key of a shared group is about to change on this span alone: give the span its own copy of all of them.
function ungroup(span: AttributeHolder): void {
  span.flat = [...(span.startGroup?.flat ?? []), ...(span.flat ?? []), ...(span.endGroup?.flat ?? [])];
  span.startGroup = undefined;
  span.endGroup = undefined;
  span.index = undefined;
}
