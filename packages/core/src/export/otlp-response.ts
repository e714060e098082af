/** Reads the one thing we want of an OTLP answer: how many spans the backend refused, and why. */

/**
 * `ExportTraceServiceResponse { partial_success = 1 { rejected_spans = 1, error_message = 2 } }`.
 *
 * @returns what could be read; a body that is no such message counts as a plain success, as OTLP asks
 */
export function parsePartialSuccess(body: Uint8Array): { rejected: number; message?: string } {
  const partial = fields(body).find((field) => field.number === 1 && field.bytes !== undefined)?.bytes;
  if (partial === undefined) return { rejected: 0 };
  let rejected = 0;
  let message: string | undefined;
  for (const field of fields(partial)) {
    if (field.number === 1) rejected = field.value;
    else if (field.number === 2 && field.bytes !== undefined) message = new TextDecoder().decode(field.bytes);
  }
  return message === undefined || message === '' ? { rejected } : { rejected, message };
}

/** The same of an answer in JSON, where 64-bit integers may be texts. */
export function parsePartialSuccessJson(body: Uint8Array): { rejected: number; message?: string } {
  let partial: { rejectedSpans?: unknown; errorMessage?: unknown } | null | undefined;
  try {
    partial = (JSON.parse(new TextDecoder().decode(body)) as { partialSuccess?: typeof partial } | null)
      ?.partialSuccess;
  } catch {
    return { rejected: 0 };
  }
  const given = Number(partial?.rejectedSpans ?? 0);
  const rejected = Number.isSafeInteger(given) && given > 0 ? given : 0;
  const message = partial?.errorMessage;
  return typeof message === 'string' && message !== '' ? { rejected, message } : { rejected };
}

interface Field {
  number: number;
  value: number;
  bytes: Uint8Array | undefined;
}

function fields(bytes: Uint8Array): Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 10; shift++) {
      const byte = bytes[at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 127) * 128 ** shift;
      if (byte < 128) return value;
    }
    return Number.NaN;
  };
  while (at < bytes.length) {
    const tag = varint();
    const wireType = tag & 7;
    const number = Math.floor(tag / 8);
    if (wireType === 0) found.push({ number, value: varint(), bytes: undefined });
    else if (wireType === 2) {
      const length = varint();
      if (!(at + length <= bytes.length)) return found;
      found.push({ number, value: 0, bytes: bytes.subarray(at, at + length) });
      at += length;
    } else if (wireType === 1 || wireType === 5) at += wireType === 1 ? 8 : 4;
    else return found;
  }
  return found.filter((field) => !Number.isNaN(field.value));
}
