/** The same request sent to a running Jaeger and to the viewer: the same replies, whatever the version of Jaeger. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { comparable } from '../test/comparable.ts';
import { post, TRACE, testViewer } from '../test/sending.ts';

/** From the recorded request: its trace id, and the day it was recorded, which is too long ago for a search. */
const recorded = readFileSync(new URL('../test/fixtures/jaeger-replies.json', import.meta.url), 'utf8');
const RECORDED_MS = 1795233156;

function engine(name: 'JAEGER_QUERY_URL' | 'OTEL_EXPORTER_OTLP_ENDPOINT'): string {
  const url = process.env[name];
  assert.ok(
    url !== undefined && url !== '',
    `${name} is not set: these replies are compared with those of a running Jaeger`,
  );
  return url.replace(/\/$/, '');
}

test('a running Jaeger and the viewer answer alike', async (t) => {
  const jaeger = engine('JAEGER_QUERY_URL');
  const viewer = await testViewer(t);
  const traceId = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
  const service = `viewer-${traceId.slice(0, 8)}`;
  const now = String(Math.floor(Date.now() / 1000));
  const request = JSON.stringify(JSON.parse(recorded).request)
    .replaceAll(TRACE, traceId)
    .replaceAll('"gateway"', `"${service}"`)
    .replaceAll(String(RECORDED_MS), now);
  assert.equal((await post(`${engine('OTEL_EXPORTER_OTLP_ENDPOINT')}/v1/traces`, request)).status, 200);
  assert.equal((await post(`${viewer.otlpUrl}/v1/traces`, request)).status, 200);
  await untilFound(`${jaeger}/api/traces/${traceId}`);
  const paths = [
    `/api/traces/${traceId}`,
    `/api/traces/${traceId}?raw=true`,
    `/api/services/${service}/operations`,
    `/api/operations?service=${service}`,
    `/api/operations?service=${service}&spanKind=client`,
    `/api/traces?service=${service}`,
    `/api/traces?service=${service}&operation=ok&minDuration=4ms&maxDuration=4ms`,
    `/api/traces?service=${service}&tag=exception.type:E`,
    `/api/traces?service=${service}&tag=i:6`,
    `/api/traces?service=${service}&tags=${encodeURIComponent('{"i":"5"}')}`,
    '/api/traces/1',
    '/api/traces',
  ];
  for (const path of paths) {
    const [theirs, ours] = await Promise.all([jaeger, viewer.url].map(async (url) => (await fetch(url + path)).json()));
    assert.deepEqual(comparable(ours), comparable(theirs), path);
  }
});

/** Jaeger stores a moment after it has answered. */
async function untilFound(url: string): Promise<void> {
  const deadline = AbortSignal.timeout(30_000);
  while (!(await fetch(url, { signal: deadline })).ok) await new Promise((resolve) => setTimeout(resolve, 50));
}
