import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import type { Component, GrantVerb } from "../grant.ts";
import { siteId, siteKind, siteStatus, timestamp } from "../site.ts";
import { siteAddress, siteSpec } from "../site-spec.ts";
import { leaveSite, readNode } from "./nodes.ts";
import { routerKey, siteRestEndpoints } from "./site-rest.ts";

const control: readonly Component[] = ["manager", "worker"];
const byId = z.object({ siteId });
const may = (verb: GrantVerb, callers: readonly Component[] = control) => ({ kind: "component", callers, verb }) as const;

export const applySite = endpoint({
  id: "site.apply",
  method: "PUT",
  path: "/v1/sites/:siteId",
  summary: "Make the site's folders if they are absent and remember its specification; stops what may not run any more",
  access: may("site.apply"),
  params: byId,
  body: siteSpec,
  status: 204,
});

export const removeSite = endpoint({
  id: "site.remove",
  method: "DELETE",
  path: "/v1/sites/:siteId",
  summary: "Stop the site's program and delete everything of it; done already is success",
  access: may("site.remove"),
  params: byId,
  status: 204,
});

export const listHeldSites = endpoint({
  id: "site.list",
  method: "GET",
  path: "/v1/sites",
  summary: "Sites that this orchestrator holds, with revision and state: what the reconciler compares",
  access: may("platform.read"),
  result: z.object({ sites: z.array(z.object({ siteId: z.int(), revision: z.int(), status: siteStatus })) }),
  status: 200,
});

export const wakeSite = endpoint({
  id: "site.wake",
  method: "POST",
  path: "/v1/sites/:siteId/wake",
  summary: "Start the program unless it runs, let it go on where it is frozen, and answer when its port is open; waiting callers share one start",
  access: may("site.wake", ["manager", "worker", "router"]),
  params: byId,
  /** A router that says who it is sends visitors there from now on: see `claimInstances`. */
  query: z.strictObject({ router: routerKey.optional() }),
  result: z.object({ address: siteAddress, instance: z.string(), bootMs: z.number() }),
  status: 200,
  failures: ["run_file_missing", "site_not_listening", "site_crashed", "site_not_served", "isolation_missing", "machine_full"],
});

export const sleepSite = endpoint({
  id: "site.sleep",
  method: "POST",
  path: "/v1/sites/:siteId/sleep",
  summary: "Stop the program; the caller has drained it before. With `instance`, only if that one still runs; with `router`, once no other one sends to it",
  access: may("site.sleep", ["manager", "worker", "router"]),
  params: byId,
  body: z.strictObject({ instance: z.string().optional(), router: routerKey.optional() }),
  result: z.object({ status: siteStatus }),
  status: 200,
});

export const startInstance = endpoint({
  id: "site.instance.start",
  method: "PUT",
  path: "/v1/sites/:siteId/instances/:instance",
  summary:
    "Restart, first half: start a second instance under this key and answer when it listens; it becomes the site's current one. Again with the same key: the same answer",
  access: may("site.run"),
  params: byId.extend({ instance: z.string().regex(/^[a-z0-9-]{1,64}$/) }),
  result: z.object({ address: siteAddress, instance: z.string(), bootMs: z.number() }),
  status: 200,
  failures: ["run_file_missing", "site_not_listening", "site_crashed", "isolation_missing", "machine_full"],
});

export const retireInstances = endpoint({
  id: "site.instance.retire",
  method: "DELETE",
  path: "/v1/sites/:siteId/instances",
  summary: "Restart, second half: stop every instance but the current one",
  access: may("site.run"),
  params: byId,
  status: 204,
});

export const readSiteStatus = endpoint({
  id: "site.status",
  method: "GET",
  path: "/v1/sites/:siteId/status",
  summary: "What the program does right now, and why",
  access: may("site.status"),
  params: byId,
  result: siteStatus,
  status: 200,
});

export const siteStatusEvent = z.object({ siteId: z.int(), status: siteStatus });
export const followStatuses = endpoint({
  id: "site.status.follow",
  method: "GET",
  path: "/v1/events",
  summary: "First the status of every site that is not at rest, then every change, as server-sent events",
  access: may("platform.read"),
  result: { raw: "events", mediaType: "text/event-stream", event: siteStatusEvent },
  status: 200,
});

/** `platform` is what Backlot itself says (started, stopped, crashed), `router` what visitors were told instead of the program's answer. */
export const logStreams = ["stdout", "stderr", "platform", "router"] as const;
export const logLine = z.object({
  at: timestamp,
  stream: z.enum(logStreams),
  line: z.string(),
});
export type LogLine = z.output<typeof logLine>;
export const readSiteLogs = endpoint({
  id: "site.logs",
  method: "GET",
  path: "/v1/sites/:siteId/logs",
  summary: "The last lines of output, then with follow=true the lines to come, one JSON object a line",
  access: may("site.logs"),
  params: byId,
  query: z.strictObject({
    /** As many lines are looked at from the end; `query` and `stream` choose among them. */
    tail: z.coerce.number().int().min(0).max(10_000).default(200),
    follow: z.stringbool().default(false),
    /** Only lines that hold this text, whatever its case. */
    query: z.string().max(200).default(""),
    /** Only what came this way; several are separated by commas. */
    stream: z.string().max(100).default(""),
  }),
  result: { raw: "text", mediaType: "application/x-ndjson" },
  status: 200,
});

export const reportToLog = endpoint({
  id: "site.logs.report",
  method: "POST",
  path: "/v1/sites/:siteId/logs",
  summary: "Add to the site's log what went wrong between a visitor and its program; said seldom enough by the router, and bounded here too",
  access: may("site.report", ["router"]),
  params: byId,
  body: z.strictObject({ lines: z.array(z.string().max(2000)).min(1).max(50) }),
  status: 204,
});

const uploadId = z.string().regex(/^[a-z0-9-]{8,64}$/);
export const uploadArchive = endpoint({
  id: "upload.write",
  method: "PUT",
  path: "/v1/sites/:siteId/uploads/:uploadId",
  summary: "Store a gzip-compressed tar for a deployment, after fsync; kept for a day unless deployed",
  access: may("site.deploy"),
  params: byId.extend({ uploadId }),
  body: { raw: "bytes", mediaType: "application/gzip" },
  result: z.object({ size: z.int(), sha256: z.string() }),
  status: 200,
});

export const unpackUpload = endpoint({
  id: "deployment.unpack",
  method: "POST",
  path: "/v1/sites/:siteId/deployments/:uploadId/unpack",
  summary: "Check the archive and unpack it beside the site; nothing of the site changes. Again: the same answer",
  access: may("site.deploy"),
  params: byId.extend({ uploadId }),
  result: z.object({ files: z.int(), bytes: z.int() }),
  status: 200,
});

export const placeDeployment = endpoint({
  id: "deployment.place",
  method: "POST",
  path: "/v1/sites/:siteId/deployments/:uploadId/place",
  summary:
    "Put the unpacked files in place by a crash-safe journal, and remove what the deployment before placed and this one lacks. Again: the same answer. What is refused is forgotten: its archive has to be sent again",
  access: may("site.deploy"),
  params: byId.extend({ uploadId }),
  result: z.object({ written: z.int(), removed: z.int() }),
  status: 200,
});

export const placeStarter = endpoint({
  id: "starter.place",
  method: "POST",
  path: "/v1/sites/:siteId/starter",
  summary: "Copy a starter's files into the site where nothing is in the way. Again: success",
  access: may("site.deploy"),
  params: byId,
  body: z.strictObject({ starter: z.string().max(64) }),
  status: 204,
});

export const starterOffer = z.object({
  name: z.string(),
  title: z.string(),
  description: z.string(),
  kind: siteKind,
  /** Interpreters that it needs, such as `python3`. */
  needs: z.array(z.string()),
});
export const readCapabilities = endpoint({
  id: "capabilities.read",
  method: "GET",
  path: "/v1/capabilities",
  summary: "What this machine can do: isolation, limits, interpreters, starters",
  access: may("platform.read"),
  result: z.object({
    /** Whether one site's program is kept from every other's and from the platform. */
    isolates: z.boolean(),
    /** What keeps it from isolating, in words: `bubblewrap is not installed`. */
    missing: z.array(z.string()),
    /** Which limits really hold here. */
    limits: z.object({ memory: z.boolean(), cpu: z.boolean(), pids: z.boolean() }),
    /** Whether an idle program can be frozen; where not, `freezeNote` says why. */
    freezes: z.boolean(),
    freezeNote: z.string().nullable(),
    /** Whether sites can be let out into the internet; `notes` say what stands in the way, or will when one tries. */
    egress: z.object({ isAvailable: z.boolean(), notes: z.array(z.string()) }),
    /** Whether static sites can have a file server of their own; absent: they cannot. */
    dedicates: z.boolean().optional(),
    /** Name → version of what sites can run. */
    interpreters: z.record(z.string(), z.string()),
    starters: z.array(starterOffer),
  }),
  status: 200,
});
export type Capabilities = z.output<typeof readCapabilities.result>;

export const pushEpochs = endpoint({
  id: "epochs.push",
  method: "POST",
  path: "/v1/epochs",
  summary: "From now on refuse grants of earlier epochs, and close what they opened",
  access: may("platform.epochs", ["manager"]),
  body: z.strictObject({
    sites: z.array(z.tuple([z.int().positive(), z.int().nonnegative()])),
    users: z.array(z.tuple([z.int().positive(), z.int().nonnegative()])),
  }),
  status: 204,
});

export const orchestratorEndpoints = [
  applySite,
  removeSite,
  listHeldSites,
  wakeSite,
  sleepSite,
  ...siteRestEndpoints,
  startInstance,
  retireInstances,
  readSiteStatus,
  followStatuses,
  readSiteLogs,
  reportToLog,
  uploadArchive,
  unpackUpload,
  placeDeployment,
  placeStarter,
  readCapabilities,
  readNode,
  leaveSite,
  pushEpochs,
] as const;
