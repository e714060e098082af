import { connect, type Socket } from 'node:net';

const END_OF_HEAD = '\r\n\r\n';
const LENGTH = /\r\ncontent-length: (\d+)\r\n/i;
const IDS = 10_000;

/** Called when the answer to a request is complete, or with the reason why it never will be. */
export type OnAnswer = (connection: LoadConnection, error?: Error) => void;

/**
 * A connection that asks a server for `GET /users/<id>`, one request at a time.
 *
 * Ids change so that nobody can win by caching what belongs to one URL. Answers are looked at as little as possible,
 * because what makes the load has to be quicker than what is under it.
 */
export class LoadConnection {
  readonly #socket: Socket;
  readonly #host: string;
  readonly #onAnswer: OnAnswer;
  #id: number;
  #answer = '';
  /** Length of the whole answer, 0 until its head is here. */
  #length = 0;

  /** @param id  what to begin behind, so that connections ask for different ones */
  constructor({ hostname, port, host }: URL, id: number, onAnswer: OnAnswer) {
    this.#host = host;
    this.#id = id;
    this.#onAnswer = onAnswer;
    this.#socket = connect(Number(port), hostname).setNoDelay(true).setEncoding('latin1');
    this.#socket.on('data', (text: string) => this.#take(text));
    this.#socket.on('error', (error) => onAnswer(this, error));
  }

  /** Send the next request. */
  ask(): void {
    this.#id = (this.#id % IDS) + 1;
    this.#socket.write(`GET /users/${this.#id} HTTP/1.1\r\nHost: ${this.#host}\r\n\r\n`, 'latin1');
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#answer += text;
    if (this.#length === 0) this.#length = this.#readLength();
    if (this.#length === 0 || this.#answer.length < this.#length) return;
    this.#answer = '';
    this.#length = 0;
    this.#onAnswer(this);
  }

  #readLength(): number {
    const end = this.#answer.indexOf(END_OF_HEAD);
    if (end === -1) return 0;
    const length = LENGTH.exec(this.#answer.slice(0, end + 2))?.[1];
    if (length === undefined || !this.#answer.startsWith('HTTP/1.1 200 ')) {
      this.#onAnswer(this, new Error(`an answer that is not 200 or of no length: ${this.#answer.slice(0, end)}`));
      return 0;
    }
    return end + END_OF_HEAD.length + Number(length);
  }
}
