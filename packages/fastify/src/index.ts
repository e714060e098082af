/** Tracing for Fastify: one SERVER span per request, named by its route. */
export { tracingPlugin, tracingPlugin as default } from './tracing-plugin.ts';
export type { TracedReply, TracedRequest, TracingPluginOptions } from './types.ts';
