import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Mixin, tracingMixin } from '@clew/pino';
import { activeSpanContext, isClewError, withSpan } from '@clew/core';
import { BACKENDS, startBackend } from '@clew/testkit';
import { pino } from 'pino';
import { pino as pino8 } from 'pino-8';
import { pino as pino9 } from 'pino-9';

type Line = Record<string, unknown>;

function logInto(make: typeof pino, options: object = {}, mixin: Mixin = tracingMixin()) {
  const texts: string[] = [];
  const logger = make({ mixin, ...options }, { write: (text: string) => texts.push(text) });
  return { logger, texts, lines: () => texts.map((text) => JSON.parse(text) as Line) };
}

const VERSIONS: Array<[string, typeof pino]> = [
  ['10', pino],
  // Older majors have the same call; their types differ in places that are not used here.
  ['9', pino9 as unknown as typeof pino],
  ['8', pino8 as unknown as typeof pino],
];

for (const [version, make] of VERSIONS) {
  for (const kind of BACKENDS) {
    test(`pino ${version} on ${kind}: a line inside a span carries its ids, one outside carries none`, (t) => {
      const backend = startBackend(t, kind);
      const { logger, lines } = logInto(make);
      let expected: object = {};
      logger.info('before');
      withSpan('work', (span) => {
        logger.info({ order: 7 }, 'inside');
        logger.child({ module: 'm' }).warn('child');
        const { traceId, spanId } = span.spanContext();
        const flags = kind === 'clew' ? '03' : '01';
        if (backend.records) expected = { trace_id: traceId, span_id: spanId, trace_flags: flags };
      });
      logger.info('after');
      const [before, inside, child, after] = lines();
      const ids = (line?: Line) =>
        Object.fromEntries(Object.entries(line ?? {}).filter(([key]) => /^(trace|span)_/.test(key)));
      assert.deepEqual(ids(before), {});
      assert.deepEqual({ ...ids(inside), order: inside?.order }, { ...expected, order: 7 });
      assert.deepEqual({ ...ids(child), module: child?.module }, { ...expected, module: 'm' });
      assert.deepEqual(ids(after), {});
      backend.all();
    });
  }

  test(`pino ${version}: a trace_id bound to a child logger is not written twice`, (t) => {
    const backend = startBackend(t, 'clew');
    const { logger, texts } = logInto(make);
    withSpan('work', () => logger.child({ trace_id: 'mine' }).info('x'));
    assert.equal(texts[0]?.match(/"trace_id"/g)?.length, 1);
    assert.match(texts[0] ?? '', /"trace_id":"mine"/);
    backend.all();
  });
}

test('the ids are those of the unsampled span too, with flags that say so', (t) => {
  const { logger, lines } = logInto(pino);
  startBackend(t, 'clew', { sampler: 0 });
  withSpan('work', () => logger.info('x'));
  assert.equal(lines()[0]?.trace_flags, '02');
  assert.match(String(lines()[0]?.trace_id), /^[0-9a-f]{32}$/);
});

test('two interleaved requests log their own trace', async (t) => {
  const backend = startBackend(t, 'clew');
  const { logger, lines } = logInto(pino);
  const request = (name: string) =>
    withSpan(name, { root: true }, async () => {
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setImmediate(resolve));
        logger.info({ name, active: activeSpanContext()?.traceId });
      }
    });
  await Promise.all([request('a'), request('b')]);
  const traces = new Map(lines().map((line) => [line.name, line.trace_id]));
  assert.equal(lines().length, 10);
  assert.notEqual(traces.get('a'), traces.get('b'));
  for (const line of lines()) {
    assert.equal(line.trace_id, traces.get(line.name));
    assert.equal(line.trace_id, line.active);
  }
  backend.all();
});

test('fields of the own mixin win, and the log call wins over both', (t) => {
  const backend = startBackend(t, 'clew');
  const { logger, lines, texts } = logInto(
    pino,
    {},
    tracingMixin(() => ({ span_id: 'mixed', extra: 1 })),
  );
  withSpan('work', () => logger.info({ trace_id: 'called' }, 'x'));
  assert.deepEqual([lines()[0]?.trace_id, lines()[0]?.span_id, lines()[0]?.extra], ['called', 'mixed', 1]);
  assert.equal(texts[0]?.match(/"trace_id"/g)?.length, 1);
  backend.all();
});

test('a mixin that throws does not make the log call throw', (t) => {
  const backend = startBackend(t, 'clew');
  const { logger, lines } = logInto(
    pino,
    {},
    tracingMixin(() => {
      throw new Error('mine');
    }),
  );
  withSpan('work', () => logger.info('still here'));
  assert.equal(lines()[0]?.msg, 'still here');
  assert.match(String(lines()[0]?.trace_id), /^[0-9a-f]{32}$/);
  backend.all();
});

test('field names can be chosen', (t) => {
  const backend = startBackend(t, 'clew');
  const { logger, lines } = logInto(pino, {}, tracingMixin(undefined, { fields: { traceId: 'traceId' } }));
  withSpan('work', () => logger.info('x'));
  assert.match(String(lines()[0]?.traceId), /^[0-9a-f]{32}$/);
  assert.match(String(lines()[0]?.span_id), /^[0-9a-f]{16}$/);
  assert.equal(lines()[0]?.trace_id, undefined);
  backend.all();
});

test('nestedKey and redact treat the fields as they treat others', (t) => {
  const backend = startBackend(t, 'clew');
  const nested = logInto(pino, { nestedKey: 'payload' });
  const redacted = logInto(pino, { redact: ['span_id'] });
  withSpan('work', () => {
    nested.logger.info('x');
    redacted.logger.info('x');
  });
  assert.match(String((nested.lines()[0]?.payload as Line).trace_id), /^[0-9a-f]{32}$/);
  assert.equal(redacted.lines()[0]?.span_id, '[Redacted]');
  backend.all();
});

const WRONG: Array<[string, () => unknown, RegExp]> = [
  ['a mixin that is no function', () => tracingMixin(7 as never), /mixin must be a function, got number/],
  ['an unknown option', () => tracingMixin(undefined, { field: {} } as never), /did you mean "fields"/],
  ['an unknown field', () => tracingMixin(undefined, { fields: { traceID: 'x' } as never }), /did you mean "traceId"/],
  ['an empty field name', () => tracingMixin(undefined, { fields: { traceId: '' } }), /must be a text/],
];
for (const [title, call, message] of WRONG) {
  test(`${title} is refused at set-up`, () => {
    assert.throws(
      call,
      (error) => isClewError(error) && error.code === 'CLEW_ERR_OPTION' && message.test(error.message),
    );
  });
}
