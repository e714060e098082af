/** Routes on metrics where no span is recorded, which alone would tell where a request came in. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { collectMetrics, startBackend } from '@clew/testkit';
import { tracingMiddleware } from '../src/index.ts';
import { EXPRESS_VERSIONS, get, listen } from './support.ts';

for (const [name, express] of EXPRESS_VERSIONS) {
  test(`${name}, a request that is not sampled is measured with the whole route of a mounted application`, async (t) => {
    startBackend(t, 'clew', { sampler: 0 });
    const metrics = collectMetrics(t);
    const inner = express();
    inner.get('/users/:id', (_req, res) => {
      res.send('ok');
    });
    const router = express.Router();
    router.use('/v1', inner);
    const app = express();
    app.use(tracingMiddleware());
    app.use('/api', router);
    await get(`${await listen(t, app)}/api/v1/users/7`);
    const points = (await metrics.collect())['http.server.request.duration']?.points ?? [];
    assert.deepEqual(
      points.map(({ attributes, count }) => [attributes['http.route'], count]),
      [['/api/v1/users/:id', 1]],
    );
  });
}
