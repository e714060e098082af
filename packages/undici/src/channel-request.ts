/** undici's own request object as its channels show it, in the forms of versions 6 to 8. */

/** The parts that are read. */
export interface ChannelRequest {
  origin?: unknown;
  path?: unknown;
  method: string;
  upgrade?: unknown;
  /** A text of header lines up to 6.10; a flat list of names and values since. */
  headers: string | unknown[];
  addHeader?(name: string, value: string): unknown;
}

/** The value of one header; `undefined` when it is not there. */
export function readRequestHeader({ headers }: ChannelRequest, wanted: string): string | undefined {
  if (!Array.isArray(headers)) return undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (String(headers[i]).toLowerCase() === wanted) return String(headers[i + 1]);
  }
  return undefined;
}

/** Write headers into the request; one that is there is replaced, so that each leaves once. */
export function writeRequestHeaders(request: ChannelRequest, injected: Record<string, string>): void {
  for (const [name, value] of Object.entries(injected)) {
    if (!replaceHeader(request.headers, name, value)) append(request, name, value);
  }
}

function replaceHeader(headers: string | unknown[], name: string, value: string): boolean {
  if (!Array.isArray(headers)) return false;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (String(headers[i]).toLowerCase() !== name) continue;
    headers[i + 1] = value;
    return true;
  }
  return false;
}

function append(request: ChannelRequest, name: string, value: string): void {
  if (typeof request.addHeader === 'function') request.addHeader(name, value);
  else if (Array.isArray(request.headers)) request.headers.push(name, value);
}
