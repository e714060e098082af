import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { Writable } from 'node:stream';
import { afterEach, test } from 'node:test';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { ConsoleSpanExporter } from '../src/export/console.ts';
import type { ConsoleStream } from '../src/export/console-stream.ts';
import type { ExportResult, ReadableSpan } from '../src/export/readable-span.ts';
import { faultCounts, resetFaults } from '../src/faults.ts';
import { makeSpan } from './support/make-span.ts';

afterEach(() => resetFaults());

/** A stream that keeps what is written. */
function paper(): ConsoleStream & { text: string } {
  return {
    text: '',
    write(text: string) {
      this.text += text;
    },
  };
}

function exportTo(exporter: ConsoleSpanExporter, spans: ReadableSpan[]): ExportResult | undefined {
  let result: ExportResult | undefined;
  exporter.export(spans, (given) => {
    assert.equal(result, undefined, 'the callback was called twice');
    result = given;
  });
  return result;
}

const drawn = (stream: { text: string }): number => stream.text.split('\n').length - 1;

test('a trace with its local root is drawn at once', () => {
  const stream = paper();
  const exporter = new ConsoleSpanExporter({ stream });
  const result = exportTo(exporter, [makeSpan({ id: 'b', parent: 'a' }), makeSpan({ id: 'a' })]);
  assert.deepEqual(result, { code: 0 });
  assert.equal(drawn(stream), 3);
});

test('a span with a remote parent is a local root', () => {
  const stream = paper();
  exportTo(new ConsoleSpanExporter({ stream }), [makeSpan({ parent: '9', isParentRemote: true })]);
  assert.equal(drawn(stream), 2);
});

test('spans wait for their local root in a later export', () => {
  const stream = paper();
  const exporter = new ConsoleSpanExporter({ stream });
  exportTo(exporter, [makeSpan({ id: 'b', parent: 'a' })]);
  assert.equal(stream.text, '');
  exportTo(exporter, [makeSpan({ id: 'x', traceId: 'f'.repeat(32), parent: 'y' })]);
  exportTo(exporter, [makeSpan({ id: 'a' })]);
  assert.equal(drawn(stream), 3, 'the other trace still waits');
});

test('a trace without its local root is drawn after a second', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const stream = paper();
  const now = t.mock.method(performance, 'now', () => 0);
  const exporter = new ConsoleSpanExporter({ stream });
  exportTo(exporter, [makeSpan({ id: 'b', parent: 'a' })]);
  now.mock.mockImplementation(() => 999);
  t.mock.timers.tick(999);
  assert.equal(stream.text, '');
  now.mock.mockImplementation(() => 1000);
  t.mock.timers.tick(1);
  assert.equal(drawn(stream), 2);
  exportTo(exporter, [makeSpan({ id: 'c', parent: 'a' })]);
  now.mock.mockImplementation(() => 2000);
  t.mock.timers.tick(1000);
  assert.equal(drawn(stream), 4, 'the timer runs again for what comes later');
});

test('no more than 10 000 spans wait: the trace that waits longest is drawn', () => {
  const stream = paper();
  const exporter = new ConsoleSpanExporter({ stream });
  const many = (traceId: string, count: number) =>
    Array.from({ length: count }, (_, i) => makeSpan({ id: `${i + 1}`, parent: 'ffff', traceId }));
  exportTo(exporter, many('a'.repeat(32), 4000));
  exportTo(exporter, many('b'.repeat(32), 6000));
  assert.equal(stream.text, '', '10 000 spans wait');
  exportTo(exporter, many('c'.repeat(32), 1));
  assert.equal(drawn(stream), 4001);
  assert.match(stream.text, /^trace a{32} /);
});

test('forceFlush and shutdown draw what waits; afterwards exports are refused', async () => {
  const stream = paper();
  const exporter = new ConsoleSpanExporter({ stream });
  exportTo(exporter, [makeSpan({ id: 'b', parent: 'a' })]);
  await exporter.forceFlush();
  assert.equal(drawn(stream), 2);
  exportTo(exporter, [makeSpan({ id: 'c', parent: 'a' })]);
  await exporter.shutdown();
  assert.equal(drawn(stream), 4);
  assert.equal(exportTo(exporter, [makeSpan({})])?.code, 1);
  assert.equal(drawn(stream), 4);
});

test('a waiting trace does not keep the process alive', () => {
  const source = `
    import { ConsoleSpanExporter } from ${JSON.stringify(new URL('../src/export/console.ts', import.meta.url).href)};
    import { makeSpan } from ${JSON.stringify(new URL('./support/make-span.ts', import.meta.url).href)};
    new ConsoleSpanExporter().export([makeSpan({ id: 'b', parent: 'a' })], () => {});
    process.on('exit', () => console.log('left'));`;
  const child = spawnSync(process.execPath, ['--conditions=clew-source', '--input-type=module', '-e', source], {
    encoding: 'utf8',
  });
  assert.equal(child.stdout, 'left\n', child.stderr);
});

test('a stream that throws makes a failed export, not an exception', () => {
  const exporter = new ConsoleSpanExporter({ stream: { write: () => assert.fail('disk full') } });
  const result = exportTo(exporter, [makeSpan({})]);
  assert.equal(result?.code, 1);
  assert.match(result?.error?.message ?? '', /disk full/);
  assert.equal(faultCounts().console_export, 1);
});

for (const when of ['at once', 'later'] as const) {
  test(`a stream that emits an error ${when} does not end the process`, async () => {
    const stream = new Writable({
      write: (_chunk, _encoding, done) => {
        if (when === 'at once') done(new Error('EPIPE'));
        else setImmediate(() => done(new Error('EPIPE')));
      },
    });
    const closed = new Promise((resolve) => stream.once('close', resolve));
    exportTo(new ConsoleSpanExporter({ stream }), [makeSpan({})]);
    await closed;
    assert.equal(faultCounts().console_export, 1);
    assert.equal(stream.listenerCount('error'), 0);
  });
}

test('colours follow the stream unless the option says otherwise', () => {
  const text = (options: { isTTY: boolean; colors?: boolean }): string => {
    const stream = { ...paper(), isTTY: options.isTTY };
    exportTo(new ConsoleSpanExporter({ stream, ...(options.colors === undefined ? {} : { colors: options.colors }) }), [
      makeSpan({}),
    ]);
    return stream.text;
  };
  const before = process.env.NO_COLOR;
  delete process.env.NO_COLOR;
  try {
    assert.equal(text({ isTTY: true }).includes('\u001b'), true);
    assert.equal(text({ isTTY: false }).includes('\u001b'), false);
    assert.equal(text({ isTTY: false, colors: true }).includes('\u001b'), true);
    process.env.NO_COLOR = '1';
    assert.equal(text({ isTTY: true }).includes('\u001b'), false);
  } finally {
    delete process.env.NO_COLOR;
    if (before !== undefined) process.env.NO_COLOR = before;
  }
});

test('wrong options throw', () => {
  assert.throws(() => new ConsoleSpanExporter({ color: true } as never), { message: /did you mean "colors"\?/ });
  assert.throws(() => new ConsoleSpanExporter({ colors: 'yes' as never }), { code: 'CLEW_ERR_OPTION' });
  assert.throws(() => new ConsoleSpanExporter({ stream: {} as never }), { code: 'CLEW_ERR_OPTION' });
});

test("the official SDK's provider exports to it", async () => {
  const stream = paper();
  const processor = new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter({ stream }) });
  const provider = new TracerProvider({ spanProcessors: [processor] });
  provider.getTracer('x').startSpan('from the SDK').end();
  await provider.forceFlush();
  await provider.shutdown();
  assert.match(stream.text, /INTERNAL from the SDK/);
});
