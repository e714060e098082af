// Process that puts a server under load for a window, as often as it is asked to.
import { answerParent } from '../child.ts';
import { LoadConnection } from './load-connection.ts';

const MS_PER_SECOND = 1000;
let connections: LoadConnection[] = [];
let isOver = true;
let unanswered = 0;
let onEnd: ((error?: Error) => void) | undefined;

answerParent({
  // Connecting is no part of a window.
  connect: ({ url, connections: count }) => {
    for (const connection of connections) connection.close();
    const target = new URL(String(url));
    connections = Array.from({ length: Number(count) }, (_, i) => new LoadConnection(target, i * 300, answered));
    return {};
  },
  load: async ({ seconds }) => {
    isOver = false;
    unanswered = connections.length;
    const ended = new Promise<void>((resolve, reject) => {
      onEnd = (error) => (error === undefined ? resolve() : reject(error));
    });
    for (const connection of connections) connection.ask();
    const timer = setTimeout(() => {
      isOver = true;
    }, Number(seconds) * MS_PER_SECOND);
    await ended.finally(() => clearTimeout(timer));
    return {};
  },
});

function answered(connection: LoadConnection, error?: Error): void {
  if (error !== undefined) {
    isOver = true;
    onEnd?.(error);
  } else if (!isOver) connection.ask();
  else if (--unanswered === 0) onEnd?.();
}
