// What the trace of one order has to contain, leg by leg.
import type { ReadSpan } from './trace-reader.ts';

/** One expected span. */
interface Leg {
  name: string;
  service: string;
  kind: string;
  /** Whether it has to be, or must not be, a database span. Default: no. */
  database?: boolean;
  /** The leg it hangs below: directly when that one is in another service, else at any depth. */
  below?: string;
}

const LEGS: Leg[] = [
  { name: 'gateway SERVER', service: 'gateway', kind: 'SERVER' },
  { name: 'gateway CLIENT', service: 'gateway', kind: 'CLIENT', below: 'gateway SERVER' },
  { name: 'orders SERVER', service: 'orders', kind: 'SERVER', below: 'gateway CLIENT' },
  { name: 'orders database CLIENT', service: 'orders', kind: 'CLIENT', database: true, below: 'orders SERVER' },
  { name: 'orders PRODUCER', service: 'orders', kind: 'PRODUCER', below: 'orders SERVER' },
  { name: 'fulfilment CONSUMER', service: 'fulfilment', kind: 'CONSUMER', below: 'orders PRODUCER' },
  {
    name: 'fulfilment database CLIENT',
    service: 'fulfilment',
    kind: 'CLIENT',
    database: true,
    below: 'fulfilment CONSUMER',
  },
  { name: 'fulfilment CLIENT', service: 'fulfilment', kind: 'CLIENT', below: 'fulfilment CONSUMER' },
  { name: 'payments SERVER', service: 'payments', kind: 'SERVER', below: 'fulfilment CLIENT' },
];

/** The names of the legs that these spans of one trace do not contain. */
export function missingLegs(spans: ReadSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.id, span]));
  const found = new Map<string, ReadSpan[]>();
  for (const leg of LEGS)
    found.set(
      leg.name,
      spans.filter((span) => isLeg(leg, span)),
    );
  return LEGS.filter((leg) => found.get(leg.name)?.length === 0).map((leg) => leg.name);

  function isLeg(leg: Leg, span: ReadSpan): boolean {
    if (span.service !== leg.service || span.kind !== leg.kind) return false;
    if (span.attributes.has('db.system.name') !== (leg.database ?? false)) return false;
    if (leg.below === undefined) return span.parentId === undefined;
    return (found.get(leg.below) ?? []).some((above) => hangsBelow(span, above));
  }

  function hangsBelow(span: ReadSpan, above: ReadSpan): boolean {
    if (span.parentId === above.id) return true;
    const parent = span.parentId === undefined ? undefined : byId.get(span.parentId);
    return parent !== undefined && parent.service === above.service && span.service === above.service
      ? hangsBelow(parent, above)
      : false;
  }
}
