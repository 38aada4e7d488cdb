import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Has the responses that wait behind another one of their connection close with it, as all others do. Node forgets them when the connection
 * asks for another protocol meanwhile: whoever counts requests or serves a stream would wait for their `close` for ever.
 */
export function closeQueued(server: Server): void {
  // One listener a connection, however many wait on it: Node warns of more than ten on its standard error, past every log.
  const waiting = new WeakMap<Socket, Set<ServerResponse>>();
  const queueOf = (socket: Socket): Set<ServerResponse> => {
    const known = waiting.get(socket);
    if (known !== undefined) return known;
    const queue = new Set<ServerResponse>();
    waiting.set(socket, queue);
    socket.once("close", () => {
      for (const response of queue) response.destroy();
    });
    return queue;
  };
  const watch = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    // The usual case: it has the connection to itself.
    if (response.socket !== null) return;
    const queue = queueOf(socket);
    queue.add(response);
    response.once("close", () => queue.delete(response));
  };
  server.prependListener("request", watch);
  server.prependListener("checkContinue", watch);
}
