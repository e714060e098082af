/** One way to send a request: what the clients over plain sockets and over `node:http` have in common. */

/** The answer to a request. */
export interface PostReply {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Empty when it was larger than the limit. */
  readonly body: Buffer;
  readonly isTooLarge: boolean;
  /** Whether the request has left the process whole. */
  readonly isWritten: boolean;
}

/** Bounds of a client. */
export interface PostLimits {
  /** One attempt, connecting included. Milliseconds. */
  readonly timeoutMs: number;
  /** Connections at once that are kept for the next requests. */
  readonly concurrency: number;
  /** Of an answer's body. */
  readonly maxBytes: number;
}

/** Posts to one URL. */
export interface PostClient {
  /**
   * Post once. For an answer that breaks off behind the status of a success, the rest does not matter.
   *
   * @param signal  rejects with its reason
   * @throws TypeError for headers that are none, and what the connection fails with
   */
  post(body: Buffer, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<PostReply>;
  /** Close the connections that are kept, and keep none from now on. */
  close(): void;
}
