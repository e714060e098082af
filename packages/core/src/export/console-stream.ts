/** Writing to standard output, or a stream in its place, without harm to the application. */

/** The part of a writable stream that is used. */
export interface ConsoleStream {
  write(text: string, callback?: (error?: Error | null) => void): unknown;
  readonly isTTY?: boolean;
  /** Width of the terminal. */
  readonly columns?: number;
  once?(event: 'error', listener: () => void): unknown;
  removeListener?(event: 'error', listener: () => void): unknown;
  listenerCount?(event: 'error'): number;
}

/**
 * Write a text.
 *
 * @param done  called once, when the text has gone or with the error why not
 * @throws what the stream's `write` throws
 */
export function writeGuarded(stream: ConsoleStream, text: string, done: (error: Error | undefined) => void): void {
  // Like Node's own console: an error event that nobody listens to would end the process, and it can come while
  // `write` runs (files, terminals) or behind its callback (pipes, sockets).
  const hasListeners = () => stream.listenerCount === undefined || stream.listenerCount('error') > 0;
  const isGuarded = !hasListeners();
  if (isGuarded) stream.once?.('error', ignore);
  try {
    stream.write(text, (error) => {
      const failed = error !== undefined && error !== null;
      if (failed && !hasListeners()) stream.once?.('error', ignore);
      done(failed ? error : undefined);
    });
  } finally {
    if (isGuarded) stream.removeListener?.('error', ignore);
  }
}

function ignore(): void {}
