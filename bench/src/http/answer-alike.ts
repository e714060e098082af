import type { Socket } from 'node:net';

const END_OF_HEAD = '\r\n\r\n';

/**
 * A server of HTTP/1.1 that answers everything alike and at once, as a listener of `connection`: requests without a body,
 * several in one piece or one in several.
 *
 * @param json  body of each answer, ASCII
 * @param headers  further lines of the head, each with its line end
 */
export function answerAlike(json: string, headers = ''): (socket: Socket) => void {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n${headers}`;
  const answer = `${head}\r\n${json}`;
  return (socket) => {
    let open = '';
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('error', () => socket.destroy()); // The client was ended.
    socket.on('data', (text: string) => {
      const heads = (open + text).split(END_OF_HEAD);
      open = heads.pop() ?? '';
      if (heads.length > 0) socket.write(answer.repeat(heads.length));
    });
  };
}
