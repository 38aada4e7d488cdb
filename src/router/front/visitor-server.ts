import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { endWith } from "#kit/http/last-words.ts";
import { closeQueued } from "#kit/http/queued-responses.ts";
import { isUnanswered } from "#kit/http/refuse-malformed.ts";
import type { Front } from "./front.ts";

/** Sizes and times of visitors' connections. */
export interface VisitorServerOptions {
  readonly front: Front;
  readonly maxConnections: number;
}

const answers: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/** The HTTP server that visitors reach. */
export function createVisitorServer(options: VisitorServerOptions): Server {
  const server = createServer(
    {
      maxHeaderSize: 16 * 1024,
      headersTimeout: 20_000,
      // Uploads and WebSockets may take as long as they move; the proxy ends those that do not.
      requestTimeout: 0,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: 5_000,
      // Finds visitors who vanished without a word.
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
      noDelay: true,
      insecureHTTPParser: false,
      requireHostHeader: true,
      optimizeEmptyRequests: true,
      // HTTP/2 in clear text is nothing that sites speak through here: such a request is answered as what it is, HTTP/1.1.
      shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade !== undefined && !/^h2c?$/i.test(request.headers.upgrade),
    },
    options.front.request,
  );
  server.on("checkContinue", options.front.checkContinue);
  server.on("upgrade", options.front.upgrade);
  server.on("clientError", refuseMalformed);
  closeQueued(server);
  // A connection that could not be accepted, for want of a descriptor, would end the router; whoever opens the server hears of its own failure.
  server.on("error", () => undefined);
  server.maxConnections = options.maxConnections;
  server.maxHeadersCount = 200;
  return server;
}

function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !isUnanswered(socket)) {
    socket.destroy();
    return;
  }
  const status = answers[error.code ?? ""] ?? "400 Bad Request";
  const body = `${status}\nThis request cannot be understood. Load the page again.\n`;
  endWith(socket, `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}
