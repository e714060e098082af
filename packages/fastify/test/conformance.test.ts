/** The suite of all HTTP server packages, on every supported Fastify. */
import { type HttpServerLibrary, httpServerSuite, type SuiteHandler } from '@clew/testkit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { tracingPlugin } from '../src/index.ts';
import { FASTIFY_VERSIONS, type MakeFastify } from './support.ts';

function libraryOf(fastify: MakeFastify): HttpServerLibrary {
  return {
    scope: '@clew/fastify',
    async create(handle, options) {
      const app = fastify({ bodyLimit: 1024 * 1024 });
      if (options !== undefined) app.register(tracingPlugin, options);
      const route = routeOf(handle);
      app.get('/users/:id', route);
      app.post('/users/:id', route);
      await app.ready();
      return {
        server: app.server,
        async close() {
          app.server.closeAllConnections();
          await app.close();
          // Fastify closes a server only when it has started it.
          if (app.server.listening) await new Promise((resolve) => app.server.close(resolve));
        },
      };
    },
  };
}

function routeOf(handle: SuiteHandler) {
  return (request: FastifyRequest, reply: FastifyReply): unknown => {
    const result = handle({
      params: request.params as Record<string, string>,
      request: request.raw,
      response: reply.raw,
      send(status, body) {
        // A header that a case has set on Node.js's response goes the library's way.
        const type = reply.raw.getHeader('content-type') ?? 'text/plain';
        reply.code(status).header('content-type', type).send(body);
      },
    });
    return result instanceof Promise ? result.then(() => reply) : undefined;
  };
}

for (const [name, fastify] of FASTIFY_VERSIONS) httpServerSuite(name, libraryOf(fastify));
