import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import type { Component, GrantVerb } from "../grant.ts";
import { siteId, timestamp } from "../site.ts";

// What managers and workers ask of an orchestrator as one of several.
const control: readonly Component[] = ["manager", "worker"];
const may = (verb: GrantVerb) => ({ kind: "component", callers: control, verb }) as const;

/** How an orchestrator is right now: what its heartbeat says. */
export const nodeReport = z.object({
  /** Stays the same when it is started again. */
  id: z.string().regex(/^[a-z0-9-]{1,64}$/),
  host: z.string().max(300),
  version: z.string().max(100),
  runtime: z.string().max(40),
  /** Names the storage of sites' files when several orchestrators share it: those with the same name can take over from each other. Null: they lie here only. */
  storage: z.string().max(64).nullable(),
  startedAt: timestamp,
  cores: z.int().positive(),
  /** Programs that wanted a processor, on average over one, five and fifteen minutes. */
  loadAverage: z.tuple([z.number(), z.number(), z.number()]),
  memoryBytes: z.int().nonnegative(),
  freeMemoryBytes: z.int().nonnegative(),
  freeDiskBytes: z.int().nonnegative(),
  isolates: z.boolean(),
  /** What keeps it from isolating, in words. */
  missing: z.array(z.string()),
  /** Why it can start no program now, in words: its Docker engine does not answer. Absent: it can. */
  trouble: z.string().optional(),
  sites: z.object({ held: z.int().nonnegative(), running: z.int().nonnegative(), frozen: z.int().nonnegative() }),
});
export type NodeReport = z.output<typeof nodeReport>;

export const readNode = endpoint({
  id: "node.read",
  method: "GET",
  path: "/v1/node",
  summary: "Which machine this is and how it is: asked every few seconds, its answer is the heartbeat",
  access: may("platform.read"),
  result: nodeReport,
  status: 200,
});

export const leaveSite = endpoint({
  id: "site.leave",
  method: "POST",
  path: "/v1/sites/:siteId/leave",
  summary: "Another orchestrator is responsible since this placement: stop the program and forget the site, but not its files. Done already is success",
  access: may("site.apply"),
  params: z.object({ siteId }),
  body: z.strictObject({ placement: z.int().positive() }),
  status: 204,
});
