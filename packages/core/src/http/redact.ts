/** Redaction of URLs: credentials, and the values of query parameters that grant access. */

/** What replaces a value that must not be recorded. */
export const REDACTED = 'REDACTED';

/** Query parameters that carry signatures and access keys of storage services; compared with their case. */
export const DEFAULT_REDACTED_QUERY_KEYS: readonly string[] = [
  'X-Amz-Signature',
  'X-Amz-Credential',
  'X-Amz-Security-Token',
  'AWSAccessKeyId',
  'Signature',
  'sig',
  'X-Goog-Signature',
];

/** Gives a query string or a URL back without sensitive values; everything else stays as it was, byte for byte. */
export type Redact = (text: string) => string;

/**
 * Make a function that redacts query strings.
 *
 * @param keys  parameters whose values are replaced, with their case; they replace the default list entirely
 * @returns a function for the part after `?`: every occurrence of such a key keeps its name and loses its value
 */
export function queryRedactor(keys: readonly string[] = DEFAULT_REDACTED_QUERY_KEYS): Redact {
  if (keys.length === 0) return (query) => query;
  const names = keys.map((key) => key.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|');
  // A `?` inside a query is an ordinary character, so a name starts at the beginning or after `&` only.
  const pattern = new RegExp(`((?:^|&)(?:${names})=)[^&]+`, 'g');
  return (query) => query.replace(pattern, `$1${REDACTED}`);
}

/**
 * Make a function that redacts whole URLs: user name and password, and query values as `queryRedactor` does.
 *
 * @returns a function for absolute and relative URLs; `https://me@host/` becomes `https://REDACTED:REDACTED@host/`
 */
export function urlRedactor(keys?: readonly string[]): Redact {
  const redactQuery = queryRedactor(keys);
  return (url) => {
    const text = redactCredentials(url);
    const queryAt = text.indexOf('?');
    if (queryAt < 0) return text;
    const fragmentAt = text.indexOf('#');
    // A `?` after `#` belongs to the fragment.
    if (fragmentAt >= 0 && fragmentAt < queryAt) return text;
    const end = fragmentAt < 0 ? text.length : fragmentAt;
    const query = text.slice(queryAt + 1, end);
    const redacted = redactQuery(query);
    return redacted === query ? text : text.slice(0, queryAt + 1) + redacted + text.slice(end);
  };
}

function redactCredentials(url: string): string {
  // Most URLs have none, and a search for one character is the cheapest look at them.
  if (!url.includes('@')) return url;
  const schemeEnd = url.indexOf('://');
  if (schemeEnd < 0) return url;
  const start = schemeEnd + 3;
  let at = -1;
  for (let i = start; i < url.length; i++) {
    const char = url.charCodeAt(i);
    if (char === 0x2f || char === 0x3f || char === 0x23 || char === 0x5c) break;
    // The last one counts: a password may hold an `@` that was not encoded.
    if (char === 0x40) at = i;
  }
  return at < 0 ? url : `${url.slice(0, start)}${REDACTED}:${REDACTED}${url.slice(at)}`;
}
