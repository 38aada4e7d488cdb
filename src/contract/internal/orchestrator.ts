import { z } from "zod";
import { folderListing } from "../api/files.ts";
import { endpoint } from "../endpoint.ts";
import type { Component, GrantVerb } from "../grant.ts";
import { folderId, siteId, siteKind, siteStatus, timestamp } from "../site.ts";
import { siteAddress, siteSpec } from "../site-spec.ts";

const control: readonly Component[] = ["manager", "worker"];
/** Who reads and writes files: the doors too, with the grant of the person who signed in there. */
const filers: readonly Component[] = [...control, "shell", "ftp"];
const byId = z.object({ siteId });
/** Where files are: a site, or by the number 0 the installation's home folder. */
const byFolder = z.object({ siteId: folderId });
const may = (verb: GrantVerb, callers: readonly Component[] = control) => ({ kind: "component", callers, verb }) as const;
/** A path inside the site as people write it: `public/a b.html`, "" is the site's folder. */
const path = z.string().max(4096);

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
  summary: "Start the program unless it runs, and answer when its port is open; waiting callers share one start",
  access: may("site.wake", ["manager", "worker", "router"]),
  params: byId,
  result: z.object({ address: siteAddress, instance: z.string(), bootMs: z.number() }),
  status: 200,
  failures: ["run_file_missing", "site_not_listening", "site_crashed", "site_not_served", "isolation_missing", "machine_full"],
});

export const sleepSite = endpoint({
  id: "site.sleep",
  method: "POST",
  path: "/v1/sites/:siteId/sleep",
  summary: "Stop the program; the caller has drained it before. With `instance`, only if that one still runs",
  access: may("site.sleep", ["manager", "worker", "router"]),
  params: byId,
  body: z.strictObject({ instance: z.string().optional() }),
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

export const logLine = z.object({
  at: timestamp,
  /** `platform` is what Backlot itself says: started, stopped, crashed. */
  stream: z.enum(["stdout", "stderr", "platform"]),
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
  query: z.strictObject({ tail: z.coerce.number().int().min(0).max(10_000).default(200), follow: z.stringbool().default(false) }),
  result: { raw: "text", mediaType: "application/x-ndjson" },
  status: 200,
});

export const listFolder = endpoint({
  id: "folder.list",
  method: "GET",
  path: "/v1/sites/:siteId/folder",
  summary: "A folder's entries, folders first, then by name",
  access: may("site.files.read", filers),
  params: byFolder,
  query: z.strictObject({ path: path.default("") }),
  result: folderListing,
  status: 200,
});

export const makeFolder = endpoint({
  id: "folder.make",
  method: "POST",
  path: "/v1/sites/:siteId/folder",
  summary: "Make a folder and its parents; there already is success",
  access: may("site.files.write", filers),
  params: byFolder,
  body: z.strictObject({ path }),
  status: 204,
});

export const readSiteFile = endpoint({
  id: "file.read",
  method: "GET",
  path: "/v1/sites/:siteId/file",
  summary: "A file's bytes; honours Range and If-None-Match, sends ETag = quoted sha256",
  access: may("site.files.read", filers),
  params: byFolder,
  query: z.strictObject({
    path,
    /** Without a tag nothing is read twice: for those who take a large file and compare nothing. */
    tag: z.stringbool().default(true),
  }),
  result: { raw: "bytes", mediaType: "application/octet-stream" },
  status: 200,
});

export const writeSiteFile = endpoint({
  id: "file.write",
  method: "PUT",
  path: "/v1/sites/:siteId/file",
  summary: "Write a file whole, atomically, after fsync; parents are made; refused when it is not what the caller expects",
  access: may("site.files.write", filers),
  params: byFolder,
  query: z.strictObject({
    path,
    /** The sha256 that the file must have now. */
    expect: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
    /** The file must not exist yet. */
    absent: z.stringbool().default(false),
  }),
  body: { raw: "bytes", mediaType: "application/octet-stream" },
  result: z.object({ created: z.boolean(), sha256: z.string(), size: z.int() }),
  status: 200,
});

export const deleteSitePath = endpoint({
  id: "path.delete",
  method: "DELETE",
  path: "/v1/sites/:siteId/path",
  summary: "Delete a file or link, or a folder (with everything in it by recursive=true)",
  access: may("site.files.write", filers),
  params: byFolder,
  query: z.strictObject({ path, recursive: z.stringbool().default(false) }),
  status: 204,
});

export const moveSitePath = endpoint({
  id: "path.move",
  method: "POST",
  path: "/v1/sites/:siteId/move",
  summary: "Move or rename inside the site; refuses a target that exists, unless with `replace` a file takes the place of a file",
  access: may("site.files.write", filers),
  params: byFolder,
  body: z.strictObject({ from: path, to: path, replace: z.boolean().optional() }),
  status: 204,
});

export const setExecutable = endpoint({
  id: "path.executable",
  method: "POST",
  path: "/v1/sites/:siteId/executable",
  summary: "Set or clear the executable bit of a file",
  access: may("site.files.write", filers),
  params: byFolder,
  body: z.strictObject({ path, executable: z.boolean() }),
  status: 204,
});

export const readArchive = endpoint({
  id: "archive.read",
  method: "GET",
  path: "/v1/sites/:siteId/archive",
  summary: "A folder as a zip archive, streamed",
  access: may("site.files.read"),
  params: byId,
  query: z.strictObject({ path: path.default("") }),
  result: { raw: "bytes", mediaType: "application/zip" },
  status: 200,
});

export const readSiteUsage = endpoint({
  id: "usage.read",
  method: "GET",
  path: "/v1/sites/:siteId/usage",
  summary: "Bytes and files used, by a scan that is at most a minute old",
  access: may("site.status"),
  params: byId,
  result: z.object({ bytes: z.int(), files: z.int() }),
  status: 200,
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
  summary: "Put the unpacked files in place by a crash-safe journal, and remove what the deployment before placed and this one lacks. Again: the same answer",
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
    /** Whether sites can be let out into the internet; `notes` say what stands in the way, or will when one tries. */
    egress: z.object({ isAvailable: z.boolean(), notes: z.array(z.string()) }),
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
  startInstance,
  retireInstances,
  readSiteStatus,
  followStatuses,
  readSiteLogs,
  listFolder,
  makeFolder,
  readSiteFile,
  writeSiteFile,
  deleteSitePath,
  moveSitePath,
  setExecutable,
  readArchive,
  readSiteUsage,
  uploadArchive,
  unpackUpload,
  placeDeployment,
  placeStarter,
  readCapabilities,
  pushEpochs,
] as const;
