import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Span, trace } from '@opentelemetry/api';
import { ROOT } from '../src/context.ts';
import { createPropagator, type PropagatorName } from '../src/propagation/composite.ts';
import { alwaysOff, alwaysOn } from '../src/sampler/always.ts';
import { parentBased } from '../src/sampler/parent-based.ts';
import { ratio } from '../src/sampler/ratio.ts';
import type { Sampler } from '../src/sampler/types.ts';
import { startTracing } from '../src/start-tracing.ts';
import { extract, foundIn, inject } from './support/headers.ts';

const T = '0af7651916cd43dd8448eb211c80319c';
const S = 'b7ad6b7169203331';

/** The parent that the span would be exported with. */
const parentOf = (span: Span): string | undefined =>
  (span as Span & { parentSpanContext?: { spanId: string } }).parentSpanContext?.spanId;

const foreign = (decision: 0 | 2): Sampler => ({ shouldSample: () => ({ decision }), toString: () => 'foreign' });

const CASES: Array<[header: string, sampler: Sampler, isSampled: boolean, why: string]> = [
  [`${T}-${S}`, parentBased({ root: alwaysOn() }), true, 'the root sampler decides what the caller left open'],
  [`${T}-${S}`, parentBased({ root: alwaysOff() }), false, 'the root sampler decides what the caller left open'],
  [`${T}-${S}`, parentBased({ root: foreign(2) }), true, 'a foreign root sampler decides too'],
  // The last 56 bits of the id are 48eb211c80319c, about 0.28.
  [`${T}-${S}`, parentBased({ root: ratio(0.8) }), true, 'by the trace id that came in'],
  [`${T}-${S}`, parentBased({ root: ratio(0.6) }), false, 'by the trace id that came in'],
  ['0', parentBased({ root: alwaysOn() }), false, 'a lone 0 drops the new trace'],
  ['1', parentBased({ root: alwaysOff() }), true, 'a lone 1 keeps the new trace'],
  ['d', parentBased({ root: alwaysOff() }), true, 'a lone d keeps the new trace'],
  ['0', parentBased({ root: foreign(2) }), false, 'a lone 0 drops beside a foreign root sampler too'],
  [
    '1',
    parentBased({ root: alwaysOff(), remoteParentSampled: alwaysOff() }),
    false,
    'remoteParentSampled has the word',
  ],
  ['1', alwaysOff(), false, 'a sampler that follows nobody does not follow a decision either'],
];
for (const [header, sampler, isSampled, why] of CASES) {
  test(`b3: ${header} gives ${isSampled ? 'a recorded' : 'no recorded'} span: ${why}`, async (t) => {
    const tracing = startTracing({ exporter: 'none', register: false, sampler, propagators: ['b3'] });
    t.after(() => tracing.shutdown());
    const context = extract(createPropagator(['b3']), { b3: header });
    const span = tracing.provider.getTracer('test').startSpan('work', {}, context);
    t.after(() => span.end());
    assert.equal(span.isRecording(), isSampled);
    assert.equal(span.spanContext().traceFlags & 1, isSampled ? 1 : 0);
    if (header.length === 1) {
      assert.notEqual(span.spanContext().traceId, '0'.repeat(32));
      if (isSampled) assert.equal(parentOf(span), undefined);
    } else {
      assert.equal(span.spanContext().traceId, T);
      if (isSampled) assert.equal(parentOf(span), S);
    }
    const written = inject(createPropagator(['b3']), trace.setSpan(context, span));
    assert.match(String(written.b3), isSampled ? /-1$|-d$/ : /-0$/);
  });
}

const valid = `00-${'e'.repeat(32)}-${S}-01`;
const ORDER: Array<[names: PropagatorName[], headers: Record<string, string>, found: string]> = [
  [['b3', 'tracecontext'], { b3: '0', traceparent: valid }, `${'e'.repeat(32)}-${S}-1`],
  [['tracecontext', 'b3'], { b3: '0', traceparent: valid }, `${'e'.repeat(32)}-${S}-1`],
  [['b3', 'tracecontext'], { b3: '0', traceparent: 'x' }, 'decision-0'],
  [['b3', 'jaeger'], { b3: '0', 'jaeger-debug-id': 'x' }, 'decision-0'],
  [
    ['b3', 'xray'],
    { b3: `${T}-${S}`, 'x-amzn-trace-id': `Root=1-${T.slice(0, 8)}-${T.slice(8)};Parent=${S};Sampled=1` },
    `${T}-${S}-?`,
  ],
];
for (const [names, headers, found] of ORDER) {
  test(`${names.join(' then ')} on ${JSON.stringify(headers)} finds ${found}`, () => {
    assert.equal(foundIn(extract(createPropagator(names), headers, ROOT)), found);
  });
}
