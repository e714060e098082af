/** What a request under way keeps in memory. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { startTracing } from '@clew/core';
import { collectGarbage } from './support/garbage.ts';
import { serve } from './support/servers.ts';
import { channels, tracedAgent, VERSIONS } from './support/versions.ts';

for (const [version, module] of VERSIONS) {
  for (const way of ['interceptor', 'channels'] as const) {
    test(`${version}, ${way}: a body that is still being read does not keep its span in memory`, async (t) => {
      const url = await serve(t, (_request, response) => void response.write('first part'));
      const spans: WeakRef<object>[] = [];
      const tracing = startTracing({ exporter: 'none', spanProcessors: [noting(spans)] });
      t.after(() => tracing.shutdown());
      if (way === 'channels') channels(t);
      const dispatcher = way === 'channels' ? new module.Agent() : tracedAgent(t, module);
      t.after(() => dispatcher.destroy());
      const { body } = await module.request(url, { dispatcher });
      body.on('error', () => {});
      await once(body, 'readable');
      await nextTurn();
      collectGarbage();
      assert.deepEqual(
        spans.map((span) => span.deref()),
        [undefined],
      );
      body.destroy();
    });
  }
}

/** A processor that keeps no span. */
function noting(spans: WeakRef<object>[]) {
  const nothing = async (): Promise<void> => {};
  return {
    onStart: () => {},
    onEnd: (span: object) => void spans.push(new WeakRef(span)),
    forceFlush: nothing,
    shutdown: nothing,
  };
}
