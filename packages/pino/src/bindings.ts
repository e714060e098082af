/** Reads which fields a pino logger has bound, from its public shape only. */

const CHILD_BINDINGS = 'pino.chindings';

// One for each copy of pino in the process.
const knownSymbols: symbol[] = [];

/**
 * A test whether a logger writes a field in every line already, as a child made with `{ trace_id }` does. Writing it
 * again would give a JSON object with the key twice, which parsers read differently.
 */
export function bindingTest(field: string): (logger: unknown) => boolean {
  const wanted = `"${field}":`;
  // Lines come from few loggers, mostly from the one that wrote the line before.
  let lastText = '';
  let wasFound = false;
  return (logger) => {
    const text = boundText(logger);
    if (text === undefined) return false;
    if (text !== lastText) {
      lastText = text;
      wasFound = text.includes(wanted);
    }
    return wasFound;
  };
}

// pino keeps a child's bindings as the text that it puts into each line, under a symbol that it does not register
// globally; the symbol is found by its description once, because the search is not for the hot path.
function boundText(logger: unknown): string | undefined {
  if (typeof logger !== 'object' || logger === null) return undefined;
  for (let i = 0; i < knownSymbols.length; i++) {
    const text = textUnder(logger, knownSymbols[i] as symbol);
    if (text !== undefined) return text;
  }
  const symbol = findSymbol(logger);
  return symbol === undefined ? undefined : textUnder(logger, symbol);
}

function textUnder(logger: object, symbol: symbol): string | undefined {
  const text = (logger as Record<symbol, unknown>)[symbol];
  return typeof text === 'string' ? text : undefined;
}

function findSymbol(logger: object): symbol | undefined {
  const found = Object.getOwnPropertySymbols(logger).find(({ description }) => description === CHILD_BINDINGS);
  if (found !== undefined && !knownSymbols.includes(found)) knownSymbols.push(found);
  return found;
}
