import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { siteKind } from "../site.ts";

export const starterView = z.object({
  name: z.string(),
  title: z.string(),
  description: z.string(),
  kind: siteKind,
  /** Interpreters that it needs and that this machine lacks. */
  missing: z.array(z.string()),
});

export const readSystem = endpoint({
  id: "system.read",
  method: "GET",
  path: "/api/v1/system",
  summary: "What this installation offers: starters, addresses, isolation",
  access: { kind: "signed-in", scope: "read" },
  result: z.object({
    version: z.string(),
    /** For example `http://{name}.localhost:8080/`. */
    siteUrlPattern: z.string(),
    starters: z.array(starterView),
    isolation: z.object({ isolates: z.boolean(), missing: z.array(z.string()) }),
    /** Whether sites can be let out into the internet here, and what stands in the way or will. */
    egress: z.object({ isAvailable: z.boolean(), notes: z.array(z.string()) }),
    maySitesRun: z.boolean(),
    /** Tasks may run commands, and not only scripts. */
    allowsCommands: z.boolean(),
    /** False while the orchestrator is away; starters are then empty. */
    isOrchestratorThere: z.boolean(),
  }),
  status: 200,
});

export const systemEndpoints = [readSystem] as const;
