/** What the span of a request needs to know: its HTTP library, and the parts that one plugin instance keeps. */
import type { ExceptionLog } from '../exception-log.ts';
import type { RouteEntry, RouteTable } from './route-table.ts';
import type { ServerConfig } from './server-options.ts';
import type { StartLibrary, StartReader } from './server-start.ts';

/** Where an HTTP library keeps what spans are made of. None of these may throw but `forwarded`. */
export interface ServerLibrary<Request, Response> extends StartLibrary<Request> {
  /** The route, if the library knows it before the handler runs. */
  routeAtStart?(request: Request): RouteEntry | undefined;
  /** The route that answered. */
  routeAtEnd(request: Request, atStart: RouteEntry | undefined, statusCode: number): RouteEntry | undefined;
  /** The last error of this request that the library keeps; asked only when the request has failed. */
  errorOf?(request: Request): unknown;
  /** Whether the application took the connection over. */
  isDetached?(request: Request, response: Response): boolean;
}

/** What all spans of one plugin instance share. */
export interface ServerParts<Request, Response> {
  readonly config: ServerConfig<Request, Response>;
  readonly library: ServerLibrary<Request, Response>;
  readonly routes: RouteTable;
  readonly starts: StartReader<Request, Response>;
  readonly exceptions: ExceptionLog;
}
