/** Metrics of the ways together: what is seen attempt by attempt is measured attempt by attempt, and nothing twice. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { collectMetrics, startBackend } from '@clew/testkit';
import { traceFetch, traceUndici } from '../src/index.ts';

for (const kind of ['clew', 'sdk'] as const) {
  test(`on ${kind}: a redirected fetch that the channels see is two measurements, and none is left active`, async (t) => {
    const server = createServer((request, response) => {
      if (request.url === '/old') response.writeHead(302, { location: '/new' }).end();
      else response.end('new');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const backend = startBackend(t, kind);
    const metrics = collectMetrics(t);
    const stop = traceUndici({ activeRequestsMetric: true });
    t.after(() => {
      stop();
      server.closeAllConnections();
      server.close();
    });
    const response = await traceFetch(fetch, { activeRequestsMetric: true })(`http://127.0.0.1:${port}/old`);
    assert.equal(await response.text(), 'new');
    await backend.take('GET');
    await backend.take('GET');
    const collected = await metrics.collect();
    const durations = collected['http.client.request.duration']?.points ?? [];
    assert.deepEqual(
      durations.map(({ attributes, count }) => [attributes['http.response.status_code'], count]),
      [
        [302, 1],
        [200, 1],
      ],
    );
    assert.deepEqual(
      collected['http.client.active_requests']?.points.map(({ sum }) => sum),
      [0],
    );
  });
}
