// Keeps the latest log lines of all services and hands them to the viewer, which shows them beside their spans.

/** More than one order writes, by far. */
const MAX_KEPT_LINES = 2_000;
const SEND_DELAY_MS = 200;

/** A log line of a service, as far as the demo reads it. */
export interface LogLine {
  name: string;
  level: number;
  time: number;
  msg: string;
  trace_id?: string;
  span_id?: string;
  /** The customer's tier, which `fulfilment` knows from baggage. */
  tier?: string;
}

export class LogLines {
  readonly #kept: LogLine[] = [];
  readonly #url: string | undefined;
  #waiting: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param url  takes lines by POST; `undefined` when there is no such place */
  constructor(url: string | undefined) {
    this.#url = url;
  }

  /** Take one line as a service wrote it; what is not JSON is shown to the user. */
  add(line: string): void {
    const parsed = parseLine(line);
    if (parsed === undefined) {
      console.log(line);
      return;
    }
    this.#kept.push(parsed);
    if (this.#kept.length > MAX_KEPT_LINES) this.#kept.shift();
    if (this.#url === undefined) return;
    this.#waiting.push(line);
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#send(), SEND_DELAY_MS).unref();
  }

  /** The lines with this trace id, in the order in which they arrived. */
  ofTrace(traceId: string): LogLine[] {
    return this.#kept.filter((line) => line.trace_id === traceId);
  }

  #send(): void {
    this.#timer = undefined;
    const body = this.#waiting.join('\n');
    this.#waiting = [];
    if (this.#url === undefined) return;
    // Lines are shown for convenience: losing some is no reason to stop the shop.
    fetch(this.#url, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body }).catch(() => {});
  }
}

function parseLine(line: string): LogLine | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
