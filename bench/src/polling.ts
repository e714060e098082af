import { constants, setPriority } from 'node:os';

/**
 * Keeps this process from sleeping while it is asked: whoever writes to a process that sleeps pays for waking it, which
 * is most of a write. Needs a core that nothing else depends on.
 */
export class Polling {
  #turn: NodeJS.Immediate | undefined;

  start(): void {
    // The sink shares our core, and an exporter drops spans while it waits for its answer.
    setPriority(constants.priority.PRIORITY_LOW);
    if (this.#turn === undefined) this.#goOn();
  }

  stop(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
  }

  // With something to do in each turn, the event loop only looks for what has come and never waits for it.
  #goOn(): void {
    this.#turn = setImmediate(() => this.#goOn());
  }
}
