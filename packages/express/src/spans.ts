/** Where Express keeps what spans are made of. */
import type { IncomingMessage } from 'node:http';
import type { Forwarded } from '@clew/core/http';
import type { Request } from './shape.ts';

/**
 * What trusted proxies say of a request, by the application's `trust proxy` setting of this moment.
 *
 * Express's own getters are not used while the setting is off: they cost more than the rest of the span.
 *
 * @throws what the application's trust function throws
 */
export function readForwarded(req: Request): Forwarded | undefined {
  const settings = req.app?.settings;
  if (settings === undefined || !settings['trust proxy']) return undefined;
  const isTrusted = settings['trust proxy fn'];
  if (typeof isTrusted !== 'function') return undefined;
  const peerIsTrusted = isTrusted(req.socket.remoteAddress, 0) === true;
  return {
    scheme: peerIsTrusted ? firstOf(req, 'x-forwarded-proto') : undefined,
    // Express 4 has no getter for a host with its port, so the header is read here for all versions.
    host: peerIsTrusted ? firstOf(req, 'x-forwarded-host') : undefined,
    clientAddress: req.ip,
  };
}

function firstOf(req: IncomingMessage, name: string): string | undefined {
  const header = req.headers[name];
  if (typeof header !== 'string') return undefined;
  const comma = header.indexOf(',');
  const first = (comma < 0 ? header : header.slice(0, comma)).trim();
  return first === '' ? undefined : first;
}

// router 2.3 and newer notes here, for each request, the errors that went through `next`, whether anybody listens to
// its channel or not.
const SEEN_ERRORS = Symbol.for('router.tracing.publishedErrors');

/** The last error that went through a router, if the router keeps them. */
export function lastRouterError(req: IncomingMessage): unknown {
  const seen = (req as { [SEEN_ERRORS]?: unknown })[SEEN_ERRORS];
  if (!(seen instanceof Set)) return undefined;
  let last: unknown;
  for (const error of seen) last = error;
  return last;
}
