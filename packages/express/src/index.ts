/** Tracing for Express: one SERVER span per request, named by its route. */
export { tracingErrorMiddleware, tracingMiddleware } from './tracing-middleware.ts';
export type {
  ExpressRequest,
  TracingErrorMiddleware,
  TracingMiddleware,
  TracingMiddlewareOptions,
} from './types.ts';
