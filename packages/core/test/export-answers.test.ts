import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { accountedFor, makeSpans, startBackend, startTest, until } from './support.ts';
import { collectMessages } from './support/messages.ts';

const MIB = 1024 * 1024;

/** `partial_success { rejected_spans, error_message }`. */
function partialSuccess(rejected: number, message: string): Buffer {
  const text = Buffer.from(message);
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);
  const inner = [8, ...varint(rejected), 0x12, ...varint(text.length), ...text];
  return Buffer.from([0x0a, ...varint(inner.length), ...inner]);
}

test('the text of a partial success is told, 512 characters of it', async (t) => {
  const messages = collectMessages(t);
  const backend = await startBackend(t);
  backend.respond = (response) => response.end(partialSuccess(2, `${'y'.repeat(512)}z`));
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 3);
  assert.equal(await tracing.forceFlush(), 'failed');
  assert.match(messages[0] ?? '', /spans_rejected \(2 times, 2 in all\): otlp http\S+ rejected spans: y{512}$/);
});

test('a partial success that rejects none is a success, and its text a warning', async (t) => {
  const messages = collectMessages(t);
  const backend = await startBackend(t);
  backend.respond = (response) => response.end(partialSuccess(0, 'please use gzip'));
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 3);
  assert.equal(await tracing.forceFlush(), 'ok');
  assert.match(messages[0] ?? '', /backend_warning .*: please use gzip$/);
  assert.deepEqual(tracing.stats().exporters[0]?.rejected, 0);
});

test('an answer that something on the way has compressed is read', async (t) => {
  const backend = await startBackend(t);
  backend.respond = (response) => {
    response.setHeader('content-encoding', 'gzip');
    response.end(gzipSync(partialSuccess(2, 'full')));
  };
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 3);
  await tracing.forceFlush();
  const { exported, rejected } = tracing.stats().exporters[0] ?? assert.fail();
  assert.deepEqual([exported, rejected], [1, 2]);
});

test('of an answer that inflates to 1 GiB no more than 4 MiB is made', async (t) => {
  const backend = await startBackend(t);
  // Concatenated members are one gzip file: 64 of 16 MiB.
  const bomb = Buffer.concat(Array(64).fill(gzipSync(Buffer.alloc(16 * MIB))));
  backend.respond = (response) => {
    response.setHeader('content-encoding', 'gzip');
    response.end(bomb);
  };
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 1);
  let mostBytes = 0;
  const baseBytes = process.memoryUsage.rss();
  const watch = setInterval(() => {
    mostBytes = Math.max(mostBytes, process.memoryUsage.rss() - baseBytes);
  }, 2);
  assert.equal(await tracing.forceFlush(), 'ok');
  clearInterval(watch);
  assert.ok(mostBytes < 200 * MIB, `${mostBytes} bytes more`);
  assert.equal(tracing.stats().exporters[0]?.exported, 1);
});

for (const [bytes, dropped] of [
  [4 * MIB, {}],
  [4 * MIB + 1, { response_too_large: 2 }],
] as const) {
  test(`a refusal of ${bytes} bytes is ${bytes > 4 * MIB ? 'final' : 'tried again'}`, async (t) => {
    const backend = await startBackend(t);
    backend.respond = (response, count) =>
      count === 1 ? response.writeHead(503).end(Buffer.alloc(bytes)) : response.end();
    const tracing = startTest(t, { endpoint: backend.url });
    makeSpans(tracing, 2);
    await tracing.forceFlush();
    assert.deepEqual(tracing.stats().exporters[0]?.dropped, dropped);
  });
}

test('an answer that trickles is cut at the timeout of the attempt, and the spans are tried again', async (t) => {
  process.env.OTEL_EXPORTER_OTLP_TIMEOUT = '100';
  t.after(() => delete process.env.OTEL_EXPORTER_OTLP_TIMEOUT);
  const backend = await startBackend(t);
  backend.respond = (response, count) => {
    if (count > 1) {
      response.end();
      return;
    }
    response.writeHead(503);
    const drip = setInterval(() => response.write('.'), 10);
    response.on('close', () => clearInterval(drip));
  };
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 2);
  assert.equal(await tracing.forceFlush(), 'ok');
  assert.equal(backend.received.length, 2);
});

test('an answer that breaks off is tried again, but not when its status was a success', async (t) => {
  const backend = await startBackend(t);
  backend.respond = (response, count) => {
    response.writeHead(count === 1 ? 503 : 200, { 'content-length': '10' });
    response.write('half');
    setImmediate(() => response.socket?.destroy());
  };
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 2);
  assert.equal(await tracing.forceFlush(), 'ok');
  assert.equal(backend.received.length, 2);
});

test('what answers in another protocol costs the batch, counted', async (t) => {
  const server = createServer().on('connection', (socket) => socket.end('220 mail.example.com ESMTP\r\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const probe = connect(port, '127.0.0.1');
  await new Promise((resolve) => probe.once('data', resolve));
  const tracing = startTest(t, { endpoint: `http://127.0.0.1:${port}` });
  makeSpans(tracing, 2);
  assert.equal(await tracing.forceFlush(), 'failed');
  const [reason = ''] = Object.keys(tracing.stats().exporters[0]?.dropped ?? {});
  assert.match(reason, /^hpe_/);
  assert.deepEqual(accountedFor(tracing), { accepted: 2, sum: 2 });
});

test('a host that cannot be found is tried again', async (t) => {
  const tracing = startTest(t, { endpoint: 'http://collector.invalid:4318' });
  makeSpans(tracing, 2);
  const before = tracing.stats().faults.export_failed ?? 0;
  await until(() => (tracing.stats().faults.export_failed ?? 0) >= before + 2, 'attempts');
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, {});
});

test('gzip: from 1 KiB on, at level 6, and at level 1 while other requests are under way', async (t) => {
  process.env.OTEL_EXPORTER_OTLP_COMPRESSION = 'gzip';
  t.after(() => delete process.env.OTEL_EXPORTER_OTLP_COMPRESSION);
  const levels: Array<number | undefined> = [];
  const backend = await startBackend(t);
  backend.server.prependListener('request', (request) => {
    // RFC 1952, "Member header": XFL is 4 for the fastest method, 0 for the usual one.
    request.once('data', (chunk: Buffer) => levels.push(chunk[0] === 0x1f ? chunk[8] : undefined));
  });
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 1);
  await tracing.forceFlush();
  makeSpans(tracing, 100);
  await tracing.forceFlush();
  makeSpans(tracing, 4 * 512);
  await tracing.forceFlush();
  assert.deepEqual(levels.slice(0, 2), [undefined, 0]);
  assert.deepEqual(levels.slice(2).toSorted(), [0, 4, 4, 4]);
  assert.equal(tracing.stats().exporters[0]?.exported, 1 + 100 + 4 * 512);
});

test('a headers function that does not answer is left after 5 seconds, and the spans are tried again', async (t) => {
  const backend = await startBackend(t);
  let asked = 0;
  const headers = (): Promise<Record<string, string>> =>
    ++asked === 1 ? new Promise(() => {}) : Promise.resolve({ 'x-token': 'second' });
  const tracing = startTest(t, { endpoint: backend.url, headers });
  makeSpans(tracing, 1);
  assert.equal(await tracing.forceFlush(), 'ok');
  assert.deepEqual([asked, backend.received.map(({ headers }) => headers['x-token'])], [2, ['second']]);
});

test('a headers function that throws, rejects or gives what is no header loses nothing by an exception', async (t) => {
  const backend = await startBackend(t);
  const answers: Array<() => Promise<Record<string, string>>> = [
    () => Promise.reject(new Error('no token')),
    () => {
      throw new Error('no token');
    },
    async () => ({ 'x-token': 'line\r\nbreak' }),
    async () => ({}),
  ];
  const tracing = startTest(t, { endpoint: backend.url, headers: () => (answers.shift() ?? assert.fail())() });
  makeSpans(tracing, 1);
  assert.equal(await tracing.forceFlush(), 'failed');
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, { err_invalid_char: 1 });
  makeSpans(tracing, 1);
  assert.equal(await tracing.forceFlush(), 'ok');
});

test('what a headers function does to get a token is not traced', async (t) => {
  const backend = await startBackend(t);
  const tracer = () => tracing.provider.getTracer('fetch');
  const headers = async (): Promise<Record<string, string>> => {
    tracer().startSpan('GET /token').end();
    return {};
  };
  const tracing = startTest(t, { endpoint: backend.url, headers });
  makeSpans(tracing, 1);
  await tracing.forceFlush();
  assert.equal(tracing.stats().started, 1);
});

test('user name and password of the endpoint are in no message', async (t) => {
  const messages = collectMessages(t);
  const backend = await startBackend(t);
  backend.respond = (response, count) => {
    if (count === 1) response.writeHead(503).end();
    else if (count === 2) response.socket?.resetAndDestroy();
    else if (count === 3) response.end(partialSuccess(1, 'full'));
    else response.writeHead(401).end();
  };
  const endpoint = backend.url.replace('http://', 'http://us%65r:s%65cret%@');
  const tracing = startTest(t, { endpoint });
  for (let i = 0; i < 2; i++) {
    makeSpans(tracing, 2);
    await tracing.forceFlush();
  }
  await tracing.shutdown();
  const expected = `Basic ${Buffer.from('user:secret%').toString('base64')}`;
  assert.equal(backend.received[0]?.headers.authorization, expected);
  assert.ok(messages.length >= 3);
  for (const message of messages) assert.doesNotMatch(message, /user|secret|s%65cret/);
});
