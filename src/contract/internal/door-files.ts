import { z } from "zod";
import { folderEntry } from "../api/files.ts";
import { endpoint } from "../endpoint.ts";
import type { Component, GrantVerb } from "../grant.ts";
import { folderId, timestamp } from "../site.ts";

// What SFTP and FTP ask of files beyond what the dashboard does: part of the orchestrator's file API.
const may = (verb: GrantVerb) => ({ kind: "component", callers: ["manager", "worker", "shell", "ftp"] as readonly Component[], verb }) as const;
const byFolder = z.object({ siteId: folderId });
const path = z.string().max(4096);

export const statPath = endpoint({
  id: "path.stat",
  method: "GET",
  path: "/v1/sites/:siteId/stat",
  summary: "What is at a path; with follow=true behind the links that stay inside. `file_not_found` says with `inFolder` that its folder is there",
  access: may("site.files.read"),
  params: byFolder,
  query: z.strictObject({ path, follow: z.stringbool().default(true) }),
  result: folderEntry,
  status: 200,
  failures: ["file_not_found", "path_invalid", "path_outside_site"],
});

export const patchFile = endpoint({
  id: "file.patch",
  method: "PATCH",
  path: "/v1/sites/:siteId/file",
  summary: "Write into a file in place, from an offset on; what arrived stays when the rest does not. Its folder must be there",
  access: may("site.files.write"),
  params: byFolder,
  query: z.strictObject({
    path,
    /** Absent: at the file's end. */
    offset: z.coerce.number().int().nonnegative().optional(),
    /** The file must not exist yet, and is made. Without it a missing file is made too, unless the offset lies beyond its start. */
    absent: z.stringbool().default(false),
  }),
  body: { raw: "bytes", mediaType: "application/octet-stream" },
  result: z.object({ created: z.boolean(), size: z.int() }),
  status: 200,
  failures: ["file_not_found", "file_changed", "quota_exceeded", "file_too_large", "disk_full", "path_invalid", "not_a_file"],
});

export const setModified = endpoint({
  id: "path.modified",
  method: "POST",
  path: "/v1/sites/:siteId/modified",
  summary: "Set the time of a file's or folder's last change",
  access: may("site.files.write"),
  params: byFolder,
  body: z.strictObject({ path, modifiedAt: timestamp }),
  status: 204,
  failures: ["file_not_found"],
});

export const resizeFile = endpoint({
  id: "file.resize",
  method: "POST",
  path: "/v1/sites/:siteId/size",
  summary: "Cut a file off in place, or make it longer by zeros",
  access: may("site.files.write"),
  params: byFolder,
  body: z.strictObject({ path, size: z.int().nonnegative() }),
  status: 204,
  failures: ["file_not_found", "not_a_file", "quota_exceeded", "file_too_large", "disk_full"],
});

export const makeLink = endpoint({
  id: "link.make",
  method: "POST",
  path: "/v1/sites/:siteId/link",
  summary: "Make a symbolic link whose target, read from its own folder, lies in the same site; its folder must be there",
  access: may("site.files.write"),
  params: byFolder,
  body: z.strictObject({ path, target: path }),
  status: 204,
  failures: ["file_exists", "path_invalid", "path_outside_site"],
});

export const doorFileEndpoints = [statPath, patchFile, setModified, resizeFile, makeLink] as const;
