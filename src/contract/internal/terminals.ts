import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import type { Component } from "../grant.ts";
import { siteId, timestamp } from "../site.ts";
import { terminalEnvironment, terminalSize } from "../terminal.ts";

// Terminals and commands inside a site's sandbox: what the dashboard and SSH stand on. The grant names the person; nobody sees another's terminals.
const callers: readonly Component[] = ["manager", "shell"];
const access = { kind: "component", callers, verb: "site.shell" } as const;
const bySite = z.object({ siteId });
const byTerminal = bySite.extend({ terminal: z.string().regex(/^[a-z0-9-]{1,64}$/) });

/** A terminal that goes on whether or not somebody looks at it. */
export const heldTerminal = z.object({
  id: z.string(),
  startedAt: timestamp,
  /** When something was typed last. */
  usedAt: timestamp,
  size: terminalSize,
  /** What the program calls itself (the title that it set); null until it does. */
  title: z.string().nullable(),
  isAttached: z.boolean(),
});
export type HeldTerminal = z.output<typeof heldTerminal>;

export const openTerminal = endpoint({
  id: "terminal.open",
  method: "POST",
  path: "/v1/sites/:siteId/terminals",
  summary: "Start a shell in the site's sandbox on a terminal of its own",
  access,
  params: bySite,
  body: z.strictObject({ size: terminalSize, environment: terminalEnvironment.default({}) }),
  result: z.object({ terminal: heldTerminal }),
  status: 201,
  failures: ["isolation_missing", "machine_full"],
});

export const listTerminals = endpoint({
  id: "terminal.list",
  method: "GET",
  path: "/v1/sites/:siteId/terminals",
  summary: "The caller's terminals in this site, oldest first",
  access,
  params: bySite,
  result: z.object({ terminals: z.array(heldTerminal) }),
  status: 200,
});

export const closeTerminal = endpoint({
  id: "terminal.close",
  method: "DELETE",
  path: "/v1/sites/:siteId/terminals/:terminal",
  summary: "End a terminal and every program in it; done already is success",
  access,
  params: byTerminal,
  status: 204,
});

export const attachTerminal = endpoint({
  id: "terminal.attach",
  method: "GET",
  path: "/v1/sites/:siteId/terminals/:terminal/socket",
  summary: "Type into a terminal and see what it shows, from a byte of its scroll-back on; the protocol of contract/terminal.ts",
  access,
  params: byTerminal,
  query: z.strictObject({ from: z.coerce.number().int().nonnegative().default(0) }),
  result: { raw: "socket", mediaType: "application/octet-stream" },
  status: 200,
});

export const runInSite = endpoint({
  id: "terminal.exec",
  method: "GET",
  path: "/v1/sites/:siteId/exec",
  summary: "Run a command or a shell that ends with its socket; the first message says which (contract/terminal.ts)",
  access,
  params: bySite,
  result: { raw: "socket", mediaType: "application/octet-stream" },
  status: 200,
  failures: ["isolation_missing", "machine_full"],
});

export const terminalEndpoints = [openTerminal, listTerminals, closeTerminal, attachTerminal, runInSite] as const;
