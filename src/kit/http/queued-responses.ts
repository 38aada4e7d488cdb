import type { IncomingMessage, Server, ServerResponse } from "node:http";

/**
 * Has the responses that wait behind another one of their connection close with it, as all others do. Node forgets them when the connection
 * asks for another protocol meanwhile: whoever counts requests or serves a stream would wait for their `close` for ever.
 */
export function closeQueued(server: Server): void {
  const watch = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    // The usual case: it has the connection to itself.
    if (response.socket !== null) return;
    const onClose = (): void => void response.destroy();
    socket.once("close", onClose);
    response.once("close", () => socket.off("close", onClose));
  };
  server.prependListener("request", watch);
  server.prependListener("checkContinue", watch);
}
