/** `POST /api/clew/logs`: pino's lines over HTTP, one JSON object a line. */
import type { IncomingMessage } from 'node:http';
import { json, problem, type Reply } from '../http/reply.ts';
import type { LogStore } from '../store/log-store.ts';
import { type BodyReader, discard } from '../http/body.ts';
import { parsePinoLines } from './pino-lines.ts';

// Not text/plain: that is what a form of a foreign page can send without asking.
const TYPES = new Set(['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'application/json']);
const HINT = `send one JSON object a line as ${[...TYPES].join(', ')}`;

/** Receives log lines. Lines of no trace are accepted and not kept. */
export async function receivePinoLines(request: IncomingMessage, bodies: BodyReader, store: LogStore): Promise<Reply> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (!TYPES.has(type)) {
    discard(request);
    return problem(415, 'content-type', `content-type "${type.slice(0, 100)}" is not understood`, HINT);
  }
  const body = await bodies.read(request);
  if (!body.ok) return problem(body.status, 'body', body.message);
  const { lines, rejected } = parsePinoLines(body.bytes.toString(), BigInt(Date.now()) * 1_000_000n);
  const refused = store.add(lines, body.bytes.length);
  return json(202, { accepted: lines.length - refused, rejected: rejected + refused });
}
