import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { siteNameInput, timestamp } from "../site.ts";

export const entryTypes = ["file", "folder", "link", "other"] as const;
export const folderEntry = z.object({
  name: z.string(),
  type: z.enum(entryTypes),
  /** Bytes; 0 for folders. */
  size: z.int().nonnegative(),
  modifiedAt: timestamp,
  executable: z.boolean(),
  /** Where a link points, as it is stored. */
  target: z.string().optional(),
});
export type FolderEntry = z.output<typeof folderEntry>;

/** `*` is the path inside the site, each segment percent-encoded; with a trailing slash it names a folder. */
const byPath = z.object({ name: siteNameInput, "*": z.string() });

export const readFile = endpoint({
  id: "files.read",
  method: "GET",
  path: "/api/v1/sites/:name/files/*",
  summary:
    "A file's bytes with ETag = sha256 and the type of its name (ranges allowed; pages and scripts come as plain text), or with a trailing slash a folder's `{entries}`",
  access: { kind: "site", verb: "site.files.read", scope: "read" },
  params: byPath,
  query: z.strictObject({
    /** As an attachment, whatever its type. */
    download: z.stringbool().default(false),
  }),
  result: { raw: "bytes", mediaType: "application/octet-stream" },
  status: 200,
  failures: ["file_not_found", "path_invalid", "path_outside_site", "not_a_file", "not_a_folder", "range_not_satisfiable"],
});
/** The JSON of a folder's listing; `truncated` when it has so many entries that only some are listed. */
export const folderListing = z.object({ entries: z.array(folderEntry), truncated: z.boolean().optional() });

export const writeFile = endpoint({
  id: "files.write",
  method: "PUT",
  path: "/api/v1/sites/:name/files/*",
  summary: "Write a file whole (201 new, 204 replaced); If-Match and If-None-Match: * guard against lost updates",
  access: { kind: "site", verb: "site.files.write", scope: "files" },
  params: byPath,
  body: { raw: "bytes", mediaType: "application/octet-stream" },
  status: 204,
  failures: ["file_changed", "quota_exceeded", "file_too_large", "disk_full", "path_invalid", "not_a_file"],
});

export const deletePath = endpoint({
  id: "files.delete",
  method: "DELETE",
  path: "/api/v1/sites/:name/files/*",
  summary: "Delete a file, or a folder with recursive=true",
  access: { kind: "site", verb: "site.files.write", scope: "files" },
  params: byPath,
  query: z.strictObject({ recursive: z.stringbool().default(false) }),
  status: 204,
  failures: ["file_not_found", "folder_not_empty"],
});

export const changePath = endpoint({
  id: "files.change",
  method: "POST",
  path: "/api/v1/sites/:name/files/*",
  summary: "Move (`{move: target}`), copy (`{copy: target}`), make a folder (`{mkdir: true}`), or set the executable bit (`{executable: true}`)",
  access: { kind: "site", verb: "site.files.write", scope: "files" },
  params: byPath,
  body: z.union([
    z.strictObject({ move: z.string().max(4096) }),
    z.strictObject({ copy: z.string().max(4096) }),
    z.strictObject({ mkdir: z.literal(true) }),
    z.strictObject({ executable: z.boolean() }),
  ]),
  status: 204,
  failures: ["file_not_found", "file_exists", "path_invalid", "quota_exceeded", "disk_full"],
});

export const downloadArchive = endpoint({
  id: "files.archive",
  method: "GET",
  path: "/api/v1/sites/:name/archive",
  summary: "A folder (the whole site by default) as a zip archive",
  access: { kind: "site", verb: "site.files.read", scope: "read" },
  params: z.object({ name: siteNameInput }),
  query: z.strictObject({ path: z.string().max(4096).default("") }),
  result: { raw: "bytes", mediaType: "application/zip" },
  status: 200,
});

export const readUsage = endpoint({
  id: "files.usage",
  method: "GET",
  path: "/api/v1/sites/:name/usage",
  summary: "How much of its quota the site uses",
  access: { kind: "site", verb: "site.read", scope: "read" },
  params: z.object({ name: siteNameInput }),
  result: z.object({ bytes: z.int(), files: z.int(), limitBytes: z.int(), limitFiles: z.int() }),
  status: 200,
});

/** What ended a version: it was replaced by a write or by a file moved over it, deleted, or replaced by an earlier version. */
export const versionEnds = ["overwrite", "move", "delete", "restore", "deploy"] as const;
/** Content that a file had before: kept when it was replaced or deleted by a person, not when a program of the site did it. */
export const fileVersion = z.object({
  /** What `history.read` and `history.restore` take. */
  id: z.string(),
  /** Where the file is now, or was when it was deleted: renaming carries versions along. */
  path: z.string(),
  sha256: z.string(),
  /** Bytes. */
  size: z.int().nonnegative(),
  executable: z.boolean(),
  /** When the file got this content. */
  modifiedAt: timestamp,
  /** Who saved this content; null when that is not known (a program, a deployment, before there was a history). */
  savedBy: z.object({ username: z.string(), door: z.string() }).nullable(),
  /** When, how, by whom and at which door (`web`, `api`, `sftp`, `ftp`) it was replaced or deleted. */
  endedAt: timestamp,
  ended: z.enum(versionEnds),
  endedBy: z.object({ username: z.string(), door: z.string() }).nullable(),
});
export type FileVersion = z.output<typeof fileVersion>;
/** At most so many versions come in one answer. */
export const mostListedVersions = 500;
const versionList = z.object({ versions: z.array(fileVersion), truncated: z.boolean() });
/** A folder that went with a deletion and had nothing in it that could be kept. */
export const deletedFolder = z.object({ path: z.string(), endedAt: timestamp });
export type DeletedFolder = z.output<typeof deletedFolder>;

export const listHistory = endpoint({
  id: "history.list",
  method: "GET",
  path: "/api/v1/sites/:name/history/*",
  summary: "Earlier versions of the file at a path, whether it is still there or not, newest first; what it holds now is not among them",
  access: { kind: "site", verb: "site.files.read", scope: "read" },
  params: byPath,
  result: versionList,
  status: 200,
  failures: ["path_invalid"],
});

export const listDeleted = endpoint({
  id: "history.deleted",
  method: "GET",
  path: "/api/v1/sites/:name/history",
  summary:
    "The last version of every deleted file below a folder (`path`, by default the whole site) that can be had back, newest first, and empty folders that were deleted",
  access: { kind: "site", verb: "site.files.read", scope: "read" },
  params: z.object({ name: siteNameInput }),
  query: z.strictObject({ path: z.string().max(4096).default("") }),
  result: versionList.extend({ folders: z.array(deletedFolder).default([]) }),
  status: 200,
});

export const readVersion = endpoint({
  id: "history.read",
  method: "GET",
  path: "/api/v1/sites/:name/versions/:version",
  summary: "The bytes of an earlier version with ETag = sha256, as `files.read` sends a file",
  access: { kind: "site", verb: "site.files.read", scope: "read" },
  params: z.object({ name: siteNameInput, version: z.string().regex(/^[0-9a-f-]{8,64}$/) }),
  query: z.strictObject({ download: z.stringbool().default(false) }),
  result: { raw: "bytes", mediaType: "application/octet-stream" },
  status: 200,
  failures: ["version_not_found"],
});

export const restoreVersion = endpoint({
  id: "history.restore",
  method: "POST",
  path: "/api/v1/sites/:name/history/*",
  summary:
    "Write an earlier version to this path (`{restore: id}`): 201 new, 204 replaced, ETag = its sha256; If-Match and If-None-Match: * as in files.write. What was there becomes a version",
  access: { kind: "site", verb: "site.files.write", scope: "files" },
  params: byPath,
  body: z.strictObject({ restore: z.string().regex(/^[0-9a-f-]{8,64}$/) }),
  status: 204,
  failures: ["version_not_found", "file_changed", "quota_exceeded", "disk_full", "not_a_file"],
});

export const searchQuery = z.strictObject({
  query: z.string().min(1).max(1000),
  /** `query` is a regular expression (JavaScript's, flag u), matched line by line. */
  regex: z.stringbool().default(false),
  /** Upper and lower case are told apart. */
  case: z.stringbool().default(false),
  /** Only whole words. */
  word: z.stringbool().default(false),
  /** The folder to search in; "" is the whole site. */
  path: z.string().max(4096).default(""),
  /** Look also into node_modules, .git, .home and the like. */
  all: z.stringbool().default(false),
});
/** One place of a match. Columns count UTF-16 units from 0, lines from 1; `text` is the line, cut round the match when it is long (`textStart` is where it begins in the line). */
export const searchMatch = z.object({ line: z.int(), column: z.int(), length: z.int(), text: z.string(), textStart: z.int() });
export const fileSearch = z.object({
  /** In the order of the walk; each with at least one match. */
  files: z.array(z.object({ path: z.string(), matches: z.array(searchMatch) })),
  /** What broke the search off; null when it looked at everything. */
  truncated: z.enum(["matches", "files", "bytes", "time"]).nullable(),
  searched: z.object({ files: z.int(), bytes: z.int() }),
  /** Files that were not looked at: binary, too large, or not to be opened. */
  skipped: z.int(),
});
export type FileSearch = z.output<typeof fileSearch>;

export const searchFiles = endpoint({
  id: "files.search",
  method: "GET",
  path: "/api/v1/sites/:name/search",
  summary:
    "Search the text files of the site; binary files, links and (unless all=true) node_modules, .git and the like are skipped, and what is too much is cut off",
  access: { kind: "site", verb: "site.files.read", scope: "read" },
  params: z.object({ name: siteNameInput }),
  query: searchQuery,
  result: fileSearch,
  status: 200,
  failures: ["pattern_invalid", "path_invalid", "file_not_found", "not_a_folder", "rate_limited"],
});

/** `open` comes first: from then on nothing is missed. */
export const siteChange = z.discriminatedUnion("type", [
  z.object({ type: z.literal("open") }),
  /** Entries of this folder came, went or got other content; `names` is null when too many did. Ask for the listing or the sha256 again. */
  z.object({ type: z.literal("changed"), folder: z.string(), names: z.array(z.string()).nullable() }),
  /** The folder itself is not there any more. It is looked for again: `changed` with null follows when it is back. */
  z.object({ type: z.literal("gone"), folder: z.string() }),
]);
export type SiteChange = z.output<typeof siteChange>;

export const followChanges = endpoint({
  id: "files.changes",
  method: "GET",
  path: "/api/v1/sites/:name/changes",
  summary: "Changes of the entries of these folders (`folder=` up to 64 times, not below them) by anybody and any program, as server-sent events",
  access: { kind: "site", verb: "site.files.read", scope: "read" },
  params: z.object({ name: siteNameInput }),
  query: z.strictObject({ folder: z.union([z.string().max(4096), z.array(z.string().max(4096)).max(64)]).default("") }),
  result: { raw: "events", mediaType: "text/event-stream", event: siteChange },
  status: 200,
  failures: ["rate_limited", "path_invalid"],
});

export const fileEndpoints = [
  readFile,
  writeFile,
  deletePath,
  changePath,
  downloadArchive,
  readUsage,
  listHistory,
  listDeleted,
  readVersion,
  restoreVersion,
  searchFiles,
  followChanges,
] as const;
