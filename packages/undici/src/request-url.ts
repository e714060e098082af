/** Splits a URL without parsing it: on the way of every request, `new URL` would cost as much as the span. */

/** A URL and its parts. */
export interface RequestUrl {
  /** Absolute; may hold credentials. */
  url: string;
  /** Scheme, host and port without credentials. */
  origin: string;
  /** Path and query, as they are sent. */
  path: string;
}

// Everything that the URL parser would change is left to it: upper case, spaces, backslashes, quotes, credentials, no path.
const PLAIN = /^(https?:\/\/[a-z0-9.\-_:[\]]+)(\/[\w\-.~!$&()*+,;=:@%/?[\]|]*)(?:#[\w\-.~!/?=&]*)?$/;

/**
 * @returns `undefined` for what is no absolute http(s) URL, such as `data:` or a relative path
 */
export function splitUrl(text: string): RequestUrl | undefined {
  const parts = PLAIN.exec(text);
  if (parts !== null) {
    // Both groups take part in every match.
    const origin = parts[1] as string;
    const path = parts[2] as string;
    if (!path.includes('/.')) return { url: text, origin, path };
  }
  if (!URL.canParse(text)) return undefined;
  const { protocol, href, origin: parsed, pathname, search } = new URL(text);
  return protocol === 'http:' || protocol === 'https:'
    ? { url: href, origin: parsed, path: pathname + search }
    : undefined;
}
