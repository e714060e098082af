import type { Variant, VariantOptions } from './variant.ts';

/**
 * Hooks of the shape that tracing needs, which do nothing.
 *
 * What this adds is the price of being called at all; no tracing of this framework can be cheaper.
 */
export function control({ framework }: Pick<VariantOptions, 'framework'>): Variant {
  const flush = async (): Promise<void> => {};
  if (framework === 'express') {
    return {
      middleware: [
        (_request, response, next) => {
          response.once('close', onClose);
          next();
        },
      ],
      flush,
    };
  }
  return {
    async register(app) {
      app.addHook('onRequest', (_request, reply, done) => {
        reply.raw.once('close', onClose);
        done();
      });
    },
    flush,
  };
}

function onClose(): void {}
