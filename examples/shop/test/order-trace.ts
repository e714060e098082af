import type { ReadSpan } from '../src/demo/trace-reader.ts';

/** A span that starts at `startUs` and takes 1 ms, unless told otherwise. */
export function span(id: string, parentId: string | undefined, service: string, kind: string, more = {}): ReadSpan {
  return { id, parentId, service, kind, name: id, startUs: 0, durationUs: 1000, attributes: new Map(), ...more };
}

const database = { attributes: new Map([['db.system.name', 'postgresql']]) };

/** The spans of a whole order, named by their ids. */
export function orderSpans(): ReadSpan[] {
  return [
    span('gateway SERVER', undefined, 'gateway', 'SERVER'),
    span('gateway CLIENT', 'gateway SERVER', 'gateway', 'CLIENT'),
    span('orders SERVER', 'gateway CLIENT', 'orders', 'SERVER'),
    span('reserve stock', 'orders SERVER', 'orders', 'INTERNAL'),
    span('orders database CLIENT', 'reserve stock', 'orders', 'CLIENT', database),
    span('orders PRODUCER', 'orders SERVER', 'orders', 'PRODUCER'),
    span('fulfilment CONSUMER', 'orders PRODUCER', 'fulfilment', 'CONSUMER'),
    span('fulfilment database CLIENT', 'fulfilment CONSUMER', 'fulfilment', 'CLIENT', database),
    span('charge customer', 'fulfilment CONSUMER', 'fulfilment', 'INTERNAL'),
    span('fulfilment CLIENT', 'charge customer', 'fulfilment', 'CLIENT'),
    span('payments SERVER', 'fulfilment CLIENT', 'payments', 'SERVER'),
  ];
}
