/** What the tests use of pg-cursor, which has no types of its own. */
declare module 'pg-cursor' {
  import type { EventEmitter } from 'node:events';

  type Read<R> = (error: Error | undefined, rows: R[]) => void;

  export default class Cursor<R = unknown> extends EventEmitter {
    constructor(text: string, values?: unknown[], config?: object);
    submit(connection: unknown): void;
    read(rowCount: number): Promise<R[]>;
    read(rowCount: number, callback: Read<R>): void;
    close(): Promise<void>;
    close(callback: () => void): void;
  }
}
