/** Waiting: for requests under way, and for a trace to be complete. */
import { ViewerError } from './errors.ts';
import { summaryOf } from './query/search.ts';
import { isTraceId } from './store/model.ts';
import type { StoredTrace, TraceStore } from './store/trace-store.ts';
import type { WaitForTraceOptions } from './types.ts';

/** Requests that are being received. */
export class Tracking {
  readonly #pending = new Set<Promise<unknown>>();

  /** Counts a piece of work until it settles. */
  track<Result>(work: Promise<Result>): Promise<Result> {
    this.#pending.add(work);
    const done = (): unknown => this.#pending.delete(work);
    work.then(done, done);
    return work;
  }

  /** Resolves when all that is under way now has settled. */
  async settled(): Promise<void> {
    // A request whose bytes wait in the socket is seen by the server within one turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.allSettled(this.#pending);
  }
}

const DEFAULT_TIMEOUT_MS = 5000;

/** Waits for traces of one store; {@link TraceWaits.cancel} ends those that are left. */
export class TraceWaits {
  readonly #store: TraceStore;
  readonly #cancels = new Set<() => void>();

  constructor(store: TraceStore) {
    this.#store = store;
  }

  /** The trace, as soon as it has what is asked for. */
  wait(traceId: string, options: WaitForTraceOptions = {}): Promise<StoredTrace> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const id = traceId.toLowerCase();
    check(id, options, timeoutMs);
    const ready = this.#ready(id, options);
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        unsubscribe();
        this.#cancels.delete(cancel);
      };
      const cancel = (): void => {
        finish();
        reject(new ViewerError('CLEW_ERR_CLOSED', `the viewer was closed while waiting for trace ${id}`));
      };
      const unsubscribe = this.#store.subscribe(() => {
        const trace = this.#ready(id, options);
        if (trace === undefined) return;
        finish();
        resolve(trace);
      });
      const timer = setTimeout(() => {
        finish();
        reject(
          new ViewerError('CLEW_ERR_TIMEOUT', `${missing(this.#store.get(id), id, options)} after ${timeoutMs} ms`),
        );
      }, timeoutMs);
      this.#cancels.add(cancel);
    });
  }

  cancel(): void {
    for (const cancel of this.#cancels) cancel();
  }

  #ready(traceId: string, { spans = 1, services = [] }: WaitForTraceOptions): StoredTrace | undefined {
    const trace = this.#store.get(traceId);
    if (trace === undefined || trace.spans.size < spans) return undefined;
    const present = services.length === 0 ? [] : serviceNames(trace);
    return services.every((service) => present.includes(service)) ? trace : undefined;
  }
}

function check(traceId: string, { spans = 1, services = [] }: WaitForTraceOptions, timeoutMs: number): void {
  const wrong = (message: string): ViewerError => new ViewerError('CLEW_ERR_OPTION', message);
  if (!isTraceId(traceId)) throw wrong(`traceId must be 32 hex digits, got "${traceId}"`);
  if (!Number.isInteger(spans) || spans < 1) throw wrong(`spans must be a whole number, 1 or more, got ${spans}`);
  if (!Array.isArray(services)) throw wrong(`services must be a list of names, got ${services}`);
  if (!(timeoutMs >= 0)) throw wrong(`timeoutMs must be 0 or more, got ${timeoutMs}`);
}

function missing(
  trace: StoredTrace | undefined,
  traceId: string,
  { spans = 1, services = [] }: WaitForTraceOptions,
): string {
  if (trace === undefined) return `trace ${traceId} has not arrived`;
  const present = serviceNames(trace);
  const absent = services.filter((service) => !present.includes(service));
  const from = absent.length === 0 ? '' : `, none from ${absent.join(', ')}`;
  return `trace ${traceId} has ${trace.spans.size} of ${spans} spans, from ${present.join(', ')}${from},`;
}

function serviceNames(trace: StoredTrace): string[] {
  return summaryOf(trace).services.map(({ name }) => name);
}
