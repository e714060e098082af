import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTraced, overlay, withProperty } from '../src/overlay.ts';

const OURS = Symbol('ours');

function makeSender() {
  const hidden = Symbol.for('hidden');
  const sender = { send: () => 'bare', on: () => 'on', events: { A: 'a' }, [hidden]: 1 };
  Object.defineProperty(sender, 'secret', { value: 's', enumerable: false });
  return { sender, hidden, traced: overlay(sender, { send: () => OURS }) };
}

test('replaced methods are ours, and everything else is the very same', () => {
  const { sender, hidden, traced } = makeSender();
  assert.equal(traced.send(), OURS);
  assert.equal(traced.on, sender.on);
  assert.equal(traced.events, sender.events);
  assert.equal(Reflect.get(traced, hidden), 1);
  assert.equal((traced as unknown as { secret: string }).secret, 's');
  assert.deepEqual(Reflect.ownKeys(traced), Reflect.ownKeys(sender));
  assert.equal(sender.send(), 'bare', 'the object itself is not changed');
});

test('a copy of the traced object has our methods, and is known as traced', () => {
  const { sender, traced } = makeSender();
  const copy = { ...traced };
  assert.equal(copy.send(), OURS);
  assert.deepEqual([isTraced(copy.send), isTraced(sender.send), isTraced(undefined)], [true, false, false]);
});

test('a method that the application puts in place of ours is called, and ours can be called from it', () => {
  const { traced } = makeSender();
  const ours = traced.send;
  traced.send = () => `around ${String(ours())}`;
  assert.equal(traced.send(), `around ${String(OURS)}`);
  Object.defineProperty(traced, 'send', { value: () => 'defined' });
  assert.equal(traced.send(), 'defined');
  assert.equal(Object.getOwnPropertyDescriptor(traced, 'send')?.value, traced.send);
});

test('what is added to either object later is seen on both', () => {
  const { sender, traced } = makeSender();
  Object.assign(sender, { later: 1 });
  Object.assign(traced, { evenLater: 2 });
  assert.deepEqual([Reflect.get(traced, 'later'), Reflect.get(sender, 'evenLater')], [1, 2]);
});

test('methods of a class with private fields work, and are the same each time', () => {
  class Client {
    #sent = 0;
    send(): number {
      this.#sent++;
      return this.#sent;
    }
    count(): number {
      return this.#sent;
    }
  }
  const client = new Client();
  const traced: Client = overlay(client, { send: () => client.send() + 100 });
  assert.equal(traced.send(), 101);
  assert.equal(traced.count(), 1);
  assert.equal(traced.count, traced.count);
  assert.ok(traced instanceof Client);
  assert.equal(traced.constructor, Client);
});

test('a frozen object can be traced', () => {
  const traced = overlay(Object.freeze({ send: () => 'bare', on: () => 'on' }), { send: () => OURS });
  assert.equal(traced.send(), OURS);
  assert.equal(traced.on(), 'on');
});

test('a changed copy leaves a frozen object alone', () => {
  const message = Object.freeze({ value: 'v', headers: undefined });
  assert.deepEqual(withProperty(message, 'headers', { a: '1' }), { value: 'v', headers: { a: '1' } });
  assert.equal(message.headers, undefined);
});

test('a changed copy of a class instance keeps its accessors, also those of private fields', () => {
  class Message {
    readonly #text: string;
    readonly kind = 'message';
    constructor(text: string) {
      this.#text = text;
    }
    get value(): string {
      return this.#text;
    }
  }
  const copy = withProperty(Object.freeze(new Message('m')), 'headers', { a: '1' });
  assert.deepEqual((copy as { headers?: unknown }).headers, { a: '1' });
  assert.equal(copy.value, 'm');
  assert.equal(copy.kind, 'message');
  assert.ok(copy instanceof Message);
});
