/** Nothing is left of a request that is over: no listener, no timer, no reference. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { EventEmitter } from 'node:events';
import test from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startBackend } from '@clew/testkit';
import { tracingErrorMiddleware, tracingMiddleware } from '../src/index.ts';
import { EXPRESS_VERSIONS, listen } from './support.ts';

setFlagsFromString('--expose-gc');
// What the flag adds to new contexts only.
const collectGarbage = runInNewContext('gc') as () => void;

const REQUESTS = 60;

function listeners(emitter: EventEmitter): number {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
}

for (const [name, express] of EXPRESS_VERSIONS) {
  for (const middlewareSpans of [false, true]) {
    const how = middlewareSpans ? 'with' : 'without';
    test(`${name}, ${how} spans of middlewares, requests on one connection leave nothing behind`, async (t) => {
      const backend = startBackend(t, 'clew');
      const app = express().set('env', 'test');
      app.use(tracingMiddleware({ middlewareSpans }));
      for (let i = 0; i < 12; i++) app.use((_req, _res, next) => next());
      const counts: number[] = [];
      const responses: WeakRef<object>[] = [];
      const sockets = new Set<unknown>();
      const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
      const activeTimers: number[] = [];
      app.get('/users/:id', (req, res, next) => {
        sockets.add(req.socket);
        responses.push(new WeakRef(res), new WeakRef(req));
        counts.push(listeners(req.socket) + listeners(req) + listeners(res) + listeners(process));
        activeTimers.push(timers());
        if (req.params.id === '5') next(new Error('five'));
        else res.send('ok');
      });
      app.use(tracingErrorMiddleware());
      const url = await listen(t, app);
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      t.after(() => agent.destroy());
      for (let i = 0; i < REQUESTS; i++) {
        const [response] = await once(http.get(`${url}/users/${i}`, { agent }), 'response');
        await once(response.resume(), 'end');
        await backend.take('SERVER');
        backend.all();
      }
      assert.equal(sockets.size, 1);
      // The first request of a connection still has listeners of its set-up.
      assert.deepEqual([...new Set(counts.slice(2))], [counts[2]]);
      assert.deepEqual([...new Set(activeTimers.slice(2))], [activeTimers[2]]);
      // The connection itself keeps its last request.
      const isLeft = (): number => responses.slice(0, -4).filter((one) => one.deref() !== undefined).length;
      for (let i = 0; i < 20 && isLeft() > 0; i++) {
        await nextTurn();
        collectGarbage();
      }
      assert.equal(isLeft(), 0);
    });
  }
}
