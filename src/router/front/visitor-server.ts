import { createServer, type IncomingMessage, type Server } from "node:http";
import { closeQueued } from "#kit/http/queued-responses.ts";
import { maxHeadBytes, refuseConnect, refuseMalformed } from "#kit/http/refuse-malformed.ts";
import type { Front } from "./front.ts";

/** Sizes and times of visitors' connections. */
export interface VisitorServerOptions {
  readonly front: Pick<Front, "request" | "checkContinue" | "upgrade">;
  readonly maxConnections: number;
}

/** The HTTP server that visitors reach. */
export function createVisitorServer(options: VisitorServerOptions): Server {
  const server = createServer(
    {
      maxHeaderSize: maxHeadBytes,
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
      // Node would refuse it without a word; the front says what is missing.
      requireHostHeader: false,
      optimizeEmptyRequests: true,
      // HTTP/2 in clear text is nothing that sites speak through here: such a request is answered as what it is, HTTP/1.1.
      shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade !== undefined && !/^h2c?$/i.test(request.headers.upgrade),
    },
    options.front.request,
  );
  server.on("checkContinue", options.front.checkContinue);
  server.on("upgrade", options.front.upgrade);
  server.on("connect", refuseConnect);
  server.on("clientError", refuseMalformed);
  closeQueued(server);
  // A connection that could not be accepted, for want of a descriptor, would end the router; whoever opens the server hears of its own failure.
  server.on("error", () => undefined);
  server.maxConnections = options.maxConnections;
  server.maxHeadersCount = 200;
  return server;
}
