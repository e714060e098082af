/** Reads which fields a pino logger has bound, from its public shape only. */

const CHILD_BINDINGS = 'pino.chindings';

// One for each copy of pino in the process.
const knownSymbols: symbol[] = [];

/**
 * Whether a logger writes this field in every line already, as a child made with `{ trace_id }` does. Writing it again
 * would give a JSON object with the key twice, which parsers read differently.
 */
export function hasBinding(logger: unknown, field: string): boolean {
  const text = boundText(logger);
  return text?.includes(`"${field}":`) ?? false;
}

// pino keeps a child's bindings as the text that it puts into each line, under a symbol that it does not register
// globally; the symbol is found by its description once, because the search is not for the hot path.
function boundText(logger: unknown): string | undefined {
  if (typeof logger !== 'object' || logger === null) return undefined;
  const symbol = knownSymbols.find((known) => known in logger) ?? findSymbol(logger);
  if (symbol === undefined) return undefined;
  const text = (logger as Record<symbol, unknown>)[symbol];
  return typeof text === 'string' && text !== '' ? text : undefined;
}

function findSymbol(logger: object): symbol | undefined {
  const found = Object.getOwnPropertySymbols(logger).find(({ description }) => description === CHILD_BINDINGS);
  if (found !== undefined) knownSymbols.push(found);
  return found;
}
