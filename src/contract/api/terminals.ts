import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { attachTerminal as attachHeld, heldTerminal, openTerminal as openHeld } from "../internal/terminals.ts";

const access = { kind: "site", verb: "site.shell", scope: "shell" } as const;
const bySite = z.object({ name: z.string() });
const byTerminal = bySite.extend({ terminal: z.string().regex(/^[a-z0-9-]{1,64}$/) });

/** A terminal of mine in a site; it goes on while no page shows it. */
export type TerminalView = z.output<typeof heldTerminal>;

export const listTerminals = endpoint({
  id: "terminals.list",
  method: "GET",
  path: "/api/v1/sites/:name/terminals",
  summary: "My terminals in the site, oldest first",
  access,
  params: bySite,
  result: z.object({ terminals: z.array(heldTerminal) }),
  status: 200,
});

export const openTerminal = endpoint({
  id: "terminals.open",
  method: "POST",
  path: "/api/v1/sites/:name/terminals",
  summary: "Open a terminal: a shell in the site's sandbox, also of a static site",
  access,
  params: bySite,
  body: openHeld.body,
  result: z.object({ terminal: heldTerminal }),
  status: 201,
  failures: ["isolation_missing", "machine_full", "terminal_limit_reached", "site_disabled", "quota_exceeded"],
});

export const closeTerminal = endpoint({
  id: "terminals.close",
  method: "DELETE",
  path: "/api/v1/sites/:name/terminals/:terminal",
  summary: "End a terminal and every program in it; done already is success",
  access,
  params: byTerminal,
  status: 204,
});

export const attachTerminal = endpoint({
  id: "terminals.attach",
  method: "GET",
  path: "/api/v1/sites/:name/terminals/:terminal/socket",
  summary:
    "A WebSocket to a terminal. Binary messages are a channel's byte (0: what is shown or typed, 1: standard error) and then bytes; text messages are JSON: " +
    '{"type":"resize","cols","rows"} and {"type":"signal","name"} to it, {"type":"attached","offset","skipped","end"}, {"type":"exit","code","signal"} and ' +
    '{"type":"closed","reason"} from it. `from` is the byte of the output to go on at',
  access,
  params: byTerminal,
  query: attachHeld.query,
  result: { raw: "socket", mediaType: "application/octet-stream" },
  status: 200,
  failures: ["terminal_not_found", "origin_refused", "component_away"],
});

export const terminalEndpoints = [listTerminals, openTerminal, closeTerminal, attachTerminal] as const;
