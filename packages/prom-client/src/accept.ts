/** Chooses the exposition format by a scraper's `Accept` header. Pure. */

/**
 * Whether a scraper prefers OpenMetrics over the plain format.
 *
 * @param accept  the header, or `undefined` when there is none: the plain format then, which every scraper reads
 */
export function prefersOpenMetrics(accept: string | undefined): boolean {
  let openMetrics = 0;
  let plain = 0;
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const quality = qualityOf(parameters);
    if (type === 'application/openmetrics-text') openMetrics = Math.max(openMetrics, quality);
    else if (type === 'text/plain') plain = Math.max(plain, quality);
  }
  return openMetrics > 0 && openMetrics >= plain;
}

function qualityOf(parameters: string[]): number {
  const text = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  const quality = text === undefined ? 1 : Number(text);
  return quality >= 0 && quality <= 1 ? quality : 0;
}
