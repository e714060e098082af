/** Listening and closing, for both ports. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { ViewerError } from './errors.ts';
import type { PortWish } from './options.ts';

/** How many ports after a taken default one are tried. */
const TRIES = 50;
/** How long a request under way may take at `close`. Milliseconds. */
const CLOSE_GRACE_MS = 500;

export interface ListenOptions {
  readonly host: string;
  readonly unref: boolean;
  /** What the port is for, in messages. */
  readonly purpose: string;
}

/**
 * Starts a server on the wished port; a taken default port gives way to the next free one, with one line on stderr.
 *
 * @throws ViewerError with the system's code, when the port was given and cannot be had
 */
export async function listen(listener: RequestListener, wish: PortWish, options: ListenOptions): Promise<Server> {
  const last = wish.isDefault ? wish.port + TRIES : wish.port;
  for (let port = wish.port; ; port++) {
    try {
      const server = await listenOn(listener, port, options);
      if (port !== wish.port) {
        process.stderr.write(`clew-viewer: port ${wish.port} (${options.purpose}) is taken, using ${port}\n`);
      }
      return server;
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EADDRINUSE' && port < last) continue;
      throw new ViewerError(code, listenMessage(code, port, options), { cause: error });
    }
  }
}

/** The base URL that a listening server answers at. */
export function urlOf(server: Server): string {
  // A TCP server that listens has an AddressInfo; a string is for pipes, null for one that does not.
  const { address, family, port } = server.address() as AddressInfo;
  const host = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address;
  return `http://${family === 'IPv6' && host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Stops listening, lets requests under way end for a moment, then cuts what is left. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function listenOn(listener: RequestListener, port: number, { host, unref }: ListenOptions): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(listener);
    if (unref) {
      server.unref();
      server.on('connection', (socket) => socket.unref());
    }
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'CLEW_ERR_LISTEN';
}

function listenMessage(code: string, port: number, { host, purpose }: ListenOptions): string {
  const what = `cannot listen on ${host} port ${port} (${purpose})`;
  if (code === 'EADDRINUSE') return `${what}: another program has it; give another port, or 0 for any free one`;
  return `${what}: ${code}`;
}
