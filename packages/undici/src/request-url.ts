/** Splits a URL without parsing it: on the way of every request, `new URL` would cost as much as the span. */

/** A URL and the part of it that names the server. */
export interface RequestUrl {
  /** Absolute; may hold credentials. */
  url: string;
  /** Scheme, host and port without credentials. */
  origin: string;
}

// Everything that the URL parser would change is left to it: upper case, spaces, backslashes, credentials, no path.
const PLAIN = /^(https?:\/\/[a-z0-9.\-_:[\]]+)\/[^\s\\]*$/;

/**
 * @returns `undefined` for what is no absolute http(s) URL, such as `data:` or a relative path
 */
export function splitUrl(text: string): RequestUrl | undefined {
  const origin = PLAIN.exec(text)?.[1];
  if (origin !== undefined) return { url: text, origin };
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === 'http:' || url.protocol === 'https:' ? { url: url.href, origin: url.origin } : undefined;
}
