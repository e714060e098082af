/// <reference lib="dom" />
/** The page in a real browser: what people see, do with keys, and are protected from. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';

import type { Page } from 'playwright-core';
import type { Viewer } from '../src/index.ts';
import {
  OTHER_TRACE,
  post,
  request,
  type SpanSketch,
  START_MS,
  send,
  spanId,
  TRACE,
  testViewer,
  traceId,
} from '../test/sending.ts';
import { openPage } from './chromium.ts';

/** gateway → orders → 3 × SELECT, and payments, which fails. */
const ORDER: readonly SpanSketch[] = [
  { spanId: spanId(1), name: 'POST /orders', kind: 2, service: 'gateway', durationMs: 100, statusCode: 2 },
  {
    spanId: spanId(2),
    parentSpanId: spanId(1),
    name: 'POST /orders',
    kind: 2,
    service: 'orders',
    startMs: 5,
    durationMs: 90,
  },
  ...[3, 4, 5].map((id) => ({
    spanId: spanId(id),
    parentSpanId: spanId(2),
    name: `SELECT ${id}`,
    kind: 3,
    service: 'orders',
    startMs: 5 * id,
    durationMs: 4,
  })),
  {
    spanId: spanId(6),
    parentSpanId: spanId(2),
    name: 'charge',
    kind: 3,
    service: 'payments',
    startMs: 40,
    durationMs: 50,
    statusCode: 2,
    attributes: { 'card.network': 'visa', retries: 2 },
  },
];

async function openTrace(
  t: TestContext,
  spans: readonly SpanSketch[] = ORDER,
): Promise<{ viewer: Viewer; page: Page }> {
  const viewer = await testViewer(t);
  await send(viewer, ...spans);
  const page = await openPage(t);
  await page.goto(`${viewer.url}/trace/${TRACE}`);
  await page.locator('.span-row').first().waitFor();
  return { viewer, page };
}

/** Names of the rows that are drawn, by their place. */
function rowNames(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const rows = [...document.querySelectorAll<HTMLElement>('.span-row')];
    rows.sort((a, b) => Number(a.getAttribute('aria-rowindex')) - Number(b.getAttribute('aria-rowindex')));
    return rows.map((row) => row.querySelector('.operation')?.textContent ?? '');
  });
}

async function press(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

function selectedRow(page: Page): Promise<string | null> {
  return page.locator('.span-row.selected .operation').textContent();
}

test('the empty page says where to send, and the first trace appears by itself', async (t) => {
  const viewer = await testViewer(t);
  const page = await openPage(t);
  await page.goto(viewer.url);
  await page.getByText('Waiting for the first trace').waitFor();
  await page.getByText(`OTEL_EXPORTER_OTLP_ENDPOINT=${viewer.otlpUrl}`, { exact: true }).waitFor();
  await send(viewer, ...ORDER);
  const row = page.locator('.traces .row');
  await row.waitFor();
  assert.equal(await page.getByText('Waiting for the first trace').isVisible(), false);
  const text = await row.innerText();
  for (const part of ['POST /orders', 'gateway', '✕ 2 errors', 'orders', 'payments', '6', '100 ms'])
    assert.ok(text.includes(part), `${part} in ${text}`);
});

test('new traces come on top, and the row in focus keeps its focus', async (t) => {
  const viewer = await testViewer(t);
  await send(viewer, { traceId: traceId(1), name: 'first' });
  const page = await openPage(t);
  await page.goto(viewer.url);
  await page.locator('.traces .row').waitFor();
  await press(page, 'j');
  await send(viewer, { traceId: traceId(2), name: 'second', startMs: 1000 });
  await page.locator('.traces .row', { hasText: 'second' }).waitFor();
  assert.deepEqual(await page.locator('.traces b').allTextContents(), ['second', 'first']);
  assert.equal(await page.evaluate(() => document.activeElement?.querySelector('b')?.textContent), 'first');
});

test('paused, nothing new is shown; live again, it is', async (t) => {
  const viewer = await testViewer(t);
  await send(viewer, { traceId: traceId(1), name: 'first' });
  const page = await openPage(t);
  await page.goto(viewer.url);
  await page.locator('.traces .row').waitFor();
  await press(page, 'p');
  assert.equal(await page.locator('#live').textContent(), 'Paused');
  await send(viewer, { traceId: traceId(2), name: 'second' });
  // The status line goes on being asked for, and tells when the viewer has been asked again.
  await page.getByText('2 of 100,000 spans').waitFor();
  assert.equal(await page.locator('.traces .row').count(), 1);
  await press(page, 'p');
  await page.locator('.traces .row', { hasText: 'second' }).waitFor();
});

test('the list is filtered by service, text and errors, and the address keeps the filters', async (t) => {
  const viewer = await testViewer(t);
  await send(viewer, ...ORDER);
  await send(viewer, { traceId: OTHER_TRACE, name: 'GET /health', service: 'gateway', startMs: 1000 });
  const page = await openPage(t);
  await page.goto(viewer.url);
  const rows = page.locator('.traces .row');
  await rows.nth(1).waitFor();
  await page.getByLabel('Service', { exact: true }).selectOption('payments');
  await rows.nth(1).waitFor({ state: 'detached' });
  assert.match(await rows.innerText(), /POST \/orders/);
  await page.getByLabel('Service', { exact: true }).selectOption('');
  await rows.nth(1).waitFor();
  await press(page, '/');
  await page.keyboard.type('health');
  assert.equal(await rows.count(), 1);
  await press(page, 'Escape', 'e');
  await page.getByText('No trace here matches these filters.').waitFor();
  assert.equal(new URL(page.url()).search, '?q=health&errors=1');
  await page.reload();
  await page.getByText('No trace here matches these filters.').waitFor();
});

test('clearing asks first, and then forgets everything', async (t) => {
  const viewer = await testViewer(t);
  await send(viewer, ...ORDER);
  const page = await openPage(t);
  await page.goto(viewer.url);
  const clear = page.getByRole('button', { name: 'Clear' });
  page.once('dialog', (dialog) => dialog.dismiss());
  await clear.click();
  assert.equal((await viewer.traces()).length, 1);
  page.once('dialog', (dialog) => dialog.accept());
  await clear.click();
  await page.getByText('Waiting for the first trace').waitFor();
  assert.equal((await viewer.traces()).length, 0);
});

test('a trace is a tree with its services, durations and errors in words', async (t) => {
  const { page } = await openTrace(t);
  assert.deepEqual(await rowNames(page), [
    'POST /orders',
    'POST /orders',
    'SELECT 3',
    'SELECT 4',
    'SELECT 5',
    'charge',
  ]);
  const levels = await page
    .locator('.span-row')
    .evaluateAll((rows) => rows.map((row) => row.getAttribute('aria-level')).sort());
  assert.deepEqual(levels, ['1', '2', '3', '3', '3', '3']);
  const failed = page.locator('.span-row', { hasText: 'charge' });
  assert.match(await failed.innerText(), /✕ error/);
  assert.equal(await failed.getAttribute('aria-label'), 'payments charge, client, 50 ms, 50 % of the trace, error');
  const bar = await failed.locator('.bar').boundingBox();
  const line = await failed.locator('.line').boundingBox();
  assert.ok(bar && line);
  assert.ok(Math.abs((bar.x - line.x) / line.width - 0.4) < 0.01, 'the bar starts at 40 %');
  assert.ok(Math.abs(bar.width / line.width - 0.5) < 0.01, 'the bar is half as long as the line');
});

test('by keys alone: open the trace, find the error, read its attributes, and go back', async (t) => {
  const viewer = await testViewer(t);
  await send(viewer, ...ORDER);
  const page = await openPage(t);
  await page.goto(viewer.url);
  await page.locator('.traces .row').waitFor();
  await press(page, 'j', 'Enter');
  await page.locator('.span-row').first().waitFor();
  await press(page, 'e');
  assert.equal(await selectedRow(page), 'charge');
  await press(page, 'Enter');
  const details = page.getByLabel('Span details');
  await details.getByText('card.network').waitFor();
  assert.match(await details.innerText(), /visa/);
  assert.equal(new URL(page.url()).search, `?span=${spanId(6)}`);
  await press(page, 'Escape');
  assert.equal(await details.isVisible(), false);
  await press(page, 'Escape');
  await page.locator('.traces .row').waitFor();
});

test('arrow keys walk, fold and unfold the tree', async (t) => {
  const { page } = await openTrace(t);
  await press(page, 'ArrowDown', 'ArrowLeft');
  assert.deepEqual(await rowNames(page), ['POST /orders', 'POST /orders']);
  assert.match(await page.locator('.span-row.selected').innerText(), /\+4/);
  assert.equal(await page.locator('.span-row.selected').getAttribute('aria-expanded'), 'false');
  await press(page, 'ArrowRight', 'ArrowRight');
  assert.equal(await selectedRow(page), 'SELECT 3');
  await press(page, 'End');
  assert.equal(await selectedRow(page), 'charge');
  await press(page, 'ArrowLeft', 'ArrowLeft', 'ArrowLeft', 'Home');
  assert.equal(await page.locator('.span-row.selected').getAttribute('aria-rowindex'), '1');
  const active = await page.locator('.waterfall').getAttribute('aria-activedescendant');
  assert.equal(await page.locator(`#${active}`).getAttribute('aria-selected'), 'true');
});

test('a search dims what does not match and walks what does', async (t) => {
  const { page } = await openTrace(t);
  await press(page, '/');
  await page.keyboard.type('select');
  await page.getByText('3 found').waitFor();
  assert.equal(await page.locator('.span-row.dim').count(), 3);
  await press(page, 'Enter');
  assert.equal(await selectedRow(page), 'SELECT 3');
  await press(page, 'Escape', 'n', 'n');
  assert.equal(await selectedRow(page), 'SELECT 5');
  await press(page, 'N');
  assert.equal(await selectedRow(page), 'SELECT 4');
});

test('a click opens the details with attributes, events, links and the process', async (t) => {
  const viewer = await testViewer(t);
  const body = request({ name: 'work', attributes: { 'app.items': 3 } }) as {
    resourceSpans: Array<{ scopeSpans: Array<{ spans: object[] }> }>;
  };
  Object.assign(body.resourceSpans[0]?.scopeSpans[0]?.spans[0] ?? {}, {
    events: [
      {
        timeUnixNano: `${START_MS}500000`,
        name: 'exception',
        attributes: [{ key: 'exception.message', value: { stringValue: 'boom' } }],
      },
    ],
    links: [{ traceId: OTHER_TRACE, spanId: spanId(9) }],
  });
  await post(`${viewer.otlpUrl}/v1/traces`, JSON.stringify(body));
  await send(viewer, { traceId: OTHER_TRACE, spanId: spanId(9), name: 'linked' });
  const page = await openPage(t);
  await page.goto(`${viewer.url}/trace/${TRACE}`);
  await page.locator('.span-row').click();
  const text = await page.getByLabel('Span details').innerText();
  for (const part of ['app.items', '3', 'exception', 'after 500 µs', 'boom', OTHER_TRACE, 'test 1'])
    assert.ok(text.includes(part), `${part} in ${text}`);
  await page.getByLabel('Span details').getByRole('link').click();
  await page.getByRole('heading', { name: 'linked' }).first().waitFor();
  assert.equal(page.url(), `${viewer.url}/trace/${OTHER_TRACE}?span=${spanId(9)}`);
  assert.equal(await page.getByLabel('Span details').isVisible(), true);
});

test('log lines stand below the trace, by time, and lead to their span', async (t) => {
  const viewer = await testViewer(t);
  await send(viewer, ...ORDER);
  const lines = [
    {
      level: 50,
      time: START_MS + 80,
      name: 'payments',
      trace_id: TRACE,
      span_id: spanId(6),
      msg: 'declined',
      err: { message: 'no funds' },
    },
    { level: 30, time: START_MS + 1, name: 'gateway', trace_id: TRACE, span_id: spanId(1), msg: 'received' },
  ];
  await post(`${viewer.url}/api/clew/logs`, lines.map((line) => JSON.stringify(line)).join('\n'));
  const page = await openPage(t);
  await page.goto(`${viewer.url}/trace/${TRACE}`);
  const shown = page.locator('.logs .line');
  await shown.nth(1).waitFor();
  const texts = await shown.allInnerTexts();
  assert.match(texts[0] ?? '', /\+1 ms[\s\S]*info[\s\S]*gateway[\s\S]*received/);
  assert.match(texts[1] ?? '', /\+80 ms[\s\S]*✕ error[\s\S]*payments[\s\S]*declined[\s\S]*no funds/);
  await shown.nth(1).getByRole('button', { name: 'Span' }).click();
  assert.equal(await selectedRow(page), 'charge');
  assert.match(await page.getByLabel('Span details').innerText(), /declined/);
});

test('spans that come later appear in the open trace, and the selection stays', async (t) => {
  const { viewer, page } = await openTrace(t);
  await press(page, 'End');
  await send(viewer, { spanId: spanId(7), parentSpanId: spanId(6), name: 'late', startMs: 45, service: 'payments' });
  await page.locator('.span-row', { hasText: 'late' }).waitFor();
  assert.equal(await selectedRow(page), 'charge');
});

test('a link to a trace that is not here yet waits for it', async (t) => {
  const viewer = await testViewer(t);
  const page = await openPage(t);
  await page.goto(`${viewer.url}/trace/${TRACE}`);
  await page.getByText('This trace is not here yet').waitFor();
  await send(viewer, ...ORDER);
  await page.locator('.span-row').first().waitFor();
});

test('a trace of 10 000 spans draws only the rows in sight, and reaches the last by one key', async (t) => {
  const many = Array.from({ length: 10_000 }, (_, index): SpanSketch => {
    return {
      spanId: spanId(index + 1),
      name: `step ${index}`,
      startMs: index,
      ...(index === 0 ? { durationMs: 10_000 } : { parentSpanId: spanId(1) }),
    };
  });
  const { page } = await openTrace(t, many);
  assert.ok((await page.locator('.span-row').count()) < 100);
  assert.equal(await page.locator('.waterfall').getAttribute('aria-rowcount'), '10000');
  await press(page, 'End');
  assert.equal(await selectedRow(page), 'step 9999');
  assert.equal(await page.locator('.span-row.selected').isVisible(), true);
  await press(page, 'Home');
  assert.equal(await selectedRow(page), 'step 0');
});

const MARKUP = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"'><svg onload=window.hacked=1>`;

test('markup in every text that is received is shown as text', async (t) => {
  const viewer = await testViewer(t);
  const value = { stringValue: MARKUP };
  const attributes = [
    { key: MARKUP, value },
    { key: 'href', value: { stringValue: 'javascript:window.hacked=1' } },
  ];
  const span = {
    traceId: TRACE,
    spanId: spanId(1),
    name: MARKUP,
    traceState: MARKUP,
    startTimeUnixNano: `${START_MS}000000`,
    endTimeUnixNano: `${START_MS}900000`,
    attributes,
    events: [{ name: MARKUP, timeUnixNano: `${START_MS}000001`, attributes }],
    links: [{ traceId: MARKUP, spanId: MARKUP }],
    status: { code: 2, message: MARKUP },
  };
  const resource = { attributes: [{ key: 'service.name', value }, ...attributes] };
  const body = {
    resourceSpans: [{ resource, scopeSpans: [{ scope: { name: MARKUP, version: MARKUP }, spans: [span] }] }],
  };
  await post(`${viewer.otlpUrl}/v1/traces`, JSON.stringify(body));
  const line = {
    trace_id: TRACE,
    span_id: spanId(1),
    level: 50,
    name: MARKUP,
    msg: MARKUP,
    [MARKUP]: MARKUP,
    err: { message: MARKUP },
  };
  await post(`${viewer.url}/api/clew/logs`, JSON.stringify(line));
  const page = await openPage(t);
  await page.goto(viewer.url);
  assert.ok((await page.locator('.traces .row').innerText()).includes(MARKUP));
  await page.locator('.traces .row').click();
  await page.locator('.span-row').click();
  await page.locator('.logs summary').click();
  const text = await page.locator('main').innerText();
  assert.ok(text.split(MARKUP).length > 10, text);
  assert.equal(await page.locator('main img, main script, main svg, main iframe').count(), 0);
  assert.equal(await page.evaluate(() => 'hacked' in window), false);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the page follows the system: ${colorScheme}`, async (t) => {
    const viewer = await testViewer(t);
    await send(viewer, ...ORDER);
    const page = await openPage(t, { colorScheme });
    await page.goto(`${viewer.url}/trace/${TRACE}`);
    await page.locator('.span-row').first().waitFor();
    const lightness = await page.evaluate(() =>
      Number(/\d+/.exec(getComputedStyle(document.body).backgroundColor)?.[0]),
    );
    assert.equal(lightness > 128, colorScheme === 'light');
  });
}

test('at 320 pixels nothing is wider than the window', async (t) => {
  const viewer = await testViewer(t);
  await send(viewer, ...ORDER);
  const page = await openPage(t, { viewport: { width: 320, height: 640 } });
  for (const path of ['/', `/trace/${TRACE}`, `/trace/${OTHER_TRACE}`]) {
    await page.goto(viewer.url + path);
    await page.locator('.row, .span-row, h1').first().waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320, path);
  }
});

test('the help lists the keys, and Escape closes it', async (t) => {
  const { page } = await openTrace(t);
  await press(page, '?');
  const help = page.getByRole('dialog', { name: 'Keys' });
  await help.getByText('next or previous error').waitFor();
  await press(page, 'Escape');
  assert.equal(await help.isVisible(), false);
  assert.equal(await page.locator('.span-row').first().isVisible(), true);
});

test('the box in the bar opens a trace by its id', async (t) => {
  const viewer = await testViewer(t);
  await send(viewer, ...ORDER);
  const page = await openPage(t);
  await page.goto(viewer.url);
  await press(page, 'g');
  await page.keyboard.type(TRACE.toUpperCase());
  await press(page, 'Enter');
  await page.locator('.span-row').first().waitFor();
  assert.equal(page.url(), `${viewer.url}/trace/${TRACE}`);
});

test('when the viewer is gone the page says so', async (t) => {
  const viewer = await testViewer(t);
  const page = await openPage(t, {}, /ERR_CONNECTION_REFUSED/);
  await page.goto(viewer.url);
  await page.getByText('0 of 100,000 spans').waitFor();
  await viewer.close();
  await page.getByText('the viewer does not answer').waitFor();
});
