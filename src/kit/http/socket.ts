import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { type WebSocket, WebSocketServer } from "ws";
import type { EndpointShape, ParamsOf, QueryOf } from "#contract/endpoint.ts";
import { Failure } from "#contract/failure.ts";
import type { Guard } from "./mount.ts";
import { parseInput } from "./parse-input.ts";
import { keepAlive } from "./socket-flow.ts";
import { responseToUpgrade } from "./upgrade-response.ts";

/** What a handler of a socket gets before there is one: everything parsed, nothing upgraded. */
export interface SocketCall<E extends EndpointShape, Caller> {
  readonly params: ParamsOf<E>;
  readonly query: QueryOf<E>;
  readonly caller: Caller;
  readonly request: FastifyRequest;
  /** Aborted when the connection ends, before or after the upgrade. */
  readonly signal: AbortSignal;
}

/** Takes the open socket. What arrives before it listens is lost, so it listens at once. */
export type TakeSocket = (socket: WebSocket) => void;

/**
 * Decides whether a socket may be opened: a failure that it throws is answered as an ordinary problem document, and nothing is upgraded.
 * What it resolves to takes the socket.
 */
export type SocketHandler<E extends EndpointShape, Caller> = (call: SocketCall<E, Caller>) => Promise<TakeSocket>;

/** The largest message that a client may send, in bytes; it is taken whole into memory. */
export const maxMessageBytes = 256 * 1024;

interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
}

const upgrades = new WeakMap<IncomingMessage, Upgrade>();
const servers = new WeakMap<FastifyInstance, WebSocketServer>();

/**
 * Serves one endpoint whose result is a socket. The guard judges the request's head as for every other endpoint; only then, and when the
 * handler agrees, does the connection become a WebSocket. Without an upgrade the answer is 426.
 */
export function mountSocket<const E extends EndpointShape, Caller>(
  at: { readonly app: FastifyInstance; readonly guard: Guard<Caller> },
  shape: E,
  handler: SocketHandler<E, Caller>,
): void {
  const { app, guard } = at;
  const server = servers.get(app) ?? acceptUpgrades(app);
  const callers = new WeakMap<FastifyRequest, Caller>();
  app.route({
    method: "GET",
    url: shape.path,
    config: { endpoint: shape },
    exposeHeadRoute: false,
    onRequest: async (request) => void callers.set(request, await guard(shape, request)),
    handler: async (request, reply) => {
      const upgrade = upgrades.get(request.raw);
      if (upgrade === undefined) throw new Failure("socket_expected");
      const call = {
        params: parseInput(shape.params, request.params),
        query: parseInput(shape.query, request.query),
        caller: callers.get(request) as Caller,
        request,
        signal: closingOf(upgrade.socket),
      };
      // The parts were parsed by the shape's own schemas just above.
      const take = await handler(call as SocketCall<E, Caller>);
      reply.hijack();
      reply.raw.detachSocket(request.raw.socket);
      server.handleUpgrade(request.raw, upgrade.socket, upgrade.head, (socket) => {
        // An invalid frame: `ws` has closed it already.
        socket.on("error", (err) => request.log.debug({ err }, "a socket failed"));
        keepAlive(socket);
        take(socket);
      });
    },
  });
}

/** Has requests that ask for an upgrade go through the routes, their guards and their error handler like all others. */
function acceptUpgrades(app: FastifyInstance): WebSocketServer {
  const server = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false, clientTracking: true });
  servers.set(app, server);
  app.server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const response = responseToUpgrade({ request, socket });
    if (response === null) return;
    upgrades.set(request, { socket, head });
    app.routing(request, response);
  });
  app.addHook("preClose", async () => {
    for (const socket of server.clients) socket.close(1001, "stopping");
    // Whoever does not answer the closing in time is cut off.
    setTimeout(() => endAll(server), closingMs).unref();
  });
  app.addHook("onClose", async () => endAll(server));
  return server;
}

const closingMs = 500;

function endAll(server: WebSocketServer): void {
  for (const socket of server.clients) socket.terminate();
}

function closingOf(socket: Duplex): AbortSignal {
  const controller = new AbortController();
  if (socket.destroyed) controller.abort();
  socket.once("close", () => controller.abort(new Error("the client went away")));
  return controller.signal;
}
