/** The page without a browser: its files, its colours, and the pure parts of its scripts. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { COLORS, colorIndex } from '../src/ui/colors.js';
import { formatAge, formatCount, formatDuration } from '../src/ui/format.js';
import { buildModel, type JaegerSpan, type JaegerTrace, rowMatches, visibleRows } from '../src/ui/trace-model.js';
import { testViewer, traceId } from './sending.ts';

const UI = new URL('../src/ui/', import.meta.url);

function source(name: string): string {
  return readFileSync(new URL(name, UI), 'utf8');
}

test('every file that the page names is served with its type', async (t) => {
  const viewer = await testViewer(t);
  const html = await (await fetch(viewer.url)).text();
  const named = [...html.matchAll(/(?:href|src)="(\/ui\/[^"]+)"/g)].map(([, path]) => path ?? '');
  const imported = readdirSync(UI)
    .filter((name) => name.endsWith('.js'))
    .flatMap((name) =>
      [...source(name).matchAll(/^import .* from '\.\/([^']+)';$/gm)].map(([, file]) => `/ui/${file}`),
    );
  const types: Record<string, string> = {
    js: 'text/javascript; charset=utf-8',
    css: 'text/css; charset=utf-8',
    svg: 'image/svg+xml',
  };
  assert.ok(named.length >= 4 && imported.length >= 20);
  for (const path of new Set([...named, ...imported])) {
    const reply = await fetch(viewer.url + path);
    assert.equal(reply.status, 200, path);
    assert.equal(reply.headers.get('content-type'), types[path.split('.').at(-1) ?? ''], path);
  }
});

test('the first load is below 120 kB', () => {
  const bytes = readdirSync(UI).reduce((sum, name) => sum + source(name).length, 0);
  assert.ok(bytes < 120_000, `${bytes} bytes`);
});

test('no script writes markup, so what was received cannot become any', () => {
  for (const name of readdirSync(UI).filter((file) => file.endsWith('.js'))) {
    assert.doesNotMatch(
      source(name),
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|\beval\b/,
      name,
    );
  }
});

const css = source('frame.css');
const light = colorsOf(css.slice(0, css.indexOf('@media (prefers-color-scheme: dark)')));
const dark = {
  ...light,
  ...colorsOf(css.slice(css.indexOf('@media (prefers-color-scheme: dark)'), css.indexOf('* {'))),
};
for (const [scheme, colors] of Object.entries({ light, dark })) {
  test(`WCAG 2.2, "Contrast (Minimum)": text has 4.5:1 on every ground (${scheme})`, () => {
    for (const text of ['text', 'muted', 'accent', 'error', 'warn']) {
      for (const ground of ['bg', 'panel', 'raised', 'accent-soft', 'error-soft'])
        assertContrast(colors, text, ground, 4.5);
    }
  });

  test(`WCAG 2.2, "Non-text Contrast": service colours have 3:1 on every ground (${scheme})`, () => {
    for (let index = 0; index < COLORS; index++) {
      for (const ground of ['bg', 'panel', 'raised', 'accent-soft', 'error-soft'])
        assertContrast(colors, `service-${index}`, ground, 3);
    }
  });
}

test('twelve services have twelve colours, and keep them', () => {
  const names = Array.from({ length: COLORS }, (_, index) => `service ${index}`);
  const colors = names.map(colorIndex);
  assert.equal(new Set(colors).size, COLORS);
  assert.ok(colorIndex('one more') < COLORS);
  assert.deepEqual(names.map(colorIndex), colors);
});

const DURATIONS: ReadonlyArray<readonly [number, string]> = [
  [0, '0 ns'],
  [999, '999 ns'],
  [1000, '1 µs'],
  [345_678, '346 µs'],
  [999_499, '999 µs'],
  [999_500, '1 ms'],
  [12_345_000, '12.3 ms'],
  [999_400_000, '999 ms'],
  [999_500_000, '1 s'],
  [1_234_000_000, '1.23 s'],
  [59_990_000_000, '60 s'],
  [60_000_000_000, '1 m 00 s'],
  [125_000_000_000, '2 m 05 s'],
];
for (const [ns, expected] of DURATIONS) {
  test(`${ns} ns reads ${expected}`, () => assert.equal(formatDuration(ns), expected));
}

test('ages and counts read as people say them', () => {
  const ages = [0, 4_400, 5_000, 59_000, 60_000, 3_600_000, 90_000_000].map((ago) => formatAge(1e12 - ago, 1e12));
  assert.deepEqual(ages, ['now', 'now', '5 s ago', '59 s ago', '1 min ago', '1 h ago', '1 d ago']);
  assert.deepEqual(
    [formatCount(1, 'span'), formatCount(0, 'span'), formatCount(12345, 'span')],
    ['1 span', '0 spans', '12,345 spans'],
  );
});

interface Sketch {
  id: string;
  parent?: string;
  start?: number;
  kind?: string;
  isError?: boolean;
}

function trace(...sketches: Sketch[]): JaegerTrace {
  return traceOf(sketches);
}

function traceOf(sketches: readonly Sketch[]): JaegerTrace {
  const spans = sketches.map(({ id, parent, start = 0, kind = 'internal', isError = false }): JaegerSpan => {
    const references = parent === undefined ? [] : [{ refType: 'CHILD_OF', traceID: traceId(1), spanID: parent }];
    const tags = [
      { key: 'span.kind', type: 'string', value: kind },
      ...(isError ? [{ key: 'error', type: 'bool', value: true }] : []),
    ];
    return {
      traceID: traceId(1),
      spanID: id,
      operationName: `op ${id}`,
      references,
      startTime: 1000 + start,
      duration: 10,
      tags,
      logs: [],
      processID: 'p1',
      warnings: null,
    };
  });
  return { traceID: traceId(1), spans, processes: { p1: { serviceName: 'shop', tags: [] } }, warnings: null };
}

/** `id@depth` of each row. */
function shape(rows: ReadonlyArray<{ span: JaegerSpan; depth: number }>): string {
  return rows.map(({ span, depth }) => `${span.spanID}@${depth}`).join(' ');
}

test('rows are parents before children, siblings by start', () => {
  const model = buildModel(
    trace(
      { id: 'c', parent: 'a', start: 5 },
      { id: 'b', parent: 'a', start: 2 },
      { id: 'd', parent: 'b', start: 3 },
      { id: 'a' },
    ),
  );
  assert.equal(shape(model.rows), 'a@0 b@1 d@2 c@1');
  assert.equal(model.depth, 3);
  assert.equal(model.durationUs, 15);
  assert.deepEqual(
    model.rows.map(({ descendants }) => descendants),
    [3, 1, 0, 0],
  );
});

test('a span whose parent is not here is a root, and marked', () => {
  const model = buildModel(trace({ id: 'a' }, { id: 'b', parent: 'gone', start: 1 }));
  assert.equal(shape(model.rows), 'a@0 b@0');
  assert.deepEqual(
    model.rows.map(({ isOrphan }) => isOrphan),
    [false, true],
  );
});

test('cycles are cut, and every span is shown once', () => {
  assert.equal(shape(buildModel(trace({ id: 'a', parent: 'a' })).rows), 'a@0');
  const model = buildModel(
    trace(
      { id: 'r' },
      { id: 'a', parent: 'b', start: 1 },
      { id: 'b', parent: 'c', start: 2 },
      { id: 'c', parent: 'a', start: 3 },
    ),
  );
  assert.equal(shape(model.rows), 'r@0 a@0 c@1 b@2');
});

test('a SERVER span that shares its id with a CLIENT span is its child, and has the children', () => {
  const model = buildModel(
    trace(
      { id: 'a' },
      { id: 'b', parent: 'a', kind: 'client', start: 1 },
      { id: 'b', parent: 'a', kind: 'server', start: 2 },
      { id: 'c', parent: 'b', start: 3 },
    ),
  );
  assert.equal(shape(model.rows), 'a@0 b@1 b@2 c@3');
  assert.deepEqual(
    model.rows.map(({ kind }) => kind),
    ['internal', 'client', 'server', 'internal'],
  );
});

test('a trace 20 000 deep and one 200 000 wide are laid out', () => {
  const deep = Array.from(
    { length: 20_000 },
    (_, index) => ({ id: `s${index}`, parent: index === 0 ? undefined : `s${index - 1}` }) as Sketch,
  );
  assert.equal(buildModel(traceOf(deep)).depth, 20_000);
  const wide = Array.from(
    { length: 200_000 },
    (_, index) => ({ id: `s${index}`, parent: index === 0 ? undefined : 's0' }) as Sketch,
  );
  assert.equal(buildModel(traceOf(wide)).rows[0]?.descendants, 199_999);
});

test('a folded row hides all below it and nothing else', () => {
  const model = buildModel(
    trace(
      { id: 'a' },
      { id: 'b', parent: 'a', start: 1 },
      { id: 'c', parent: 'b', start: 2 },
      { id: 'd', parent: 'a', start: 3 },
    ),
  );
  assert.equal(shape(visibleRows(model, new Set(['b internal']))), 'a@0 b@1 d@1');
  assert.equal(shape(visibleRows(model, new Set(['a internal', 'b internal']))), 'a@0');
});

test('a search looks at name, service, id, attributes and events', () => {
  const given = trace({ id: 'abc', isError: true });
  given.spans[0]?.logs.push({ timestamp: 1, fields: [{ key: 'event', type: 'string', value: 'Retry' }] });
  const [row] = buildModel(given).rows;
  assert.ok(row !== undefined);
  const found = ['op ab', 'shop', 'abc', 'error=true', 'event=retry'].filter((text) => rowMatches(row, text));
  assert.equal(found.length, 5);
  assert.equal(rowMatches(row, 'payments'), false);
});

function colorsOf(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]));
}

function assertContrast(colors: Record<string, string>, text: string, ground: string, least: number): void {
  const [a = 0, b = 0] = [luminance(colors[text]), luminance(colors[ground])].sort((x, y) => y - x);
  const contrast = (a + 0.05) / (b + 0.05);
  assert.ok(contrast >= least, `--${text} on --${ground} has ${contrast.toFixed(2)}:1`);
}

/** WCAG 2.2, "relative luminance". */
function luminance(color = ''): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
