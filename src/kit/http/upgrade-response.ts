import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { endWith } from "./last-words.ts";

/** What Node's `upgrade` event gives. */
export interface AskedConnection {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
}

/**
 * The response to a request for another protocol, which Node gives a bare connection only; the connection ends with it. Null when the
 * connection still carries the answer to a request before: Node does not wait for that, and two answers cannot go out at once. Nobody asks
 * so but to do harm, and the connection is closed.
 */
export function responseToUpgrade({ request, socket }: AskedConnection): ServerResponse | null {
  // Without a listener the error of a client who vanishes would end the process.
  socket.on("error", () => socket.destroy());
  const response = new ServerResponse(request);
  // Nobody reads further requests from this connection.
  response.shouldKeepAlive = false;
  try {
    // Node gives a net.Socket or a TLSSocket here.
    response.assignSocket(socket as never);
  } catch {
    socket.destroy();
    return null;
  }
  response.once("finish", () => endWith(socket));
  // Node's parser does so for other requests, and is not there any more.
  socket.once("close", () => request.destroy());
  return response;
}
