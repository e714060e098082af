import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Tracer } from '@opentelemetry/api';
import { HttpPost } from '../src/export/http-post.ts';
import { EncodedSpanBuffer } from '../src/export/span-buffer.ts';
import { createPropagator } from '../src/propagation/composite.ts';
import { ClewTracerProvider } from '../src/provider.ts';
import { Resource } from '../src/resource.ts';
import { alwaysOn } from '../src/sampler/always.ts';
import { RecordingSpan } from '../src/span.ts';
import { countSpans } from './support.ts';

function bufferAndTracers(count: number): { buffer: EncodedSpanBuffer; tracers: Tracer[] } {
  const buffer = new EncodedSpanBuffer();
  const provider = new ClewTracerProvider({
    sampler: alwaysOn(),
    resource: new Resource({ 'service.name': 'buffer' }),
    propagator: createPropagator([]),
    processors: [
      {
        onStart() {},
        onEnd: (span) => {
          assert.ok(span instanceof RecordingSpan);
          buffer.add(span);
        },
        forceFlush: async () => {},
        shutdown: async () => {},
      },
    ],
  });
  return { buffer, tracers: Array.from({ length: count }, (_, i) => provider.getTracer(`scope ${i}`)) };
}

function endSpans(tracers: Tracer[], count: number, prefix: string): string[] {
  const names = Array.from({ length: count }, (_, i) => `${prefix} number ${i}.`);
  for (const [i, name] of names.entries()) tracers[i % tracers.length]?.startSpan(name).end();
  return names;
}

test('a batch of several scopes and many chunks holds every span once', () => {
  const { buffer, tracers } = bufferAndTracers(3);
  const names = endSpans(tracers, 1000, 'many');
  tracers[1]?.startSpan('long', { attributes: { text: 'x'.repeat(100_000) } }).end();
  const { body, count } = buffer.seal();
  assert.ok(body !== undefined);
  assert.equal(count, 1001);
  assert.equal(countSpans(body), 1001);
  for (const name of names) assert.ok(body.includes(name), name);
  assert.equal(body.toString('latin1').split('x'.repeat(100_000)).length, 2);
});

test('the next batch holds nothing of the one before', () => {
  const { buffer, tracers } = bufferAndTracers(2);
  endSpans(tracers, 800, 'first');
  const first = buffer.seal();
  first.release?.();
  const names = endSpans(tracers, 700, 'second');
  const { body } = buffer.seal();
  assert.ok(body !== undefined);
  assert.equal(countSpans(body), 700);
  assert.ok(!body.includes('first number'));
  for (const name of names) assert.ok(body.includes(name), name);
});

test('released memory carries the next batch, and memory that is not released stays as it is', () => {
  const { buffer, tracers } = bufferAndTracers(1);
  const seal = (prefix: string): Buffer => {
    endSpans(tracers, 512, prefix);
    const { body, release } = buffer.seal();
    assert.ok(body !== undefined);
    if (prefix === 'given') release?.();
    return body;
  };
  const given = seal('given');
  const reused = seal('reused');
  assert.equal(reused.buffer, given.buffer);
  const copy = Buffer.from(reused);
  assert.notEqual(seal('another').buffer, reused.buffer);
  assert.ok(copy.equals(reused));
});

test('a request is written when the kernel has it, and not when the server answered before reading it', async (t) => {
  const url = await answerAtOnce(t);
  const isWritten = async (bytes: number): Promise<boolean> => {
    // On a socket of its own: after an answer that came too early the old one is of no use.
    const post = new HttpPost({ url }, {});
    t.after(() => post.close());
    const result = await post.post(Buffer.alloc(bytes), new AbortController().signal);
    assert.ok(result.kind === 'answered');
    return result.isWritten;
  };
  assert.equal(await isWritten(1000), true);
  // More than the buffers of a socket hold.
  assert.equal(await isWritten(48 * 1024 * 1024), false);
});

// Takes one piece of each request and answers 200 to it.
async function answerAtOnce(t: TestContext): Promise<URL> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.pause();
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}
