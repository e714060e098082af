/** Writing answers. Every answer carries the same protective headers. */
import type { ServerResponse } from 'node:http';

/** A body with its type. */
export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

const JSON_TYPE = 'application/json';

/** A JSON reply; big integers become decimal text. */
export function json(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  const body = JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? item.toString() : item));
  return { status, type: JSON_TYPE, body, headers };
}

/** The error form of our own routes. @param hint  what to do about it */
export function problem(status: number, code: string, message: string, hint = ''): Reply {
  return json(status, { error: { code, message, hint } });
}

/** A line of text. */
export function text(status: number, body: string): Reply {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` };
}

const PROTECTION: Readonly<Record<string, string>> = {
  // Script from our files only, and no way to make markup of text, even by mistake.
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** Sends a reply, once. */
export function send(response: ServerResponse, reply: Reply): void {
  if (response.headersSent || response.destroyed) return;
  const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body;
  response.writeHead(reply.status, {
    ...PROTECTION,
    ...(reply.status === 204 || reply.status === 304
      ? {}
      : { 'content-type': reply.type, 'content-length': body.length }),
    ...reply.headers,
  });
  response.end(body);
}
