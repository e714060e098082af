/** Answers of backends, whole and broken: read like `node:http` reads them, however they arrive. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { PlainClient } from '../src/export/plain-client.ts';
import { ResponseReader } from '../src/export/response-reader.ts';

interface Read {
  status: number;
  body: string;
}

const OK = 'HTTP/1.1 200 OK\r\n';

/** What a backend sends before it closes the connection, and what comes of it. */
const ANSWERS: ReadonlyArray<readonly [title: string, sent: string, read: Read | 'error']> = [
  ['an empty success', `${OK}content-length: 0\r\n\r\n`, { status: 200, body: '' }],
  ['a body with a length', `${OK}Content-Length: 4\r\n\r\nbody`, { status: 200, body: 'body' }],
  ['a length that is given twice, the same', `${OK}content-length: 4, 4\r\n\r\nbody`, 'error'],
  ['a body until the end of the connection', `${OK}\r\nall of it`, { status: 200, body: 'all of it' }],
  ['a body that is shorter than its length', `${OK}content-length: 9\r\n\r\nhalf`, { status: 200, body: 'half' }],
  ['an error that is shorter than its length', 'HTTP/1.1 503 No\r\ncontent-length: 9\r\n\r\nhalf', 'error'],
  [
    'chunks',
    `${OK}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n`,
    { status: 200, body: 'abc0123456789' },
  ],
  [
    'chunks with extensions and trailers',
    `${OK}Transfer-Encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nx: y\r\n\r\n`,
    { status: 200, body: 'abc' },
  ],
  ['chunks that end too early', `${OK}transfer-encoding: chunked\r\n\r\n5\r\nabc`, { status: 200, body: 'abc' }],
  [
    'a chunk that is longer than its size',
    'HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n',
    'error',
  ],
  ['a chunk without a size', 'HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n', 'error'],
  ['no content', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, body: '' }],
  ['not modified', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 12\r\n\r\n', { status: 304, body: '' }],
  ['no reason', 'HTTP/1.1 429 \r\ncontent-length: 0\r\n\r\n', { status: 429, body: '' }],
  ['no space before the missing reason', 'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n', { status: 200, body: '' }],
  [
    'interim answers',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${OK}content-length: 2\r\n\r\nok`,
    { status: 200, body: 'ok' },
  ],
  ['an old version', 'HTTP/1.0 200 OK\r\n\r\nold', { status: 200, body: 'old' }],
  [
    'headers without a value, and with blanks',
    `${OK}x:\r\ny: \t \r\ncontent-length: \t2 \r\n\r\nok`,
    { status: 200, body: 'ok' },
  ],
  [
    'a name like a property of all objects',
    `${OK}__proto__: x\r\nconstructor: y\r\ncontent-length: 0\r\n\r\n`,
    { status: 200, body: '' },
  ],
  ['another protocol', '220 mail.example.com ESMTP\r\n', 'error'],
  ['an encrypted answer', '\x15\x03\x03\x00\x02\x02\x46', 'error'],
  ['a later version', 'HTTP/3.0 200 OK\r\n\r\n', 'error'],
  ['nothing', '', 'error'],
  ['half a head', 'HTTP/1.1 200 OK\r\ncontent-le', 'error'],
  ['a head of 20 KiB', `${OK}x: ${'y'.repeat(20_480)}\r\n\r\n`, 'error'],
  ['a header line without a name', `HTTP/1.1 200 OK\r\n: x\r\n\r\n`, 'error'],
  ['a header line without a colon', `HTTP/1.1 200 OK\r\nnonsense\r\n\r\n`, 'error'],
  ['a length that is no number', `${OK}content-length: many\r\n\r\n`, 'error'],
  ['lengths that contradict each other', `${OK}content-length: 2\r\ncontent-length: 3\r\n\r\nabc`, 'error'],
  ['a status that is no number', 'HTTP/1.1 OK\r\n\r\n', 'error'],
];

for (const [title, sent, read] of ANSWERS) {
  test(`${title}: as it is, and as node:http has it`, async (t) => {
    const url = await answerWith(t, sent);
    assert.deepEqual([await byClient(t, url), await byNode(url)], [read, read]);
  });

  test(`${title}: the same in whatever parts it arrives`, () => {
    const bytes = Buffer.from(sent, 'latin1');
    const whole = readParts([bytes]);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), (cuts) => {
        const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const parts = edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
        assert.deepEqual(readParts(parts), whole);
      }),
    );
    assert.deepEqual(readParts([...bytes].map((byte) => Buffer.from([byte]))), whole);
  });
}

test('whatever bytes come, reading them ends with an answer, with an error that has a code, or waits for more', () => {
  const piece = fc.constantFrom(
    OK,
    'HTTP/1.1 ',
    '200 ',
    '\r\n',
    '\r\n\r\n',
    'content-length: ',
    'transfer-encoding: chunked',
    '3',
    'a',
    ':',
    '\0',
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.array(piece, { maxLength: 30 }).map((pieces) => Buffer.from(pieces.join(''), 'latin1')),
  );
  fc.assert(
    fc.property(bytes, (given) => {
      const reader = new ResponseReader(100);
      try {
        reader.push(Buffer.from(given));
      } catch (error) {
        assert.match(String((error as { code?: unknown }).code), /^hpe_/);
        return;
      }
      assert.equal(Buffer.concat(reader.body).length, reader.isTooLarge ? 0 : reader.bytes);
      assert.ok(!reader.isDone || reader.head !== undefined);
    }),
    { numRuns: 2000 },
  );
});

test('a body that is larger than the limit is not kept', () => {
  const reader = new ResponseReader(5);
  reader.push(Buffer.from(`${OK}content-length: 8\r\n\r\n12345`));
  assert.deepEqual([reader.isTooLarge, Buffer.concat(reader.body).toString()], [false, '12345']);
  reader.push(Buffer.from('6'));
  assert.deepEqual([reader.isTooLarge, reader.body], [true, []]);
});

for (const [title, sent, stays] of [
  ['an answer with a length', `${OK}content-length: 2\r\n\r\nok`, true],
  ['an answer in chunks', `${OK}transfer-encoding: chunked\r\n\r\n0\r\n\r\n`, true],
  ['no content', 'HTTP/1.1 204 No Content\r\n\r\n', true],
  ['an old version that keeps it', 'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n', true],
  ['an old version', 'HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n', false],
  ['a server that closes it', `${OK}connection: Close\r\ncontent-length: 0\r\n\r\n`, false],
  ['a length and chunks', `${OK}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, false],
  ['another protocol from now on', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', false],
  ['something behind the answer', `${OK}content-length: 0\r\n\r\nHTTP/1.1 200`, false],
  ['half an answer', `${OK}content-length: 2\r\n\r\no`, false],
] as const) {
  test(`${title} ${stays ? 'leaves the connection for another request' : 'does not leave the connection'}`, () => {
    const reader = new ResponseReader(1000);
    reader.push(Buffer.from(sent));
    assert.equal(reader.leavesConnection, stays);
  });
}

/** @returns what came of it, in a form that can be compared */
function readParts(parts: Buffer[]): unknown {
  const reader = new ResponseReader(1000);
  try {
    for (const part of parts) reader.push(part);
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  const { head, body, isDone, leavesConnection } = reader;
  return { head, body: Buffer.concat(body).toString(), isDone, leavesConnection };
}

/** A server that answers each request with these bytes, and closes the connection. */
async function answerWith(t: TestContext, sent: string): Promise<URL> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(sent, 'latin1'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`); // AddressInfo: it listens on TCP.
}

async function byClient(t: TestContext, url: URL): Promise<Read | 'error'> {
  const client = new PlainClient(url, { timeoutMs: 5000, concurrency: 1, maxBytes: 1000 });
  t.after(() => client.close());
  try {
    const { status, body } = await client.post(Buffer.from('spans'), {}, new AbortController().signal);
    return { status, body: body.toString() };
  } catch {
    return 'error';
  }
}

/** The same by Node.js's client, by the exporter's rule: of a success the rest does not matter. */
function byNode(url: URL): Promise<Read | 'error'> {
  return new Promise((resolve) => {
    const posted = request(url, { method: 'POST', agent: false }, (response) => {
      const { statusCode: status = 0 } = response;
      let body = '';
      const done = (): void => resolve({ status, body });
      response.setEncoding('latin1').on('data', (part: string) => {
        body += part;
      });
      response.on('end', done).on('error', () => (status >= 200 && status < 300 ? done() : resolve('error')));
    });
    posted.on('error', () => resolve('error'));
    posted.end('spans');
  });
}
