/** The shape of Express 4.18–5 and of `router` 2 as far as we read it. Nothing here is written to but what is not `readonly`. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** A path as Express takes it. */
export type Path = string | RegExp | readonly Path[];

/** What `req.route` is. */
export interface Route {
  readonly path: Path;
  readonly stack: readonly Layer[];
}

export type Next = (error?: unknown) => void;
export type HandleRequest = (req: IncomingMessage, res: ServerResponse, next: Next) => void;
export type HandleError = (error: unknown, req: IncomingMessage, res: ServerResponse, next: Next) => void;

/** What Express 4 compiles a path to. */
export type Express4Path = RegExp & { readonly fast_slash?: boolean; readonly fast_star?: boolean };

/** router 2: one of a layer's paths. Throws for parameters that cannot be decoded. */
export type Matcher = (
  path: string,
) => false | { readonly path: string; readonly params: Readonly<Record<string, unknown>> };

/** One entry of a router's stack. */
export interface Layer {
  readonly route?: Route | undefined;
  readonly handle: { readonly name: string; readonly length: number; readonly stack?: readonly Layer[] };
  /** That of its function, or `<anonymous>`. */
  readonly name: string;
  /** Express 4. */
  handle_request?: HandleRequest;
  /** Express 4. */
  handle_error?: HandleError;
  /** router 2. */
  handleRequest?: HandleRequest;
  /** router 2. */
  handleError?: HandleError;
  /** router 2.3 and newer: the path as it was given. */
  readonly rawPath?: Path;
  /** Express 4: the compiled path. */
  readonly regexp?: Express4Path;
  /** Express 4: its parameters. */
  readonly keys?: ReadonlyArray<{ readonly name: string | number }>;
  /** router 2: true when the path is `/` and the beginning of every path. */
  readonly slash?: boolean;
  /** router 2: one for each path of an array. */
  readonly matchers?: readonly Matcher[];
  /** router 2.3 and newer answers with the match, older ones with `true`. Throws for parameters that cannot be decoded. */
  match(path: string): boolean | { readonly path: string; readonly pattern: string | RegExp };
}

/** An application. */
export interface Application {
  readonly settings: Record<string, unknown>;
  /** Express 5: made when it is first read, with the settings of that moment. */
  readonly router?: { readonly stack?: readonly Layer[] };
  /** Express 4: there as soon as something is mounted. Its `router` throws. */
  readonly _router?: { readonly stack?: readonly Layer[] };
  /** The application that this one is mounted on. */
  readonly parent?: Application;
  readonly mountpath?: Path;
}

/** A request as Express hands it on. */
export interface Request extends IncomingMessage {
  readonly originalUrl?: string;
  readonly app?: Application;
  readonly route?: Route;
  readonly ip?: string;
}
