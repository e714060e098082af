import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpanKind } from '@opentelemetry/api';
import { AttributeGroup, type AttributeSource } from '../../src/attributes.ts';
import { ROOT } from '../../src/context.ts';
import { PluginTracing } from '../../src/plugin.ts';
import type { Sampler } from '../../src/sampler/types.ts';
import { collectSpans } from '../../src/testing/index.ts';

class CountingSource implements AttributeSource {
  asked = 0;
  startAttributes(): unknown[] {
    this.asked++;
    return ['url.path', '/a'];
  }
  startGroup(): AttributeGroup {
    return new AttributeGroup(['http.request.method', 'GET']);
  }
}

test('attributes of a source are worked out once for a recorded span', async (t) => {
  const spans = collectSpans(t);
  const source = new CountingSource();
  new PluginTracing({ name: 'test', version: '1' }, spans.tracing.provider)
    .startSpanFrom('GET', SpanKind.SERVER, ROOT, source)
    .end();
  const span = await spans.take('SERVER');
  assert.deepEqual(span.attributes, { 'http.request.method': 'GET', 'url.path': '/a' });
  assert.equal(source.asked, 1);
});

test('and never for one that is not sampled by its ids', (t) => {
  const spans = collectSpans(t, { sampler: 0 });
  const source = new CountingSource();
  const span = new PluginTracing({ name: 'test', version: '1' }, spans.tracing.provider).startSpanFrom(
    'GET',
    SpanKind.SERVER,
    ROOT,
    source,
  );
  assert.equal(span.isRecording(), false);
  assert.equal(source.asked, 0);
});

test('a sampler that wants attributes gets them, and they are worked out once', async (t) => {
  const seen: unknown[] = [];
  const sampler: Sampler = {
    shouldSample: (_context, _traceId, _name, _kind, attributes) => {
      seen.push({ ...attributes });
      return { decision: 2 };
    },
    toString: () => 'seeing',
  };
  const spans = collectSpans(t, { sampler });
  const source = new CountingSource();
  new PluginTracing({ name: 'test', version: '1' }, spans.tracing.provider)
    .startSpanFrom('GET', SpanKind.SERVER, ROOT, source)
    .end();
  await spans.take('SERVER');
  assert.deepEqual(seen, [{ 'http.request.method': 'GET', 'url.path': '/a' }]);
  assert.equal(source.asked, 1);
});
