import type { FastifyInstance } from "fastify";
import { Failure } from "#contract/failure.ts";
import type { GrantClaims } from "#contract/grant.ts";
import * as doorEndpoints from "#contract/internal/door-files.ts";
import * as endpoints from "#contract/internal/files.ts";
import { Answer, type Guard, mount, Poured, type RawAnswer } from "#kit/http/mount.ts";
import { listFolder } from "#kit/jail/list-folder.ts";
import { type OpenFile, openFile, statPath } from "#kit/jail/read-file.ts";
import { mountFileChanges } from "../live/file-changes.ts";
import { matchesTag, parseByteRange } from "./byte-range.ts";
import type { ChangesDeps } from "./changes-deps.ts";
import { mountChanges } from "./mount-changes.ts";
import { type HistoryDeps, mountHistory } from "./mount-history.ts";
import { type LookingDeps, mountLooking } from "./mount-looking.ts";
import { jailOf } from "./site-shelf.ts";
import { zipFolder } from "./zip-folder.ts";

/** What file access needs. */
export interface FilesDeps extends ChangesDeps, HistoryDeps, LookingDeps {}

/** Serves everything about a site's files. */
export function mountFiles(app: FastifyInstance, guard: Guard<GrantClaims>, deps: FilesDeps): void {
  mountReading(app, guard, deps);
  mountChanges(app, guard, deps);
  mountHistory(app, guard, deps);
  mountLooking(app, guard, deps);
  mountFileChanges(app, guard);
}

function mountReading(app: FastifyInstance, guard: Guard<GrantClaims>, deps: FilesDeps): void {
  mount({ app, guard }, endpoints.listFolder, async ({ params, query }) => {
    const { entries, isComplete } = await listFolder(jailOf(deps.sites, params.siteId), query.path);
    return { entries: [...entries], ...(isComplete ? {} : { truncated: true }) };
  });
  mount({ app, guard }, endpoints.readSiteFile, async ({ params, query, request, reply }) => {
    using file = openFile(jailOf(deps.sites, params.siteId), query.path);
    const tag = query.tag ? `"${await file.sha256()}"` : "";
    const headers = { ...(query.tag ? { etag: tag } : {}), "accept-ranges": "bytes", "last-modified": new Date(file.modifiedMs).toUTCString() };
    if (query.tag && matchesTag(request.headers["if-none-match"], tag)) return new Answer<RawAnswer | undefined>(undefined, { status: 304, headers });
    const ifRange = request.headers["if-range"];
    const range = ifRange === undefined || ifRange === tag ? parseByteRange(request.headers.range, file.size) : undefined;
    if (range === "unsatisfiable") {
      reply.header("content-range", `bytes */${file.size}`);
      throw new Failure("range_not_satisfiable");
    }
    return sendFile(file, range, headers);
  });
  mount({ app, guard }, doorEndpoints.statPath, async ({ params, query }) => {
    const entry = statPath(jailOf(deps.sites, params.siteId), query.path, { follow: query.follow });
    if (entry === undefined) throw new Failure("file_not_found", { path: query.path, inFolder: true });
    return entry;
  });
  mount({ app, guard }, endpoints.readArchive, async ({ params, query }) => zipFolder(jailOf(deps.sites, params.siteId), query.path));
  mount({ app, guard }, endpoints.readSiteUsage, async ({ params }) => {
    const { bytes, files } = await deps.quota.usage(params.siteId);
    return { bytes, files };
  });
}

function sendFile(
  file: OpenFile,
  range: { readonly start: number; readonly end: number } | undefined,
  headers: Readonly<Record<string, string>>,
): Answer<RawAnswer> {
  const { start, end } = range ?? { start: 0, end: file.size };
  const length = { ...headers, "content-length": String(end - start) };
  const body = new Poured(file.pour(start, end));
  if (range === undefined) return new Answer<RawAnswer>(body, { headers: length });
  return new Answer<RawAnswer>(body, { status: 206, headers: { ...length, "content-range": `bytes ${start}-${end - 1}/${file.size}` } });
}
