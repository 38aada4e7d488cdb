import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { siteAvailability, siteEgress, siteEnvironment, siteKind, siteLimits, siteNameInput, sitePurpose, siteStatus } from "../site.ts";
import { siteCache } from "../site-cache.ts";
import { auditView, operationView, pageQuery, siteView } from "./views.ts";

const byName = z.object({ name: siteNameInput });

export const createSite = endpoint({
  id: "sites.create",
  method: "POST",
  path: "/api/v1/sites",
  summary: "Create a site, from a starter or empty",
  access: { kind: "platform", verb: "site.create", scope: "full" },
  body: z.strictObject({
    name: siteNameInput,
    kind: siteKind,
    starter: z.string().max(64).optional(),
    purpose: sitePurpose.default("project"),
    /** An image of the catalogue, where sites run in images; null or absent: the default one. */
    image: z.int().positive().nullable().optional(),
    description: z.string().max(2000).default(""),
  }),
  result: z.object({ site: siteView, operation: operationView }),
  status: 201,
  failures: [
    "site_name_invalid",
    "site_name_reserved",
    "site_personal_name_reserved",
    "site_name_taken",
    "site_limit_reached",
    "starter_not_found",
    "interpreter_missing",
    "isolation_missing",
  ],
});

export const listSites = endpoint({
  id: "sites.list",
  method: "GET",
  path: "/api/v1/sites",
  summary: "Sites that I am a member of, by name; administrators may ask for all",
  access: { kind: "signed-in", scope: "read" },
  query: pageQuery.extend({ search: z.string().max(100).optional(), all: z.stringbool().default(false) }),
  result: z.object({ sites: z.array(siteView), next: z.string().nullable() }),
  status: 200,
});

export const readSite = endpoint({
  id: "sites.read",
  method: "GET",
  path: "/api/v1/sites/:name",
  summary: "One site",
  access: { kind: "site", verb: "site.read", scope: "read" },
  params: byName,
  result: z.object({ site: siteView }),
  status: 200,
});

export const updateSite = endpoint({
  id: "sites.update",
  method: "PATCH",
  path: "/api/v1/sites/:name",
  summary: "Change name, description, kind, settings; administrators also availability, limits and egress",
  access: { kind: "site", verb: "site.configure", scope: "full" },
  params: byName,
  body: z.strictObject({
    name: siteNameInput.optional(),
    description: z.string().max(2000).optional(),
    kind: siteKind.optional(),
    settings: z
      .strictObject({
        idleSeconds: z.int().min(10).max(86_400).nullable().optional(),
        botsWake: z.boolean().optional(),
        canRunTwice: z.boolean().optional(),
        timeZone: z.string().max(64).optional(),
      })
      .optional(),
    /** How the router keeps answers of the program; absent fields stay. */
    cache: siteCache.partial().optional(),
    availability: siteAvailability.optional(),
    limits: siteLimits.partial().optional(),
    egress: siteEgress.optional(),
    /** An image of the catalogue, or null for the default one; the program restarts in it. */
    image: z.int().positive().nullable().optional(),
    /** Administrators: a static site gets a file server of its own instead of its place in the shared one. */
    dedicated: z.boolean().optional(),
    /** Why the availability, the limits or the egress change; kept in the audit trail. */
    reason: z.string().trim().max(1000).optional(),
  }),
  result: z.object({ site: siteView, operation: operationView.nullable() }),
  status: 200,
  failures: [
    "site_name_invalid",
    "site_name_reserved",
    "site_name_taken",
    "site_personal_name_fixed",
    "awake_sites_used_up",
    "limits_need_reason",
    "administrators_only",
    "egress_unavailable",
    "dedicated_unavailable",
    "site_busy",
  ],
});

export const deleteSite = endpoint({
  id: "sites.delete",
  method: "DELETE",
  path: "/api/v1/sites/:name",
  summary: "Delete a site with all its files",
  access: { kind: "site", verb: "site.delete", scope: "full" },
  params: byName,
  result: z.object({ operation: operationView }),
  status: 202,
});

const run = (verb: "restart" | "sleep" | "wake", summary: string) =>
  endpoint({
    id: `sites.${verb}`,
    method: "POST",
    path: `/api/v1/sites/:name/${verb}`,
    summary,
    access: { kind: "site", verb: "site.run", scope: "deploy" },
    params: byName,
    result: z.object({ operation: operationView }),
    status: 202,
    failures: ["site_static", "site_disabled", "site_busy"],
  });
export const restartSite = run("restart", "Start a new instance of the program, switch visitors to it, stop the old one");
export const sleepSite = run("sleep", "Stop the program until the next visitor comes");
export const wakeSite = run("wake", "Start the program now");

export const readStatus = endpoint({
  id: "sites.status",
  method: "GET",
  path: "/api/v1/sites/:name/status",
  summary: "What the site's program does right now, and why",
  access: { kind: "site", verb: "site.read", scope: "read" },
  params: byName,
  result: siteStatus,
  status: 200,
});

export const readLogs = endpoint({
  id: "sites.logs",
  method: "GET",
  path: "/api/v1/sites/:name/logs",
  summary:
    "The program's output, what Backlot says and what the router told visitors instead (streams stdout, stderr, platform, router): text, or server-sent events `{line, at, stream}` with follow=true",
  access: { kind: "site", verb: "site.logs", scope: "read" },
  params: byName,
  query: z.strictObject({
    /** As many lines are looked at from the end; `query` and `stream` choose among them. */
    tail: z.coerce.number().int().min(0).max(10_000).default(200),
    follow: z.stringbool().default(false),
    /** Only lines that hold this text, whatever its case. */
    query: z.string().max(200).default(""),
    /** Only these streams, separated by commas: `stderr,router`. */
    stream: z.string().max(100).default(""),
    /** `json` gives a JSON object a line: `{at, stream, line}`. */
    format: z.enum(["text", "json"]).default("text"),
    /** As an attachment, each line with its time and stream. */
    download: z.stringbool().default(false),
  }),
  result: { raw: "text", mediaType: "text/plain; charset=utf-8" },
  status: 200,
});

export const readEnvironment = endpoint({
  id: "sites.environment.read",
  method: "GET",
  path: "/api/v1/sites/:name/environment",
  summary: "The site's own environment variables, with their version as ETag",
  access: { kind: "site", verb: "site.configure", scope: "full" },
  params: byName,
  result: z.object({ environment: siteEnvironment }),
  status: 200,
});

export const writeEnvironment = endpoint({
  id: "sites.environment.write",
  method: "PUT",
  path: "/api/v1/sites/:name/environment",
  summary: "Replace the site's environment variables; the program restarts with them. With If-Match nothing is written over what others have changed since",
  access: { kind: "site", verb: "site.configure", scope: "full" },
  params: byName,
  body: z.strictObject({ environment: siteEnvironment }),
  result: z.object({ operation: operationView.nullable() }),
  status: 200,
  failures: ["environment_changed"],
});

export const listSiteAudit = endpoint({
  id: "sites.audit",
  method: "GET",
  path: "/api/v1/sites/:name/audit",
  summary: "Who did what to this site, newest first",
  access: { kind: "site", verb: "site.configure", scope: "read" },
  params: byName,
  query: pageQuery,
  result: z.object({ entries: z.array(auditView), next: z.string().nullable() }),
  status: 200,
});

export const deploySite = endpoint({
  id: "deployments.create",
  method: "POST",
  path: "/api/v1/sites/:name/deployments",
  summary: "Replace what the last deployment placed by the files of a gzip-compressed tar archive; all or nothing",
  access: { kind: "site", verb: "site.deploy", scope: "deploy" },
  params: byName,
  body: { raw: "bytes", mediaType: "application/gzip" },
  result: z.object({ operation: operationView }),
  status: 202,
  failures: ["archive_invalid", "archive_too_large", "archive_unsafe", "quota_exceeded", "disk_full", "rate_limited", "site_busy"],
});

export const siteEvent = z.object({ site: z.string(), status: siteStatus });
export const followSites = endpoint({
  id: "events.follow",
  method: "GET",
  path: "/api/v1/events",
  summary: "Changes of state of my sites as server-sent events",
  access: { kind: "signed-in", scope: "read" },
  result: { raw: "events", mediaType: "text/event-stream", event: siteEvent },
  status: 200,
  failures: ["stream_limit_reached"],
});

export const siteEndpoints = [
  createSite,
  listSites,
  readSite,
  updateSite,
  deleteSite,
  restartSite,
  sleepSite,
  wakeSite,
  readStatus,
  readLogs,
  readEnvironment,
  writeEnvironment,
  listSiteAudit,
  deploySite,
  followSites,
] as const;
