/** Remembers what samplers that change the intents of others have made of them: most samplers have one or two. */
import type { Intent } from './intent.ts';

/** From an intent to another one that is made of it; holds no intent alive. */
export class IntentCache {
  readonly #make: (intent: Intent) => Intent;
  readonly #made = new WeakMap<Intent, Intent>();
  #last: Intent | undefined = undefined;
  #lastMade: Intent | undefined = undefined;

  constructor(make: (intent: Intent) => Intent) {
    this.#make = make;
  }

  get(intent: Intent): Intent {
    if (intent === this.#last && this.#lastMade !== undefined) return this.#lastMade;
    let made = this.#made.get(intent);
    if (made === undefined) {
      made = this.#make(intent);
      this.#made.set(intent, made);
    }
    this.#last = intent;
    this.#lastMade = made;
    return made;
  }
}
