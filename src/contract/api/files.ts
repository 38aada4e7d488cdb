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
  summary: "A file's bytes with ETag = sha256 (ranges allowed), or with a trailing slash a folder's `{entries}`",
  access: { kind: "site", verb: "site.files.read", scope: "read" },
  params: byPath,
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
  summary: "Move (`{move: target}`), make a folder (`{mkdir: true}`), or set the executable bit (`{executable: true}`)",
  access: { kind: "site", verb: "site.files.write", scope: "files" },
  params: byPath,
  body: z.union([z.strictObject({ move: z.string().max(4096) }), z.strictObject({ mkdir: z.literal(true) }), z.strictObject({ executable: z.boolean() })]),
  status: 204,
  failures: ["file_not_found", "file_exists", "path_invalid"],
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

export const fileEndpoints = [readFile, writeFile, deletePath, changePath, downloadArchive, readUsage] as const;
