/** Listening to undici's diagnostics channels. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describeError, reportFault } from '@clew/core';

/**
 * Call `handle` for each message of a channel.
 *
 * @returns the end of it
 */
export function subscribeGuarded<M>(channel: string, handle: (message: M) => void): () => void {
  const guarded = (message: unknown): void => {
    // What a subscriber throws becomes an uncaught exception of the process.
    try {
      // undici's channels carry what its documentation says.
      handle(message as M);
    } catch (error) {
      reportFault('http_client', `an event of undici could not be traced: ${describeError(error)}`);
    }
  };
  subscribe(channel, guarded);
  return () => void unsubscribe(channel, guarded);
}
