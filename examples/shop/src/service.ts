// What the four services have in common: settings, being ready, being asked to end, and saying in one sentence why not.

import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const CLOSE_IDLE_MS = 50;

/** The address to listen on: loopback unless a container needs `0.0.0.0`. */
export const host: string = process.env.HOST ?? '127.0.0.1';

/**
 * The port to listen on, from `PORT`.
 *
 * @param usual  the port when `PORT` is not set; 0 in `PORT` means any free one
 */
export function portOr(usual: number): number {
  return Number(process.env.PORT ?? usual);
}

/**
 * Wait for something without which the service cannot run; when it fails, say so in one sentence and exit with 1.
 *
 * @param sentence  how the sentence begins, for example `orders cannot reach PostgreSQL`
 * @param attempt  connecting, or listening
 */
export async function orExit<T>(sentence: string, attempt: Promise<T>): Promise<T> {
  try {
    return await attempt;
  } catch (error) {
    console.error(`${sentence}: ${reason(error)}.`);
    process.exit(1);
  }
}

/** The innermost cause, since `AggregateError` (several addresses) and kafkajs's retries say little themselves. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  return inner instanceof Error ? reason(inner) : error.message || error.name;
}

/**
 * Start listening.
 *
 * @returns the server's URL
 * @throws what the server failed with, for example `EADDRINUSE`
 */
export function listen(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(`http://${host}:${(server.address() as AddressInfo).port}`));
  });
}

/** Stop listening, and wait until the requests under way are answered. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // A connection that is kept alive becomes idle after its answer, and the server would wait for its time-out.
    const timer = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_MS);
    server.close(() => {
      clearInterval(timer);
      resolve();
    });
  });
}

/**
 * Tell the process that started us, if it listens, that we are ready.
 *
 * @param url  where we answer; left out by a service that only consumes
 */
export function announce(url?: string): void {
  process.send?.({ ready: true, url });
}

/**
 * Run `end` once when this process is asked to end, or when the process that started us is gone; then exit.
 *
 * @param end  closes servers and connections first and shuts tracing down last, so that their spans are sent too
 */
export function onShutdown(end: () => Promise<unknown>): void {
  let ending = false;
  const shutdown = () => {
    if (ending) return;
    ending = true;
    end().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGINT', shutdown).on('SIGTERM', shutdown).on('disconnect', shutdown);
}
