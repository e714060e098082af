/** What handlers are given as the controller of a traced request. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { collectSpans } from '@clew/core/testing';
import { tracingInterceptor } from '@clew/undici';
import type { Dispatcher } from 'undici';
import { collectGarbage } from './support/garbage.ts';
import { serve } from './support/servers.ts';
import { bareAgent, tracedAgent, VERSIONS } from './support/versions.ts';

type Controller = Dispatcher.DispatchController;
type Handler = Dispatcher.DispatchHandler;

/** The versions whose handlers get a controller. */
const CONTROLLING = VERSIONS.slice(0, 2);

/** Make one request, with these methods added to a handler. @returns the error that it ended with */
function dispatch(dispatcher: Dispatcher, origin: string, methods: Handler): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const handler: Handler = {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData() {},
      ...methods,
      onResponseEnd(controller, trailers) {
        methods.onResponseEnd?.(controller, trailers);
        resolve(undefined);
      },
      onResponseError: (_controller, error) => resolve(error),
    };
    dispatcher.dispatch({ origin, path: '/', method: 'GET' }, handler);
  });
}

/** An interceptor that gives another controller to what is above it. */
function giving(change: (controller: Controller) => Controller): Dispatcher.DispatcherComposeInterceptor {
  return (next) => (options, handler) =>
    next(options, {
      onRequestStart: (controller, context) => handler.onRequestStart?.(change(controller), context),
      onResponseStart: (controller, status, headers, text) =>
        handler.onResponseStart?.(change(controller), status, headers, text),
      onResponseData: (controller, chunk) => handler.onResponseData?.(change(controller), chunk),
      onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(change(controller), trailers),
      onResponseError: (controller, error) => handler.onResponseError?.(change(controller), error),
    });
}

/** What a controller says, with its raw headers as text. */
function told({ aborted, paused, reason, rawHeaders, rawTrailers }: Controller): unknown[] {
  return [aborted, paused, reason, textOf(rawHeaders), textOf(rawTrailers)];
}

function textOf(raw: unknown): unknown {
  // The date changes from second to second.
  return Array.isArray(raw) ? raw.map(String).filter((text) => !text.endsWith(' GMT')) : raw;
}

for (const [version, module] of CONTROLLING) {
  test(`${version}: a controller says and does the same when the request is traced`, async (t) => {
    const url = await serve(t, (_request, response) => {
      response.writeHead(200, { trailer: 'x-sum', connection: 'close' });
      response.write('first');
      response.addTrailers({ 'x-sum': '5' });
      response.end('second');
    });
    const observe = async (dispatcher: Dispatcher, pausesAtEnd: boolean): Promise<unknown[]> => {
      const seen: unknown[] = [];
      let kept: Controller | undefined;
      const note = (controller: Controller) => void seen.push([kept === controller, ...told(controller)]);
      const error = await dispatch(dispatcher, url, {
        onRequestStart(controller) {
          kept = controller;
          note(controller);
        },
        onResponseStart(controller) {
          note(controller);
          controller.pause();
          note(controller);
          setTimeout(() => {
            controller.resume();
            note(controller);
          }, 20);
        },
        onResponseEnd(controller) {
          note(controller);
          if (pausesAtEnd) controller.pause();
        },
      });
      assert.equal(error, undefined);
      assert.ok(kept);
      await nextTurn();
      note(kept);
      kept.pause();
      note(kept);
      kept.resume();
      note(kept);
      const reason = new Error('too late');
      kept.abort(reason);
      kept.abort(new Error('later still'));
      note(kept);
      assert.equal(kept.reason, reason);
      kept.rawHeaders = ['x-mine', '1'];
      kept.rawTrailers = null;
      note(kept);
      return seen;
    };
    const bare = bareAgent(t, module);
    const expected = [await observe(bare, false), await observe(bare, true)];
    const spans = collectSpans(t, { register: true });
    const traced = tracedAgent(t, module);
    assert.deepEqual([await observe(traced, false), await observe(traced, true)], expected);
    await spans.take('CLIENT');
    await spans.take('CLIENT');
    assert.ok(JSON.stringify(expected).includes('"x-sum","5"'), 'the trailers were seen');
  });

  test(`${version}: a controller that is changed before the end changes undici's`, async (t) => {
    const url = await serve(t, (_request, response) => response.end('x'));
    const spans = collectSpans(t, { register: true });
    const seen: unknown[] = [];
    const below = giving((controller) => {
      seen.push(textOf(controller.rawTrailers));
      return controller;
    });
    const agent = bareAgent(t, module).compose(below, tracingInterceptor());
    await dispatch(agent, url, {
      onResponseStart(controller) {
        controller.rawHeaders = ['x-mine', '1'];
        controller.rawTrailers = ['x-mine', '2'];
        assert.deepEqual(controller.rawHeaders, ['x-mine', '1']);
      },
    });
    await spans.take('CLIENT');
    assert.ok(
      seen.some((value) => Array.isArray(value) && value[1] === '2'),
      'undici has what was set',
    );
  });

  test(`${version}: aborting by the controller ends a traced request, with the caller's reason`, async (t) => {
    const url = await serve(t, (_request, response) => void response.write('x'));
    const spans = collectSpans(t, { register: true });
    const reason = new Error('enough');
    const error = await dispatch(tracedAgent(t, module), url, {
      onResponseData: (controller) => controller.abort(reason),
    });
    assert.equal(error, reason);
    await spans.take('CLIENT');
  });

  test(`${version}: a handler that is kept keeps nothing of a request that is over`, async (t) => {
    const url = await serve(t, (_request, response) => response.setHeader('connection', 'close').end('x'));
    const spans = collectSpans(t, { register: true });
    const real: WeakRef<Controller>[] = [];
    const noting = giving((controller) => {
      real[0] ??= new WeakRef(controller);
      return controller;
    });
    const agent = bareAgent(t, module).compose(noting, tracingInterceptor());
    const kept: Controller[] = [];
    await dispatch(agent, url, { onRequestStart: (controller) => void kept.push(controller) });
    await spans.take('CLIENT');
    await agent.close();
    // The turn in which it was made keeps a weak reference's target.
    await nextTurn();
    collectGarbage();
    assert.equal(real[0]?.deref(), undefined);
    assert.equal(kept[0]?.aborted, false);
  });

  test(`${version}: a controller that can more than undici's is passed on as it is`, async (t) => {
    const url = await serve(t, (_request, response) => response.end('x'));
    const spans = collectSpans(t, { register: true });
    class Able {
      readonly aborted = false;
      readonly paused = false;
      readonly reason = null;
      rawHeaders = null;
      rawTrailers = null;
      pause(): void {}
      resume(): void {}
      abort(): void {}
      more(): string {
        return 'more';
      }
    }
    const plain: Controller = { aborted: false, paused: false, reason: null, pause() {}, resume() {}, abort() {} };
    for (const mine of [new Able(), plain]) {
      const agent = bareAgent(t, module).compose(
        giving(() => mine),
        tracingInterceptor(),
      );
      const seen = new Set<unknown>();
      await dispatch(agent, url, {
        onRequestStart: (controller) => void seen.add(controller),
        onResponseStart: (controller) => void seen.add(controller),
        onResponseEnd: (controller) => void seen.add(controller),
      });
      await spans.take('CLIENT');
      assert.deepEqual([...seen], [mine]);
      assert.ok(seen.has(mine));
    }
  });
}
