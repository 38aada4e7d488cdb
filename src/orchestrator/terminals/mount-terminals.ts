import type { FastifyInstance } from "fastify";
import type { GrantClaims } from "#contract/grant.ts";
import { attachTerminal, closeTerminal, listTerminals, openTerminal, runInSite } from "#contract/internal/terminals.ts";
import { type Guard, mount } from "#kit/http/mount.ts";
import { mountSocket } from "#kit/http/socket.ts";
import type { TerminalBook } from "./terminal-book.ts";

/** Serves terminals, and commands that end with their socket. */
export function mountTerminals(app: FastifyInstance, guard: Guard<GrantClaims>, book: TerminalBook): void {
  const at = { app, guard };
  mount(at, openTerminal, async ({ params, caller, body }) => ({ terminal: await book.open(params.siteId, caller, body) }));
  mount(at, listTerminals, async ({ params, caller }) => ({ terminals: book.list(params.siteId, caller) }));
  mount(at, closeTerminal, async ({ params, caller }) => {
    await book.closeOne(params.siteId, caller, params.terminal);
    return undefined;
  });
  mountSocket(at, attachTerminal, async ({ params, query, caller }) => book.attach(params.siteId, caller, { terminal: params.terminal, from: query.from }));
  mountSocket(at, runInSite, ({ params, caller }) => book.exec(params.siteId, caller));
}
