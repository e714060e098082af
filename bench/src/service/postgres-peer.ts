// The server's half of PostgreSQL's protocol, as far as pg needs it for a statement with one parameter.
// https://www.postgresql.org/docs/current/protocol-message-formats.html
import type { Socket } from 'node:net';

/** Rows that exist for each kind of question: the ids that the service asks for. */
const KEYS = 1000;
/** Type and length before everything but the first message of a connection. */
const HEAD_BYTES = 5;
/** In a Bind message with an empty portal and statement name: two names, one format and the count of values. */
const PARAMETER_OFFSET = HEAD_BYTES + 2 + 4 + 2;

const INT4 = { oid: 23, size: 4 };
const TEXT = { oid: 25, size: -1 };
type Field = readonly [name: string, type: typeof INT4];

const AUTHENTICATION_OK = message('R', int32(0));
const READY = message('Z', Buffer.from('I'));
const PARSE_COMPLETE = message('1');
const BIND_COMPLETE = message('2');

const USER_FIELDS: readonly Field[] = [
  ['id', INT4],
  ['name', TEXT],
  ['email', TEXT],
];
const ORDER_FIELDS: readonly Field[] = [
  ['id', INT4],
  ['total', INT4],
];
const USERS = Array.from({ length: KEYS }, (_, key) =>
  result(USER_FIELDS, [[String(key), `user ${key}`, `user${key}@example.org`]]),
);
const ORDERS = Array.from({ length: KEYS }, (_, key) =>
  result(
    ORDER_FIELDS,
    [0, 1, 2].map((n) => [String(key * 3 + n), String((key * 3 + n) * 7)]),
  ),
);

/**
 * Answer one connection of pg as the database of the service would: let everybody in, and for each statement give the
 * rows of the table that it names.
 */
export function answerPostgres(socket: Socket): void {
  let rest: Buffer = Buffer.alloc(0);
  let isStarted = false;
  let table = USERS;
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy()); // The service has ended.
  socket.on('data', (chunk: Buffer) => {
    const answer: Buffer[] = [];
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= HEAD_BYTES) {
      const bytes = isStarted ? 1 + rest.readInt32BE(1) : rest.readInt32BE(0);
      if (rest.length < bytes) break;
      answer.push(...(isStarted ? answerTo(rest.subarray(0, bytes)) : [AUTHENTICATION_OK, READY]));
      isStarted = true;
      rest = rest.subarray(bytes);
    }
    if (answer.length > 0) socket.write(Buffer.concat(answer));
  });

  function answerTo(question: Buffer): readonly Buffer[] {
    const type = String.fromCharCode(question[0] ?? 0);
    if (type === 'P') {
      table = question.includes('clew_bench_orders') ? ORDERS : USERS;
      return [PARSE_COMPLETE];
    }
    if (type === 'B') return [BIND_COMPLETE, table[readKey(question)] ?? result(USER_FIELDS, [])];
    // Describe and Execute are answered with Bind, Terminate is followed by the end.
    return type === 'S' ? [READY] : [];
  }
}

function readKey(bind: Buffer): number {
  const start = PARAMETER_OFFSET + 4;
  return Number(bind.toString('latin1', start, start + bind.readInt32BE(PARAMETER_OFFSET)));
}

/** RowDescription, the rows and CommandComplete. */
function result(fields: readonly Field[], rows: ReadonlyArray<readonly string[]>): Buffer {
  return Buffer.concat([
    message('T', int16(fields.length), ...fields.flatMap(describeField)),
    ...rows.map((row) =>
      message('D', int16(row.length), ...row.flatMap((value) => [int32(value.length), text(value)])),
    ),
    message('C', text(`SELECT ${rows.length}\0`)),
  ]);
}

function describeField([name, { oid, size }]: Field): Buffer[] {
  const [noTable, noColumn, noModifier, textFormat] = [int32(0), int16(0), int32(-1), int16(0)];
  return [text(`${name}\0`), noTable, noColumn, int32(oid), int16(size), noModifier, textFormat];
}

function message(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([text(type), int32(4 + body.length), body]);
}

function text(value: string): Buffer {
  return Buffer.from(value, 'latin1');
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
