/** The suite of all HTTP server packages, on every supported Express. */
import http from 'node:http';
import { pipeline } from 'node:stream';
import { type HttpServerLibrary, httpServerSuite, type SuiteHandler } from '@clew/testkit';
import type { NextFunction, Request, Response } from 'express';
import { tracingErrorMiddleware, tracingMiddleware } from '../src/index.ts';
import { closeServer, EXPRESS_VERSIONS, type ExpressModule, isExpress5 } from './support.ts';

function libraryOf(express: ExpressModule, handlesPromises: boolean): HttpServerLibrary {
  return {
    scope: '@clew/express',
    async create(handle, options) {
      const app = express();
      app.set('env', 'test');
      if (options !== undefined) app.use(tracingMiddleware(options));
      const route = routeOf(handle, handlesPromises);
      app.get('/users/:id', route);
      app.post('/users/:id', express.json({ limit: '1mb' }), route);
      if (options !== undefined) app.use(tracingErrorMiddleware());
      const server = http.createServer(app);
      return { server, close: () => closeServer(server) };
    },
  };
}

function routeOf(handle: SuiteHandler, handlesPromises: boolean) {
  return (req: Request, res: Response, next: NextFunction): unknown => {
    const result = handle({
      params: req.params as Record<string, string>,
      request: req,
      response: res,
      send(status, body) {
        res.status(status);
        if (typeof body === 'string') res.type('text').send(body);
        else pipeline(body, res, () => undefined);
      },
    });
    if (handlesPromises) return result;
    // Express 4 leaves rejections to the application.
    if (result instanceof Promise) result.catch(next);
    return undefined;
  };
}

for (const [name, express] of EXPRESS_VERSIONS) httpServerSuite(name, libraryOf(express, isExpress5(name)));
