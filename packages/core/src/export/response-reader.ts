/**
 * Reads the answer to one HTTP/1.1 request from the bytes of its connection. Pure.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112 section 6, "Message Body"
 */

/** As much of an answer as an exporter looks at. */
export interface ResponseHead {
  readonly status: number;
  /** By names in lower case; of repeated ones the values are joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
}

type State = 'head' | 'length' | 'chunk' | 'chunk-data' | 'chunk-end' | 'trailers' | 'close' | 'done';

const MAX_HEAD_BYTES = 16 * 1024;
const MAX_LINE_BYTES = 4096;
const HEAD_END = '\r\n\r\n';
const LINE_END = '\r\n';
const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: [^\r\n]*)?$/;
const FIELD_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;
const SWITCHING_PROTOCOLS = 101;
const FIRST_FINAL_STATUS = 200;
const NO_CONTENT = 204;
const NOT_MODIFIED = 304;

/** Reads one answer, and says when it is whole. */
export class ResponseReader {
  /** What has been read of the body; empty when it is larger than the limit. */
  readonly body: Buffer[] = [];
  /** Bytes of the body that have arrived. */
  bytes = 0;
  head: ResponseHead | undefined;
  readonly #maxBytes: number;
  #state: State = 'head';
  // Of a head or line that has not arrived whole.
  #rest: Buffer = Buffer.alloc(0);
  #left = 0;
  #mayStay = false;

  /** @param maxBytes  of the body; more makes `isTooLarge` true and is not kept */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  get isTooLarge(): boolean {
    return this.bytes > this.#maxBytes;
  }

  /** Whether the connection can take another request: the answer was whole, and nothing came behind it. */
  get leavesConnection(): boolean {
    return this.isDone && this.#mayStay && this.#rest.length === 0;
  }

  /** @throws Error with a `code` for what is no HTTP */
  push(bytes: Buffer): void {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let before: number;
    do {
      before = rest.length;
      rest = this.#step(rest);
    } while (rest.length > 0 && (rest.length < before || this.#isInstant()));
    this.#rest = rest;
  }

  /** The other side has closed the connection. @returns whether the answer is whole */
  end(): boolean {
    if (this.#state === 'close') this.#state = 'done';
    return this.isDone;
  }

  // A state that needs no bytes to get on.
  #isInstant(): boolean {
    return this.#state === 'length' && this.#left === 0;
  }

  #step(bytes: Buffer): Buffer {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes);
      case 'length':
        return this.#readData(bytes, 'done');
      case 'chunk-data':
        return this.#readData(bytes, 'chunk-end');
      case 'chunk':
        return this.#readLine(bytes, (line) => this.#startChunk(line));
      case 'chunk-end':
        return this.#readLine(bytes, (line) => {
          if (line !== '') throw malformed('hpe_strict', 'a chunk is longer than its size says');
          this.#state = 'chunk';
        });
      case 'trailers':
        return this.#readLine(bytes, (line) => {
          if (line === '') this.#state = 'done';
        });
      case 'close':
        this.#left = bytes.length;
        return this.#readData(bytes, 'close');
      case 'done':
        return bytes;
    }
  }

  #readHead(bytes: Buffer): Buffer {
    const end = bytes.indexOf(HEAD_END, 0, 'latin1');
    if (end > MAX_HEAD_BYTES || (end < 0 && bytes.length > MAX_HEAD_BYTES)) {
      throw malformed('hpe_header_overflow', 'the head of an answer is longer than 16 KiB');
    }
    if (end < 0) {
      checkStart(bytes);
      return bytes;
    }
    const { status, minor, headers } = parseHead(bytes.toString('latin1', 0, end));
    const rest = bytes.subarray(end + HEAD_END.length);
    // Interim answers come before the final one.
    if (status < FIRST_FINAL_STATUS && status !== SWITCHING_PROTOCOLS) return rest;
    const wish = (headers.connection ?? '').toLowerCase();
    this.#mayStay = minor === '0' ? wish.includes('keep-alive') : !wish.includes('close');
    this.#chooseBody(status, headers);
    // Not before all of it has been understood.
    this.head = { status, headers };
    return rest;
  }

  #chooseBody(status: number, headers: Readonly<Record<string, string>>): void {
    const { 'transfer-encoding': encoding, 'content-length': length } = headers;
    if (status === SWITCHING_PROTOCOLS || status === NO_CONTENT || status === NOT_MODIFIED) {
      this.#mayStay &&= status !== SWITCHING_PROTOCOLS;
      this.#state = 'done';
    } else if (encoding !== undefined) {
      // Both of them may be an attempt to smuggle something past a proxy.
      this.#mayStay &&= length === undefined;
      this.#state = /(?:^|,)[ \t]*chunked$/i.test(encoding) ? 'chunk' : 'close';
    } else if (length !== undefined) {
      this.#left = readLength(length);
      this.#state = this.#left === 0 ? 'done' : 'length';
    } else {
      this.#state = 'close';
    }
    if (this.#state === 'close') this.#mayStay = false;
  }

  #startChunk(line: string): void {
    const size = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?$/i.exec(line)?.[1];
    if (size === undefined) throw malformed('hpe_invalid_chunk_size', 'a chunk has no size');
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk-data';
  }

  #readData(bytes: Buffer, after: State): Buffer {
    const part = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= part.length;
    this.bytes += part.length;
    if (this.isTooLarge) this.body.length = 0;
    else if (part.length > 0) this.body.push(part);
    if (this.#left === 0) this.#state = after;
    return bytes.subarray(part.length);
  }

  #readLine(bytes: Buffer, use: (line: string) => void): Buffer {
    const end = bytes.indexOf(LINE_END, 0, 'latin1');
    if (end > MAX_LINE_BYTES || (end < 0 && bytes.length > MAX_LINE_BYTES)) {
      throw malformed('hpe_header_overflow', 'a line between chunks is longer than 4 KiB');
    }
    if (end < 0) return bytes;
    use(bytes.toString('latin1', 0, end));
    return bytes.subarray(end + LINE_END.length);
  }
}

// What cannot become an answer any more is refused at once: nobody may send the end of its head.
function checkStart(bytes: Buffer): void {
  const wanted = 'HTTP/1.';
  const length = Math.min(bytes.length, wanted.length);
  if (bytes.toString('latin1', 0, length) !== wanted.slice(0, length)) {
    throw malformed('hpe_invalid_constant', 'an answer does not begin like HTTP/1.1');
  }
}

function parseHead(text: string): { status: number; minor: string; headers: Record<string, string> } {
  const [first = '', ...lines] = text.split(LINE_END);
  const [, minor, status] = STATUS_LINE.exec(first) ?? [];
  if (minor === undefined) throw malformed('hpe_invalid_constant', 'an answer does not begin like HTTP/1.1');
  // No prototype: `__proto__` is an ordinary name here.
  const headers = Object.create(null) as Record<string, string>;
  for (const line of lines) {
    const [, name, value = ''] = FIELD_LINE.exec(line) ?? [];
    if (name === undefined) throw malformed('hpe_invalid_header_token', 'an answer has a header line that is none');
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  return { status: Number(status), minor, headers };
}

// One that is given twice is refused too, as `node:http` does.
function readLength(text: string): number {
  if (!/^\d{1,15}$/.test(text)) {
    throw malformed('hpe_invalid_content_length', 'an answer has a Content-Length that is none');
  }
  return Number(text);
}

function malformed(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
