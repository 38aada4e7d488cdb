import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { Failure } from "#contract/failure.ts";
import type { Log } from "../log.ts";
import { openFiles } from "../open-files.ts";

/** More than that nobody has use for: each costs memory. */
const mostUseful = 10_000;
const retryAfterSeconds = 5;
const complainEveryMs = 60_000;
/** Looking for idle ones takes a pass over all. */
const clearEveryMs = 100;
/** Whoever looks after the process is answered all the same. */
const health = new Set(["/healthz", "/readyz", "/metrics"]);

/** How many connections one server may hold: half of the files that the process may open, the rest is for files, the database and other doors. */
export function mostConnections(files: number): number {
  return Math.max(50, Math.min(mostUseful, Math.floor(files / 2)));
}

/**
 * Bounds the connections of a server, so that nobody takes the files that the process needs for its own work. Whoever comes above the bound
 * pushes out those that are idle, and else hears that the server is busy; far above it connections are closed unread.
 */
export function limitConnections(app: FastifyInstance, log: Log, most = mostConnections(openFiles())): void {
  const { server } = app;
  const surplus = new WeakSet<Socket>();
  let open = 0;
  let complainedAt = Number.NEGATIVE_INFINITY;
  let clearedAt = Number.NEGATIVE_INFINITY;
  const complain = (): void => {
    if (performance.now() - complainedAt < complainEveryMs) return;
    complainedAt = performance.now();
    log.warn({ most }, "too many connections");
  };
  server.maxConnections = Math.ceil(most * 1.2);
  server.on("connection", (socket: Socket) => {
    open += 1;
    socket.once("close", () => {
      open -= 1;
    });
    if (open <= most) return;
    surplus.add(socket);
    complain();
    if (performance.now() - clearedAt < clearEveryMs) return;
    clearedAt = performance.now();
    server.closeIdleConnections();
  });
  server.on("drop", complain);
  // A connection that could not be accepted, for want of a descriptor. Without a listener that would end the process.
  server.on("error", (err) => {
    if (server.listening) log.warn({ err }, "a connection could not be taken");
  });
  app.addHook("onRequest", async (request, reply) => {
    if (open <= most || !surplus.has(request.raw.socket) || health.has(request.raw.url ?? "")) return;
    reply.header("connection", "close");
    throw new Failure("server_busy", { retryAfterSeconds });
  });
}
