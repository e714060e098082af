import assert from 'node:assert/strict';
import { test } from 'node:test';
import kafkajs from 'kafkajs';
import { onlyTopic, SEND, SEND_BATCH } from '../src/send-call.ts';
import {
  keyText,
  linkAttributes,
  messageAttributes,
  offsetNumber,
  protocolErrorType,
  responseAttributes,
  serverOf,
  sharedBy,
} from '../src/spans.ts';

const PLAIN = { recordKey: true, withOldNames: false };

const KEYS: ReadonlyArray<readonly [string, unknown, string | undefined]> = [
  ['text', 'order-7', 'order-7'],
  ['the empty text', '', ''],
  ['a Buffer of UTF-8', Buffer.from('schlüssel'), 'schlüssel'],
  ['a Buffer of other bytes', Buffer.from([0xff, 0xfe]), undefined],
  ['null', null, undefined],
  ['undefined', undefined, undefined],
  ['a number', 7, undefined],
  ['256 characters', 'k'.repeat(256), 'k'.repeat(256)],
  ['257 characters', 'k'.repeat(257), 'k'.repeat(256)],
  ['257 characters beyond the basic plane', '😀'.repeat(257), '😀'.repeat(256)],
];
for (const [title, key, expected] of KEYS) {
  test(`the key ${title} is recorded as ${expected === undefined ? 'nothing' : 'text'}`, () => {
    assert.equal(keyText(key), expected);
  });
}

const OFFSETS: ReadonlyArray<readonly [unknown, number | undefined]> = [
  ['0', 0],
  ['9007199254740991', 9007199254740991],
  ['9007199254740992', undefined],
  ['-1', undefined],
  ['', undefined],
  ['x', undefined],
  [undefined, undefined],
];
for (const [offset, expected] of OFFSETS) {
  test(`the offset ${JSON.stringify(offset)} is recorded as ${expected}`, () => {
    assert.equal(offsetNumber(offset), expected);
  });
}

const SERVERS: ReadonlyArray<readonly [readonly string[] | undefined, object | undefined]> = [
  [['broker.example:9092'], { address: 'broker.example', port: 9092 }],
  [['broker.example'], { address: 'broker.example' }],
  [['[::1]:9092'], { address: '::1', port: 9092 }],
  [['a:9092', 'b:9092'], undefined],
  [[], undefined],
  [undefined, undefined],
];
for (const [brokers, expected] of SERVERS) {
  test(`the brokers ${JSON.stringify(brokers)} give the server ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(serverOf(brokers), expected);
  });
}

const unknownTopic = Object.assign(new kafkajs.KafkaJSProtocolError(new Error('no such topic')), {
  type: 'UNKNOWN_TOPIC_OR_PARTITION',
  code: 3,
});
const wrapped = new kafkajs.KafkaJSNumberOfRetriesExceeded(unknownTopic, { retryCount: 5, retryTime: 1 });
const cyclic = new kafkajs.KafkaJSError('round');
Object.assign(cyclic, { cause: cyclic });
const ERRORS: ReadonlyArray<readonly [string, unknown, string | undefined]> = [
  ['a protocol error', unknownTopic, 'UNKNOWN_TOPIC_OR_PARTITION'],
  ['a protocol error behind the end of all retries', wrapped, 'UNKNOWN_TOPIC_OR_PARTITION'],
  ["an application's error with a type of its own", Object.assign(new Error('x'), { type: 'VALIDATION' }), undefined],
  ['a type that is no constant', Object.assign(new kafkajs.KafkaJSError('x'), { type: 'no such topic' }), undefined],
  ['a chain of causes without end', cyclic, undefined],
  ['a text', 'UNKNOWN_TOPIC_OR_PARTITION', undefined],
];
for (const [title, error, expected] of ERRORS) {
  test(`${title} gives the error type ${expected}`, () => assert.equal(protocolErrorType(error), expected));
}

test('one message has its facts on the span and no count', () => {
  assert.deepEqual(messageAttributes([{ key: 'k', value: null, offset: '7' }], PLAIN), [
    'messaging.kafka.offset',
    7,
    'messaging.kafka.message.key',
    'k',
    'messaging.kafka.message.tombstone',
    true,
  ]);
});

test('no message at all is a batch of 0', () => {
  assert.deepEqual(messageAttributes([], PLAIN), ['messaging.batch.message_count', 0]);
});

test('of several messages what is equal goes on the span, and what differs on the links', () => {
  const messages = [
    { key: Buffer.from('k'), value: 'v', offset: '7' },
    { key: Buffer.from('k'), value: null, offset: '8', partition: 2 },
  ];
  assert.deepEqual(messageAttributes(messages, PLAIN), [
    'messaging.batch.message_count',
    2,
    'messaging.kafka.message.key',
    'k',
  ]);
  const shared = sharedBy(messages);
  assert.deepEqual(shared, { key: true, tombstone: false });
  assert.deepEqual(linkAttributes(messages[0] ?? {}, shared, PLAIN), ['messaging.kafka.offset', 7]);
  assert.deepEqual(linkAttributes(messages[1] ?? {}, shared, PLAIN), [
    'messaging.kafka.offset',
    8,
    'messaging.kafka.message.tombstone',
    true,
    'messaging.destination.partition.id',
    '2',
  ]);
});

test('different keys are on the links alone', () => {
  const messages = [
    { key: 'a', value: 'v' },
    { key: 'b', value: 'v' },
  ];
  assert.deepEqual(messageAttributes(messages, PLAIN), ['messaging.batch.message_count', 2]);
  assert.deepEqual(linkAttributes({ key: 'b', value: 'v' }, sharedBy(messages), PLAIN), [
    'messaging.kafka.message.key',
    'b',
  ]);
});

test('a tombstone that is false is not written', () => {
  assert.deepEqual(messageAttributes([{ value: '' }], PLAIN), []);
});

test('recordKey: false leaves the key out and nothing else', () => {
  const message = { key: 'k', value: null, offset: '7' };
  assert.deepEqual(messageAttributes([message], { recordKey: false, withOldNames: false }), [
    'messaging.kafka.offset',
    7,
    'messaging.kafka.message.tombstone',
    true,
  ]);
});

const RESPONSES: ReadonlyArray<readonly [string, unknown, number, object]> = [
  [
    'one message',
    [{ topicName: 't', partition: 2, errorCode: 0, baseOffset: '41' }],
    1,
    { 'messaging.destination.partition.id': '2', 'messaging.kafka.offset': 41 },
  ],
  [
    'an old broker',
    [{ partition: 2, offset: '41' }],
    1,
    { 'messaging.destination.partition.id': '2', 'messaging.kafka.offset': 41 },
  ],
  [
    'several messages in one partition',
    [{ partition: 2, baseOffset: '41' }],
    3,
    { 'messaging.destination.partition.id': '2' },
  ],
  ['several partitions', [{ partition: 1 }, { partition: 2 }], 2, {}],
  ['acks: 0', [], 1, {}],
  ['another shape', undefined, 1, {}],
  ['an entry of another shape', [{ partition: 'x' }], 1, {}],
];
for (const [title, result, count, expected] of RESPONSES) {
  test(`the answer for ${title} tells ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(responseAttributes(result, count, false), expected);
  });
}

const CALLS: ReadonlyArray<readonly [string, object, string | undefined, number]> = [
  [
    'two topics',
    {
      topicMessages: [
        { topic: 'a', messages: [{}] },
        { topic: 'b', messages: [{}] },
      ],
    },
    undefined,
    2,
  ],
  [
    'one topic twice',
    {
      topicMessages: [
        { topic: 'a', messages: [{}] },
        { topic: 'a', messages: [{}, {}] },
      ],
    },
    'a',
    3,
  ],
  ['no entry', { topicMessages: [] }, undefined, 0],
  ['no list', { topicMessages: 'x' }, undefined, 0],
  ['entries of other shapes', { topicMessages: [null, { topic: 7, messages: 'x' }] }, undefined, 0],
];
for (const [title, call, topic, count] of CALLS) {
  test(`sendBatch with ${title} has the topic ${topic} and ${count} messages`, () => {
    const entries = SEND_BATCH.entriesOf(call);
    assert.equal(onlyTopic(entries), topic);
    assert.equal(entries.flatMap((entry) => entry.messages).length, count);
    assert.deepEqual(
      SEND_BATCH.withMessages(call, (messages) => [...messages]),
      call,
    );
  });
}

test('send without messages comes through as it is', () => {
  const call = { topic: 'a' };
  assert.equal(
    SEND.withMessages(call, () => assert.fail('there is nothing to change')),
    call,
  );
});
