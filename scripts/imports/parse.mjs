// What a source file imports, exports and awaits, read from its syntax tree.
//
// rolldown's parser and not TypeScript's own, because TypeScript 7 has no compiler API.
import { parseAst } from 'rolldown/parseAst';

const LANGUAGES = { '.d.ts': 'dts', '.tsx': 'tsx', '.ts': 'ts' };
const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression', 'StaticBlock']);

/**
 * @param text  the source
 * @param file  its name, for its language and for messages
 * @returns `imports`: `{ specifier, typeOnly, line, start, end }` in order of appearance, `start` and `end` around the
 *          quoted specifier; `topLevelAwaits`: lines
 */
export function parseSource(text, file) {
  const ending = Object.keys(LANGUAGES).find((name) => file.endsWith(name));
  const program = parseAst(text, { lang: LANGUAGES[ending] ?? 'js' }, file);
  const found = { imports: [], topLevelAwaits: [] };
  visit(program, { text, found, inFunction: false });
  return found;
}

function visit(node, scope) {
  note(node, scope);
  const inside = FUNCTIONS.has(node.type) ? { ...scope, inFunction: true } : scope;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') visit(child, inside);
    }
  }
}

function note(node, { text, found, inFunction }) {
  const source = importSource(node);
  if (source !== undefined) {
    const { value: specifier, start, end } = source;
    found.imports.push({ specifier, typeOnly: isTypeOnly(node), line: lineOf(text, node.start), start, end });
  }
  if (!inFunction && isAwait(node)) found.topLevelAwaits.push(lineOf(text, node.start));
}

// `import()` of something computed has no name that we could judge; nothing of ours needs it.
function importSource(node) {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
      return literal(node.source);
    case 'TSImportType':
      return literal(node.source ?? node.argument?.literal ?? node.argument);
    case 'TSExternalModuleReference':
      return literal(node.expression);
    case 'CallExpression':
      return node.callee.type === 'Identifier' && node.callee.name === 'require'
        ? literal(node.arguments[0])
        : undefined;
    default:
      return undefined;
  }
}

function literal(node) {
  return node?.type === 'Literal' && typeof node.value === 'string' ? node : undefined;
}

// `import { type A } from 'x'` still loads x at run time (verbatimModuleSyntax), so only the whole statement counts.
function isTypeOnly(node) {
  return node.type === 'TSImportType' || node.importKind === 'type' || node.exportKind === 'type';
}

function isAwait(node) {
  if (node.type === 'AwaitExpression') return true;
  if (node.type === 'ForOfStatement') return node.await === true;
  return node.type === 'VariableDeclaration' && node.kind === 'await using';
}

function lineOf(text, offset) {
  return text.slice(0, offset).split('\n').length;
}
