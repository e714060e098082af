import { setTimeout as sleep } from 'node:timers/promises';

/** What has spans to send. */
export interface Flushed {
  /** Send every span that has ended. */
  flush(): Promise<void>;
}

/** Wait until no request is under way and no span waits, so that a window pays for its own spans and no others. */
export async function settle(variant: Flushed): Promise<void> {
  await sleep(20);
  await variant.flush();
  // A batch that the timer had already handed over is not waited for by the official SDK's flush.
  await sleep(50);
}
