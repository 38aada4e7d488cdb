import type { FastifyInstance } from "fastify";
import type { GrantClaims } from "#contract/grant.ts";
import { runInSite } from "#contract/internal/terminals.ts";
import type { Guard } from "#kit/http/mount.ts";
import { mountSocket } from "#kit/http/socket.ts";
import type { TerminalBook } from "./terminal-book.ts";

/** Serves terminals, and commands that end with their socket. */
export function mountTerminals(app: FastifyInstance, guard: Guard<GrantClaims>, book: TerminalBook): void {
  const at = { app, guard };
  mountSocket(at, runInSite, ({ params, caller }) => book.exec(params.siteId, caller));
}
