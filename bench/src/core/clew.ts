import type { IncomingMessage, ServerResponse } from 'node:http';

import { replaceHttpRequest } from './null-transport.ts';
import { type Serve, serveByHand } from './server-request.ts';
import type { Implementation } from './variant.ts';
import { refusing } from '../http/refusing.ts';

/** Clew with its defaults, its batches and its encoder; the socket alone is replaced. */
export async function clew(ratio: 0 | 1): Promise<Implementation> {
  const sent = replaceHttpRequest();
  const { context, propagation, startTracing, trace } = await import('@clew/core');
  const tracing = startTracing({ serviceName: 'bench', endpoint: 'http://127.0.0.1:9', ...refusing(ratio) });
  const tracer = tracing.provider.getTracer('bench');
  const flush = async (): Promise<void> => {
    await tracing.forceFlush();
  };
  tracer.startSpan('first').end();
  await flush();
  // Without the replacement nothing would listen on port 9, and what is measured would be an outage.
  if (sent.posts !== ratio) throw new Error(`${sent.posts} batches came to the replaced transport`);
  return { tracer, trace, context, propagation, serve: await tracedServer(), flush };
}

/** What `@clew/express` does for a request, without the routes of Express: they are in the benchmark of that name. */
async function tracedServer(): Promise<Serve> {
  const { HttpServerTracing } = await import('@clew/core/http');
  const server = new HttpServerTracing<IncomingMessage, ServerResponse>(
    { name: 'bench', version: '1.0.0' },
    (routes) => {
      const route = routes.get('/users/:id');
      return { target: (req) => req.url ?? '/', forwarded: () => undefined, routeAtEnd: () => route };
    },
    'bench',
    {},
  );
  return serveByHand(({ req, res }, answer) => {
    const active = server.start(req, res, req, res);
    if (active === undefined) throw new Error('the request got no span');
    server.tracing.run(active, answer);
  });
}
