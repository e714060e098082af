/**
 * What a handler is given in the place of undici's controller. A handler keeps its controller, and from it everything else
 * of a request can be reached: sockets' buffers, headers, other handlers. Where V8 has put the handler into the old space,
 * as it does when many of its kind have survived, all of it waits there for a full collection. The stand-in lets go.
 */

/** `DispatchController` of undici 7 and 8. */
interface Controller {
  readonly aborted: boolean;
  readonly paused: boolean;
  readonly reason: unknown;
  rawHeaders: unknown;
  rawTrailers: unknown;
  pause(): void;
  resume(): void;
  abort(reason?: unknown): void;
}

/** What undici's controller says and does when its request is over: it keeps in mind what it is told. */
class Ended implements Controller {
  aborted: boolean;
  paused = false;
  reason: unknown;
  rawHeaders: unknown;
  rawTrailers: unknown;

  constructor({ aborted, reason, rawHeaders, rawTrailers }: Controller) {
    this.aborted = aborted;
    this.reason = reason;
    this.rawHeaders = rawHeaders;
    this.rawTrailers = rawTrailers;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  abort(reason?: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
  }
}

/** Passes everything on to undici's controller, and after the end of the request to what is left of it. */
export class ControllerStandIn implements Controller {
  target: Controller;

  constructor(target: Controller) {
    this.target = target;
  }

  get aborted(): boolean {
    return this.target.aborted;
  }

  get paused(): boolean {
    return this.target.paused;
  }

  get reason(): unknown {
    return this.target.reason;
  }

  get rawHeaders(): unknown {
    return this.target.rawHeaders;
  }

  set rawHeaders(value: unknown) {
    this.target.rawHeaders = value;
  }

  get rawTrailers(): unknown {
    return this.target.rawTrailers;
  }

  set rawTrailers(value: unknown) {
    this.target.rawTrailers = value;
  }

  pause(): void {
    this.target.pause();
  }

  resume(): void {
    this.target.resume();
  }

  abort(reason?: unknown): void {
    this.target.abort(reason);
  }

  /** The request is over. */
  letGo(): void {
    // A reader that has stopped would be left waiting.
    if (!this.target.paused) this.target = new Ended(this.target);
  }
}

const MEMBERS = ['aborted', 'paused', 'reason', 'rawHeaders', 'rawTrailers', 'pause', 'resume', 'abort'];

// Of the controllers seen last, all of whose members we have.
let knownPrototype: object | undefined;

/** @returns `undefined` for a controller that can more than ours: of a later undici, or of an interceptor */
export function standInFor(controller: unknown): ControllerStandIn | undefined {
  if (typeof controller !== 'object' || controller === null) return undefined;
  const prototype: object | null = Object.getPrototypeOf(controller);
  if (prototype === null) return undefined;
  if (prototype !== knownPrototype) {
    if (!isKnown(controller, prototype)) return undefined;
    knownPrototype = prototype;
  }
  return new ControllerStandIn(controller as Controller);
}

function isKnown(controller: object, prototype: object): boolean {
  if (Object.getPrototypeOf(prototype) !== Object.prototype) return false;
  const names = [...Object.getOwnPropertyNames(prototype), ...Object.keys(controller)];
  return (
    names.every((name) => name === 'constructor' || MEMBERS.includes(name)) &&
    MEMBERS.every((name) => names.includes(name))
  );
}
