import { z } from "zod";
import { deletedFolder, fileSearch, fileVersion, folderListing, searchQuery, siteChange } from "../api/files.ts";
import { endpoint } from "../endpoint.ts";
import type { Component, GrantVerb } from "../grant.ts";
import { folderId, siteId, timestamp } from "../site.ts";

const control: readonly Component[] = ["manager", "worker"];
/** Who reads and writes files: the doors too, with the grant of the person who signed in there. */
const filers: readonly Component[] = [...control, "shell", "ftp"];
const byId = z.object({ siteId });
/** Where files are: a site, or by the number 0 the installation's home folder. */
const byFolder = z.object({ siteId: folderId });
const may = (verb: GrantVerb, callers: readonly Component[] = control) => ({ kind: "component", callers, verb }) as const;
/** A path inside the site as people write it: `public/a b.html`, "" is the site's folder. */
const path = z.string().max(4096);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** What must be there for a write to take place; otherwise `file_changed`. */
const guard = {
  /** The sha256 that the file must have now. */
  expect: sha256.optional(),
  /** The file must not exist yet. */
  absent: z.boolean().default(false),
};

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
    expect: sha256.optional(),
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

export const copySitePath = endpoint({
  id: "path.copy",
  method: "POST",
  path: "/v1/sites/:siteId/copy",
  summary: "Copy a file, link or folder inside the site, whole or not at all; refuses a target that exists. Pipes and the like are left out",
  access: may("site.files.write", filers),
  params: byFolder,
  body: z.strictObject({ from: path, to: path }),
  result: z.object({ files: z.int(), bytes: z.int() }),
  status: 200,
  failures: ["file_not_found", "file_exists", "quota_exceeded", "disk_full", "path_invalid"],
});

export const listVersions = endpoint({
  id: "history.list",
  method: "GET",
  path: "/v1/sites/:siteId/history",
  summary: "Earlier versions of the file at a path, or with deleted=true the newest version of each deleted file below it; newest first",
  access: may("site.files.read", filers),
  params: byFolder,
  query: z.strictObject({ path: path.default(""), deleted: z.stringbool().default(false) }),
  result: z.object({ versions: z.array(fileVersion), truncated: z.boolean(), folders: z.array(deletedFolder).default([]) }),
  status: 200,
});

const version = z.string().regex(/^[0-9a-f-]{8,64}$/);
export const readVersion = endpoint({
  id: "history.read",
  method: "GET",
  path: "/v1/sites/:siteId/versions/:version",
  summary: "The bytes of an earlier version, with ETag = quoted sha256 and its path in `x-file-path` (percent-encoded)",
  access: may("site.files.read", filers),
  params: byFolder.extend({ version }),
  result: { raw: "bytes", mediaType: "application/octet-stream" },
  status: 200,
  failures: ["version_not_found"],
});

export const restoreVersion = endpoint({
  id: "history.restore",
  method: "POST",
  path: "/v1/sites/:siteId/restore",
  summary: "Write an earlier version to a path, as a write that keeps what was there before it",
  access: may("site.files.write", filers),
  params: byFolder,
  body: z.strictObject({ version, path, ...guard }),
  result: z.object({ created: z.boolean(), sha256: z.string(), size: z.int() }),
  status: 200,
  failures: ["version_not_found", "file_changed", "quota_exceeded", "disk_full"],
});

export const searchFiles = endpoint({
  id: "files.search",
  method: "GET",
  path: "/v1/sites/:siteId/search",
  summary: "Lines that hold a text or match a pattern, bounded in files, bytes, matches and time",
  access: may("site.files.read"),
  params: byId,
  query: searchQuery,
  result: fileSearch,
  status: 200,
  failures: ["pattern_invalid", "rate_limited"],
});

export const followChanges = endpoint({
  id: "files.changes",
  method: "GET",
  path: "/v1/sites/:siteId/changes",
  summary: "Changes in the named folders (not below them), whoever makes them, as server-sent events",
  access: may("site.files.read"),
  params: byId,
  query: z.strictObject({ folder: z.union([path, z.array(path).max(64)]).default("") }),
  result: { raw: "events", mediaType: "text/event-stream", event: siteChange },
  status: 200,
});

/** What somebody did to a site's files, several of one kind in a row as one. */
export const fileDeed = z.object({
  siteId: folderId,
  siteName: z.string(),
  /** Null: a component on its own, such as a deployment. */
  userId: z.int().nullable(),
  userName: z.string().nullable(),
  /** `web`, `api`, `sftp`, `ftp`; a component's name where the grant does not say. */
  door: z.string(),
  address: z.string().nullable(),
  /** `files.delete`, `files.overwrite`, `files.move`, `files.restore`. */
  action: z.string(),
  /** How many there were, and the first few of them. */
  count: z.int().positive(),
  paths: z.array(z.string()),
  at: timestamp,
});
export type FileDeed = z.output<typeof fileDeed>;

export const collectDeeds = endpoint({
  id: "deeds.collect",
  method: "POST",
  path: "/v1/deeds/collect",
  summary: "What was done to files since: everything up to `after` is kept by the caller now and may be forgotten here",
  access: may("platform.read", ["manager"]),
  body: z.strictObject({
    /** Absent: from the oldest on. */
    after: z.int().nonnegative().default(0),
    /** How long to wait for something to be done, in milliseconds, when there is nothing after `after`. */
    waitMs: z.int().min(0).max(30_000).default(0),
  }),
  result: z.object({
    /** Which journal the numbers are of: another one begins anew. */
    journal: z.string(),
    deeds: z.array(fileDeed),
    /** What to give as `after` once these are kept. */
    through: z.int().nonnegative(),
  }),
  status: 200,
});

/** Files of a site were changed through one of the doors. */
export const fileChangeEvent = z.object({ siteId: z.int() });
export const followFileChanges = endpoint({
  id: "site.files.changes",
  method: "GET",
  path: "/v1/file-changes",
  summary: "Each site whose files people change, as server-sent events: at once, then once a second while it goes on",
  access: may("platform.read", ["manager"]),
  result: { raw: "events", mediaType: "text/event-stream", event: fileChangeEvent },
  status: 200,
});

export const siteFileEndpoints = [
  followFileChanges,
  listFolder,
  makeFolder,
  readSiteFile,
  writeSiteFile,
  deleteSitePath,
  moveSitePath,
  setExecutable,
  readArchive,
  readSiteUsage,
  copySitePath,
  listVersions,
  readVersion,
  restoreVersion,
  searchFiles,
  followChanges,
  collectDeeds,
] as const;
