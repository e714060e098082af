/** The two small protobuf messages that a receiver sends. */

/** `google.rpc.Status`: code (1) and message (2). */
export function rpcStatus(code: number, message: string): Buffer {
  return Buffer.concat([varintField(1, code), textField(2, message)]);
}

/** `ExportTraceServiceResponse` and its like; all accepted is an empty message. */
export function exportReply(rejected: number, reason: string): Buffer {
  if (rejected === 0) return Buffer.alloc(0);
  const partialSuccess = Buffer.concat([varintField(1, rejected), textField(2, reason)]);
  return Buffer.concat([bytesTag(1), varint(partialSuccess.length), partialSuccess]);
}

function varintField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

function textField(field: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([bytesTag(field), varint(bytes.length), bytes]);
}

function bytesTag(field: number): Buffer {
  return varint((field << 3) | 2);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}
