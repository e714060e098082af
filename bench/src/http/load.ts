import { Polling } from '../polling.ts';
import { LoadConnection } from './load-connection.ts';

const MS_PER_SECOND = 1000;

type Handler = (details: Record<string, unknown>) => Promise<object> | object;

/** Answers to the parent's questions that put a server under load for a window, as often as it is asked. */
export function loadHandlers(): Record<'connect' | 'load', Handler> {
  const load = new Load();
  return {
    // Connecting is no part of a window.
    connect: ({ url, connections }) => load.connect(new URL(String(url)), Number(connections)),
    load: ({ seconds, polls }) => load.run(Number(seconds), polls === true),
  };
}

class Load {
  readonly #polling = new Polling();
  #connections: LoadConnection[] = [];
  #isOver = true;
  #unanswered = 0;
  #end: ((error?: Error) => void) | undefined;

  connect(target: URL, count: number): object {
    for (const connection of this.#connections) connection.close();
    const answered = (connection: LoadConnection, error?: Error): void => this.#answered(connection, error);
    this.#connections = Array.from({ length: count }, (_, i) => new LoadConnection(target, i * 300, answered));
    return {};
  }

  /** @param polls  never sleep until it is over */
  async run(seconds: number, polls: boolean): Promise<object> {
    this.#isOver = false;
    this.#unanswered = this.#connections.length;
    const ended = new Promise<void>((resolve, reject) => {
      this.#end = (error) => {
        this.#end = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
    });
    for (const connection of this.#connections) connection.ask();
    if (polls) this.#polling.start();
    const timer = setTimeout(() => {
      this.#isOver = true;
    }, seconds * MS_PER_SECOND);
    await ended.finally(() => {
      clearTimeout(timer);
      this.#polling.stop();
    });
    return {};
  }

  #answered(connection: LoadConnection, error: Error | undefined): void {
    if (error !== undefined) {
      this.#isOver = true;
      this.#end?.(error);
    } else if (!this.#isOver) connection.ask();
    else if (--this.#unanswered === 0) this.#end?.();
  }
}
