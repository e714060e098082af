/** Real servers for the tests, closed with the test. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** An HTTP server. @returns its URL, without a slash at its end */
export async function serve(t: TestContext, listener: RequestListener, host = '127.0.0.1'): Promise<string> {
  return urlOf(await listen(t, createServer(listener), host), host);
}

/** Start an HTTP server on any free port. */
export async function listen(t: TestContext, server: Server, host = '127.0.0.1'): Promise<Server> {
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

export function urlOf(server: Server, host = '127.0.0.1'): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;
}

/** A server on a bare socket: `answer` gets each request's head, and writes what it likes. */
export async function serveRaw(t: TestContext, answer: (socket: Socket, head: string) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end);
        text = text.slice(end + 4);
        answer(socket, head);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The values of a header in a request's head, one per line on the wire. */
export function headerLines(head: string, name: string): string[] {
  const lines = head.split('\r\n').map((line) => line.split(': '));
  return lines.filter(([key]) => key?.toLowerCase() === name).map(([, value]) => value ?? '');
}
