/** Baggage as attributes of spans, for the keys that the user lists. */
import type { Context } from '@opentelemetry/api';
import { type AttributeGroup, type FlatAttributes, truncate } from './attributes.ts';
import { baggageOf } from './context.ts';
import type { SpanLimits } from './span-data.ts';

/**
 * Add the listed baggage entries of a context to the start attributes of a span. An attribute of the same name that is
 * there already wins, so calling it twice adds nothing.
 *
 * @param flat  is added to
 * @returns how many entries were over the limit of attributes
 */
export function addBaggage(
  flat: FlatAttributes,
  group: AttributeGroup | undefined,
  context: Context,
  keys: readonly string[],
  limits: Pick<SpanLimits, 'attributeCountLimit' | 'attributeValueLengthLimit'>,
): number {
  const baggage = baggageOf(context);
  if (baggage === undefined) return 0;
  let dropped = 0;
  for (const key of keys) {
    const value = baggage.getEntry(key)?.value;
    if (typeof value !== 'string' || hasKey(flat, key) || group?.has(key) === true) continue;
    if (flat.length / 2 + (group?.size ?? 0) >= limits.attributeCountLimit) dropped++;
    else flat.push(key, truncate(value, limits.attributeValueLengthLimit));
  }
  return dropped;
}

function hasKey(flat: FlatAttributes, key: string): boolean {
  for (let i = 0; i < flat.length; i += 2) if (flat[i] === key) return true;
  return false;
}
