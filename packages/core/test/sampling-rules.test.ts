import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Attributes, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import { setClock } from '../src/clock.ts';
import { isClewError } from '../src/errors.ts';
import { alwaysOff, alwaysOn } from '../src/sampler/always.ts';
import { compileGlob } from '../src/sampler/glob.ts';
import { healthChecks } from '../src/sampler/health-checks.ts';
import { parentBased } from '../src/sampler/parent-based.ts';
import { ratio } from '../src/sampler/ratio.ts';
import type { RuleCriteria } from '../src/sampler/rule-match.ts';
import { type Rule, rules } from '../src/sampler/rules.ts';
import { collectSpans } from '../src/testing/index.ts';

interface Start {
  name?: string;
  kind?: SpanKind;
  attributes?: Attributes;
  parent?: 'local' | 'remote';
}

/** Whether a rule with these criteria applies to a span of a service called `test`. */
function applies(
  when: RuleCriteria,
  { name = 'GET', kind = SpanKind.SERVER, attributes = {}, parent }: Start,
): boolean {
  const spans = collectSpans(undefined, { sampler: rules([{ when, sampler: alwaysOn() }], alwaysOff()) });
  const spanContext = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 0, isRemote: parent === 'remote' };
  const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContext);
  return spans.tracing.provider.getTracer('t').startSpan(name, { kind, attributes }, context).isRecording();
}

const CASES: Array<[when: RuleCriteria, start: Start, expected: boolean]> = [
  [{}, {}, true],
  [{ name: 'GET' }, { name: 'GET' }, true],
  [{ name: 'GET' }, { name: 'GET /' }, false],
  [{ name: 'G?T*' }, { name: 'GET /a' }, true],
  [{ name: /^get/i }, { name: 'GET /a' }, true],
  [{ name: /x$/ }, { name: `${'a'.repeat(1023)}x` }, true],
  [{ name: /x$/ }, { name: `${'a'.repeat(1024)}x` }, false],
  [{ kind: SpanKind.CLIENT }, { kind: SpanKind.CLIENT }, true],
  [{ kind: SpanKind.INTERNAL }, { kind: SpanKind.CLIENT }, false],
  [{ service: 'te*' }, {}, true],
  [{ service: 'shop' }, {}, false],
  [{ route: '/orders/*' }, { attributes: { 'http.route': '/orders/:id', 'url.path': '/x' } }, true],
  [{ route: '/orders/*' }, { attributes: { 'url.path': '/orders/7' } }, true],
  [{ route: '/orders/?' }, { attributes: { 'http.target': '/orders/7?page=2' } }, true],
  [{ route: '*' }, {}, false],
  [{ attributes: { a: 'b*' } }, { attributes: { a: 'bc' } }, true],
  [{ attributes: { a: '40?' } }, { attributes: { a: 404 } }, true],
  [{ attributes: { a: 'true' } }, { attributes: { a: true } }, false],
  [{ attributes: { a: true } }, { attributes: { a: true } }, true],
  [{ attributes: { a: false } }, {}, false],
  [{ attributes: { a: { min: 5 } } }, { attributes: { a: 5 } }, true],
  [{ attributes: { a: { min: 5 } } }, { attributes: { a: 4.9 } }, false],
  [{ attributes: { a: { max: 5 } } }, { attributes: { a: 5 } }, true],
  [{ attributes: { a: { min: 1, max: 5 } } }, { attributes: { a: '3' } }, false],
  [{ attributes: { a: { exists: true } } }, { attributes: { a: '' } }, true],
  [{ attributes: { a: { exists: true } } }, {}, false],
  [{ attributes: { a: { exists: false } } }, {}, true],
  [{ attributes: { a: 'x', b: 'y' } }, { attributes: { a: 'x' } }, false],
  [{ parent: 'none' }, {}, true],
  [{ parent: 'none' }, { parent: 'local' }, false],
  [{ parent: 'local' }, { parent: 'local' }, true],
  [{ parent: 'remote' }, { parent: 'remote' }, true],
  [{ parent: 'remote' }, { parent: 'local' }, false],
  [{ name: 'GET', kind: SpanKind.CLIENT }, { kind: SpanKind.SERVER }, false],
];
for (const [when, start, expected] of CASES) {
  const show = (value: object) =>
    JSON.stringify(value, (_, inner) => (inner instanceof RegExp ? String(inner) : inner));
  test(`a rule for ${show(when)} ${expected ? 'applies' : 'does not apply'} to ${show(start).slice(0, 80)}`, () => {
    assert.equal(applies(when, start), expected);
  });
}

test('the first rule that applies decides, higher priorities before lower ones', () => {
  const rule = (reason: string, priority?: number): Rule => ({
    when: {},
    sampler: { intent: () => ({ threshold: undefined, reliable: false, reason }), toString: () => reason },
    ...(priority === undefined ? {} : { priority }),
  });
  const winner = (...list: Rule[]): string => {
    const request = { context: ROOT_CONTEXT, traceId: '', name: '', kind: SpanKind.SERVER, attributes: {}, links: [] };
    return rules(list, alwaysOff()).intent(request).reason;
  };
  assert.equal(winner(rule('a'), rule('b')), 'a');
  assert.equal(winner(rule('a', 1), rule('b', 2), rule('c', 2)), 'b');
  assert.equal(winner(rule('a', -1), rule('b')), 'b');
  assert.equal(winner(), 'always_off');
});

test('a regular expression that remembers its place is asked afresh each time', () => {
  const when = { name: /GET/g };
  const sampler = rules([{ when, sampler: alwaysOn() }], alwaysOff());
  const tracer = collectSpans(undefined, { sampler }).tracing.provider.getTracer('t');
  for (let i = 0; i < 3; i++) assert.equal(tracer.startSpan('GET').isRecording(), true);
});

test('hardLimitPerSecond keeps no more than that, with a burst, and writes no threshold', (t) => {
  let nowMs = 1000;
  setClock({ now: () => nowMs, wall: () => 1_700_000_000_000 + nowMs });
  t.after(() => setClock());
  const spans = collectSpans(t, {
    sampler: rules([{ when: {}, sampler: ratio(0.5), hardLimitPerSecond: 10 }], alwaysOff()),
  });
  const tracer = spans.tracing.provider.getTracer('t');
  let kept = 0;
  for (let i = 0; i < 60_000; i++) {
    nowMs += 1;
    const span = tracer.startSpan('x', { root: true });
    if (!span.isRecording()) continue;
    kept++;
    assert.equal(span.spanContext().traceState, undefined);
  }
  assert.ok(kept <= 10 + 10 * 60 + 1, `${kept}`);
  assert.ok(kept >= 0.99 * 10 * 60, `${kept}`);
});

test('a limit below one per second lets one through in that time', (t) => {
  let nowMs = 0;
  setClock({ now: () => nowMs, wall: () => 1_700_000_000_000 + nowMs });
  t.after(() => setClock());
  const sampler = rules([{ when: {}, sampler: alwaysOn(), hardLimitPerSecond: 0.2 }], alwaysOff());
  const tracer = collectSpans(undefined, { sampler }).tracing.provider.getTracer('t');
  const kept: number[] = [];
  for (; nowMs <= 15_000; nowMs += 500) if (tracer.startSpan('x').isRecording()) kept.push(nowMs);
  assert.deepEqual(kept, [0, 5000, 10_000, 15_000]);
});

const CHECKS: Array<[attributes: Attributes, kind: SpanKind, isDropped: boolean]> = [
  [{ 'url.path': '/health' }, SpanKind.SERVER, true],
  [{ 'url.path': '/healthz' }, SpanKind.SERVER, true],
  [{ 'url.path': '/ready' }, SpanKind.SERVER, true],
  [{ 'url.path': '/livez' }, SpanKind.SERVER, true],
  [{ 'url.path': '/metrics' }, SpanKind.SERVER, true],
  [{ 'url.path': '/metrics/daily' }, SpanKind.SERVER, false],
  [{ 'url.path': '/', 'user_agent.original': 'kube-probe/1.33' }, SpanKind.SERVER, true],
  [{ 'url.path': '/', 'user_agent.original': 'ELB-HealthChecker/2.0' }, SpanKind.SERVER, true],
  [{ 'url.path': '/orders', 'user_agent.original': 'curl/8' }, SpanKind.SERVER, false],
  [{ 'url.path': '/health' }, SpanKind.INTERNAL, false],
];
for (const [attributes, kind, isDropped] of CHECKS) {
  test(`healthChecks: ${SpanKind[kind]} ${JSON.stringify(attributes)} is ${isDropped ? 'dropped' : 'kept'}`, (t) => {
    const spans = collectSpans(t, { sampler: parentBased({ root: rules(healthChecks(), alwaysOn()) }) });
    const tracer = spans.tracing.provider.getTracer('t');
    tracer.startActiveSpan('GET', { kind, attributes }, (span) => {
      assert.equal(span.isRecording(), !isDropped);
      const child = tracer.startSpan('child', {}, trace.setSpan(ROOT_CONTEXT, span));
      assert.equal(child.isRecording(), !isDropped, 'what is below goes with it');
      child.end();
      span.end();
    });
    spans.all();
  });
}

const WRONG: Array<[what: string, list: unknown, message: RegExp]> = [
  ['no array', {}, /rules must be an array/],
  ['no rules', undefined, /rules must be an array, got undefined/],
  ['a rule that is none', [1], /rule 1 must be an object/],
  ['a rule without `when`', [{ sampler: alwaysOn() }], /rule 1 must say when/],
  ['a rule without a sampler', [{ when: {} }], /sampler of rule 1 must be a sampler/],
  ['an unknown criterion', [{ when: { nam: 'x' }, sampler: alwaysOn() }], /did you mean "name"\?/],
  ['an unknown option', [{ when: {}, sampler: alwaysOn(), prority: 1 }], /did you mean "priority"\?/],
  ['a kind by name', [{ when: { kind: 'SERVER' }, sampler: alwaysOn() }], /kind of rule 1 must be a SpanKind/],
  ['an unknown parent', [{ when: { parent: 'remot' }, sampler: alwaysOn() }], /did you mean "remote"\?/],
  ['a number as name', [{ when: { name: 1 }, sampler: alwaysOn() }], /name of rule 1 must be a pattern/],
  ['a limit of 0', [{ when: {}, sampler: alwaysOn(), hardLimitPerSecond: 0 }], /hardLimitPerSecond of rule 1/],
  [
    'a limit that is no number',
    [{ when: {}, sampler: alwaysOn(), hardLimitPerSecond: Number.NaN }],
    /hardLimitPerSecond/,
  ],
  [
    'an endless range',
    [{ when: { attributes: { a: { min: 2, max: 1 } } }, sampler: alwaysOn() }],
    /max of attribute "a"/,
  ],
  ['an unknown range', [{ when: { attributes: { a: { mn: 2 } } }, sampler: alwaysOn() }], /did you mean "min"\?/],
];
for (const [what, list, message] of WRONG) {
  test(`rules refuses ${what}`, () => {
    assert.throws(
      // The cast stands for an application in JavaScript.
      () => rules(list as Rule[], alwaysOn()),
      (error) => isClewError(error) && message.test(error.message),
    );
  });
}

test('an attribute that throws when it is read is no attribute for a rule either', (t) => {
  const attributes = Object.defineProperty({}, 'a', { enumerable: true, get: () => assert.fail('read') });
  const spans = collectSpans(t, {
    sampler: rules([{ when: { attributes: { a: '*' } }, sampler: alwaysOff() }], alwaysOn()),
  });
  const span = spans.tracing.provider.getTracer('t').startSpan('x', { attributes });
  assert.equal(span.isRecording(), true);
  span.end();
  spans.all();
});

test('a glob matches what the same regular expression matches', () => {
  const letters = fc.constantFrom('a', 'b', '*', '?', '.');
  const pattern = fc.array(letters, { maxLength: 8 }).map((parts) => parts.join(''));
  const text = fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 12 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(pattern, text, (glob, given) => {
      const source = glob.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.');
      assert.equal(compileGlob(glob)(given), new RegExp(`^${source}$`, 's').test(given));
    }),
    { seed: 41, numRuns: 20_000 },
  );
});

test('no glob looks at a text more than once', () => {
  // A matcher that goes back to earlier stars needs 10^20 steps here, and would not come back.
  const matches = compileGlob(`${'*a'.repeat(20)}*b`);
  assert.equal(matches('a'.repeat(100_000)), false);
  assert.equal(matches(`${'a'.repeat(100_000)}b`), true);
});
