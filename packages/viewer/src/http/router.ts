/** From a request to the one route that answers it. Whatever goes wrong there is answered, never thrown. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { discard } from './body.ts';
import { corsHeaders, type GuardOptions, refusal, tokenLogin } from './guard.ts';
import { problem, type Reply, send } from './reply.ts';

/** What a route gets. */
export interface RouteContext {
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  /** What stands for each `{}` of the path, decoded. */
  readonly parameters: readonly string[];
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** Parts are literal, or `{}` for any one part. */
  readonly path: string;
  /** Reads its body itself, and pages of localhost may call it from another port. */
  readonly isReceiver?: boolean;
  readonly answer: (context: RouteContext) => Reply | Promise<Reply>;
}

/** The request listener for these routes. */
export function routeRequests(routes: readonly Route[], guard: GuardOptions): RequestListener {
  return (request, response) => {
    respond(routes, guard, request, response).catch((error: unknown) => {
      send(response, problem(500, 'internal', error instanceof Error ? error.message : String(error)));
    });
  };
}

async function respond(
  routes: readonly Route[],
  guard: GuardOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = parseUrl(request.url ?? '/');
  if (url === undefined) return refuse(request, response, problem(400, 'url', 'the request target is not a URL'));
  const early = tokenLogin(request, url, guard) ?? refusal(request, url.pathname, guard);
  if (early !== undefined) return refuse(request, response, early);
  const matching = routes
    .map((route) => ({ route, parameters: match(route.path, url.pathname) }))
    .filter(hasParameters);
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const found = matching.find(({ route }) => route.method === method);
  // Receivers read their body; any other has to be read away, or the connection cannot serve its next request.
  if (found?.route.isReceiver !== true) discard(request);
  const reply = await (found === undefined
    ? withoutRoute(request, matching)
    : found.route.answer({ request, query: url.searchParams, parameters: found.parameters }));
  const cors = matching.some(({ route }) => route.isReceiver) ? corsHeaders(request) : {};
  send(response, { ...reply, headers: { ...cors, ...reply.headers } });
}

function refuse(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  discard(request);
  send(response, reply);
}

function withoutRoute(request: IncomingMessage, matching: ReadonlyArray<{ readonly route: Route }>): Reply {
  if (matching.length === 0) return problem(404, 'not-found', 'no such route');
  if (request.method === 'OPTIONS') return { status: 204, type: '', body: '' };
  const allow = [...new Set(matching.map(({ route }) => route.method))].join(', ');
  const reply = problem(405, 'method', `${request.method} is not possible here`, `use ${allow}`);
  return { ...reply, headers: { ...reply.headers, allow } };
}

function hasParameters<Entry extends { parameters: readonly string[] | undefined }>(
  entry: Entry,
): entry is Entry & { parameters: readonly string[] } {
  return entry.parameters !== undefined;
}

function match(pattern: string, path: string): readonly string[] | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const parameters: string[] = [];
  for (const [index, part] of wanted.entries()) {
    const actual = given[index] ?? '';
    if (part !== '{}' && part !== actual) return undefined;
    if (part === '{}') parameters.push(decode(actual));
  }
  return parameters;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function parseUrl(target: string): URL | undefined {
  // Put behind a host of our own: a target of `//x` is a path here, and would be a host to the parser.
  const absolute = `http://viewer${target.startsWith('/') ? '' : '/'}${target}`;
  return URL.canParse(absolute) ? new URL(absolute) : undefined;
}
