/** The attempts that the channels see coming: nothing in undici's events says which requests belong to one call. */
import type { Context } from '@clew/core';
import type { Call } from './call.ts';

interface Expectation {
  readonly url: string;
  readonly call: Call;
  /** The context in which the last attempt was answered: undici's own handlers go on from there. */
  readonly answeredIn: Context;
}

/** Bounded: a retry that never comes must not stay for good. */
const MAX_EXPECTED = 256;

/** Attempts that are expected to follow an answer or an error. */
export class ExpectedAttempts {
  readonly #expected: Expectation[] = [];
  readonly #untilNextTurn = new Set<Expectation>();

  /**
   * A redirect was answered. Who follows it does so before the event loop turns, so that an application that asks for the
   * same URL later is not taken for one.
   */
  redirect(url: string, call: Call, answeredIn: Context): void {
    const expectation = this.#add(url, call, answeredIn);
    if (this.#untilNextTurn.size === 0) setImmediate(() => this.#dropRedirects());
    this.#untilNextTurn.add(expectation);
  }

  /** undici's retry handler has refused an answer; the next attempt comes after a pause. */
  retry(url: string, call: Call, answeredIn: Context): void {
    this.#add(url, call, answeredIn);
  }

  /**
   * The call that a request belongs to.
   *
   * @param context  in which it is made: the caller's under fetch, the answer's under undici's interceptors
   */
  take(url: string, context: Context): Call | undefined {
    if (this.#expected.length === 0) return undefined;
    const index = this.#expected.findIndex(
      (one) => one.url === url && (one.call.parent === context || one.answeredIn === context),
    );
    return index < 0 ? undefined : this.#expected.splice(index, 1)[0]?.call;
  }

  #add(url: string, call: Call, answeredIn: Context): Expectation {
    if (this.#expected.length >= MAX_EXPECTED) this.#expected.shift();
    const expectation = { url, call, answeredIn };
    this.#expected.push(expectation);
    return expectation;
  }

  #dropRedirects(): void {
    for (let i = this.#expected.length - 1; i >= 0; i--) {
      if (this.#untilNextTurn.has(this.#expected[i] as Expectation)) this.#expected.splice(i, 1);
    }
    this.#untilNextTurn.clear();
  }
}
