/** Which proxy the usual variables name for a URL. Pure: it reads what it is given. */

/**
 * `HTTPS_PROXY` or `HTTP_PROXY` by the scheme of the URL, unless `NO_PROXY` names its host; lower-case names win.
 *
 * @param env   usually `process.env`
 * @param warn  gets one sentence when the variable holds no http or https URL; credentials in it are not shown
 * @returns `undefined` for a direct connection
 */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv, warn: (text: string) => void): URL | undefined {
  const name = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const given = readEither(env, name);
  if (given === '' || isExempt(url, readEither(env, 'no_proxy'))) return undefined;
  // As with other programs, a proxy without a scheme is spoken to in plain HTTP.
  const text = given.includes('://') ? given : `http://${given}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy?.protocol === 'http:' || proxy?.protocol === 'https:') return proxy;
  warn(`${name.toUpperCase()} must be a URL with http or https; it counts as not set`);
  return undefined;
}

function readEither(env: NodeJS.ProcessEnv, name: string): string {
  return (env[name] || env[name.toUpperCase()] || '').trim();
}

// `*`, or hosts parted by commas or blanks; a host stands for its subdomains too, and may have a port.
function isExempt(url: URL, noProxy: string): boolean {
  const host = unbracketed(url.hostname.toLowerCase());
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry === '*' || matches(entry, host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  const [, name = '', wantedPort] = /^(\[[^\]]*\]|[^:]*|.*:.*:.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (name === '' || (wantedPort !== undefined && wantedPort !== port)) return false;
  const wanted = unbracketed(name).replace(/^\*?\./, '');
  return host === wanted || host.endsWith(`.${wanted}`);
}

function unbracketed(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}
