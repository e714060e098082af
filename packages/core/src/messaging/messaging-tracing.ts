/** The spans of one producer or consumer of a message broker, and the contexts that its messages carry. */
import {
  type Context,
  context as contextApi,
  createContextKey,
  type Link,
  type Span,
  SpanKind,
} from '@opentelemetry/api';
import type { FlatAttributes } from '../attributes.ts';
import { activeContext, baggageOf, isSuppressed, ROOT, spanOf, withBaggageIn, withSpanIn } from '../context.ts';
import { callHook, PluginTracing } from '../plugin.ts';
import { checkBaggageSpanKeys, checkTrust, type IncomingCall } from '../plugin-defaults.ts';
import { headerSetter } from '../propagation/carrier.ts';
import { type MessageHeaders, messageHeaderGetter } from './message-headers.ts';
import { type ClientFacts, Operation } from './operations.ts';
import type { ReceivingOptions } from './options.ts';
import { readMessagingSemconv } from './semconv.ts';
import { failSpan, type Outcome, settleResult } from './settle.ts';
import { adopt } from '../adopt.ts';

/**
 * How many links of one span are kept, the default limit of the specification. A batch with more messages is linked to
 * the senders of its first ones; `messaging.batch.message_count` tells the whole number.
 */
export const MAX_LINKS = 128;

/** What a message tells about where it comes from. */
export interface Received {
  /** The parent's context for the span of its processing. */
  readonly context: Context;
  /** The span that sent it; to be linked. */
  readonly sender: Span | undefined;
}

const CLIENT_KEY = createContextKey('clew messaging client');

/** Tracing of one client of a broker. */
export class MessagingTracing {
  readonly tracing: PluginTracing;
  /** Whether attributes are written under their old names too. */
  readonly withOldNames: boolean;
  readonly #system: string;
  readonly #isTrusted: ((call: IncomingCall) => boolean) | undefined;
  #facts: ClientFacts;
  #send: Operation;
  #process: Operation;

  /**
   * @param scope   npm name and version of the plugin
   * @param system  the value of `messaging.system`, such as `kafka`
   * @param facts   what is known about the client by now
   */
  constructor(
    scope: { name: string; version: string },
    system: string,
    facts: ClientFacts,
    options: Pick<ReceivingOptions, 'tracerProvider' | 'semconv' | 'trustIncoming' | 'baggageSpanKeys'> = {},
  ) {
    this.tracing = new PluginTracing(scope, options.tracerProvider, checkBaggageSpanKeys(options.baggageSpanKeys));
    this.#isTrusted = checkTrust(options.trustIncoming);
    this.withOldNames = (options.semconv ?? readMessagingSemconv()) === 'dup';
    this.#system = system;
    this.#facts = facts;
    this.#send = this.#operation('send');
    this.#process = this.#operation('process');
  }

  /** What is known about the client. */
  get facts(): Readonly<ClientFacts> {
    return this.#facts;
  }

  /** Note what became known later; it is on every span that starts from now on. */
  learn(facts: ClientFacts): void {
    this.#facts = { ...this.#facts, ...facts };
    this.#send = this.#operation('send');
    this.#process = this.#operation('process');
  }

  /** The active context, or `undefined` when tracing is suppressed there: then nothing is traced or injected. */
  sendContext(): Context | undefined {
    const context = this.tracing.active();
    return isSuppressed(context) ? undefined : context;
  }

  /**
   * Start the PRODUCER span of one call that sends messages.
   *
   * @param destination  `undefined` when the messages go to several
   * @param describe     makes the attributes of this call from `about`; called only when they are needed, must not throw
   */
  startSend<T>(
    context: Context,
    destination: string | undefined,
    describe: (about: T) => FlatAttributes,
    about: T,
    links: Link[] | undefined,
  ): Span {
    const { spanName, group } = this.#send.destination(destination);
    const refused = this.tracing.refuse(context);
    return refused ?? this.tracing.startSpan(spanName, SpanKind.PRODUCER, context, describe(about), group, links);
  }

  /**
   * Start the CONSUMER span of the processing of one message or batch.
   *
   * @param partition  when all of it came from one
   * @param describe   makes the attributes of this call from `about`; called only when they are needed, must not throw
   */
  startProcess<T>(
    context: Context,
    destination: string,
    partition: number | undefined,
    describe: (about: T) => FlatAttributes,
    about: T,
    links: Link[] | undefined,
  ): Span {
    const shared = this.#process.destination(destination);
    const group = partition === undefined ? shared.group : shared.byPartition.get(partition);
    const refused = this.tracing.refuse(context);
    return (
      refused ?? this.tracing.startSpan(shared.spanName, SpanKind.CONSUMER, context, describe(about), group, links)
    );
  }

  /**
   * Call a handler with the span active, and end the span with the handler's outcome.
   *
   * @param context  what is active in the handler beside the span
   * @returns what the handler returned; see `settle`
   */
  process<P, R>(context: Context, span: Span, handler: (payload: P) => R, payload: P, outcome: Outcome<R>): R {
    let result: R;
    try {
      // Adopted inside of the context: a lazy thenable does its work when `then` is called.
      result = this.tracing.run(withSpanIn(context, span), callAdopted, undefined, handler, payload) as R;
    } catch (error) {
      failSpan(span, error, outcome);
      throw error;
    }
    return settleResult(span, result, outcome);
  }

  /**
   * The headers of a context, written once for all messages of a call.
   *
   * @returns `undefined` when there is nothing to write
   */
  headersOf(context: Context, span: Span): Record<string, string> | undefined {
    const headers: Record<string, string> = {};
    this.tracing.inject(withSpanIn(context, span), headers, headerSetter);
    for (const _ in headers) return headers;
    return undefined;
  }

  /** The names of the headers that hold a context, lower case. */
  headerFields(): ReadonlySet<string> {
    return new Set(this.tracing.propagationFields());
  }

  /**
   * Where the processing of one message starts.
   *
   * @param linksOnly  whether the sender is to be linked only, not the parent
   * @param active     for a message of a batch: what is active there; its span is the parent, and the message gives
   *   the baggage
   */
  receive(headers: MessageHeaders | undefined | null, linksOnly: boolean, active?: Context): Received {
    const own = this.#contextOf(headers);
    const sender = spanOf(own);
    const taken = own === ROOT || this.#trusts(headers) ? own : ROOT;
    if (active !== undefined && spanOf(active) !== undefined) {
      return { context: withBaggageIn(active, baggageOf(taken)), sender };
    }
    return { context: linksOnly ? withSpanIn(taken, undefined) : taken, sender };
  }

  /** The span that sent a message, if its headers tell a valid one. */
  senderOf(headers: MessageHeaders | undefined | null): Span | undefined {
    return spanOf(this.#contextOf(headers));
  }

  /** The root context with a note of whose messages are processed in it, for helpers called inside of a handler. */
  batchContext(): Context {
    return ROOT.setValue(CLIENT_KEY, this);
  }

  /** Call a function outside of every span; what it sets going has nothing to do with the caller's request. */
  runInRoot<R>(fn: () => R): R {
    return this.tracing.run(ROOT, fn);
  }

  /** The client whose batch is processed by the code that runs now. */
  static ofBatch(): MessagingTracing | undefined {
    // A client with a provider of its own keeps contexts in our storage even when another manager is registered.
    const client = activeContext().getValue(CLIENT_KEY) ?? contextApi.active().getValue(CLIENT_KEY);
    // Only batchContext writes this key.
    return client as MessagingTracing | undefined;
  }

  // A function that throws trusts nobody.
  #trusts(headers: MessageHeaders | undefined | null): boolean {
    const isTrusted = this.#isTrusted ?? this.tracing.defaults?.isTrusted;
    return isTrusted === undefined || callHook('trustIncoming', isTrusted, { headers: headers ?? {} }) === true;
  }

  // On top of the root context: what is active where a consumer happens to be started is not the message's.
  #contextOf(headers: MessageHeaders | undefined | null): Context {
    return headers === undefined || headers === null ? ROOT : this.tracing.extract(ROOT, headers, messageHeaderGetter);
  }

  #operation(name: 'send' | 'process'): Operation {
    return new Operation(name, this.#system, this.#facts, this.withOldNames);
  }
}

function callAdopted<P, R>(handler: (payload: P) => R, payload: P): R {
  return adopt(handler(payload));
}
