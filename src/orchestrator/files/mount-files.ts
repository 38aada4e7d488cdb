import type { FastifyInstance } from "fastify";
import { Failure } from "#contract/failure.ts";
import type { GrantClaims } from "#contract/grant.ts";
import * as doorEndpoints from "#contract/internal/door-files.ts";
import * as endpoints from "#contract/internal/files.ts";
import { Answer, type Guard, mount, type RawAnswer } from "#kit/http/mount.ts";
import { deletePath, makeFolder, movePath, setExecutable } from "#kit/jail/change-path.ts";
import type { Jail } from "#kit/jail/jail.ts";
import { listFolder } from "#kit/jail/list-folder.ts";
import { patchFile, setModified } from "#kit/jail/patch-file.ts";
import { type OpenFile, openFile, statPath } from "#kit/jail/read-file.ts";
import { writeWhole } from "#kit/jail/write-file.ts";
import { matchesTag, parseByteRange } from "./byte-range.ts";
import { announcedBytes, bodyOf } from "./incoming-body.ts";
import type { QuotaBook } from "./quota-book.ts";
import { jailOf, type SiteShelf } from "./site-shelf.ts";
import { zipFolder } from "./zip-folder.ts";

/** What file access needs. */
export interface FilesDeps {
  readonly sites: SiteShelf;
  readonly quota: QuotaBook;
}

/** Serves everything about a site's files. */
export function mountFiles(app: FastifyInstance, guard: Guard<GrantClaims>, deps: FilesDeps): void {
  mountReading(app, guard, deps);
  mountChanges(app, guard, deps);
  mountForDoors(app, guard, deps);
  mount({ app, guard }, endpoints.writeSiteFile, async ({ params, query, request }) => {
    const jail = jailOf(deps.sites, params.siteId);
    const expectedBytes = announcedBytes(request.raw);
    const replaces = present(jail, query.path);
    using account = await deps.quota.open(params.siteId, { expectedBytes, files: newEntries(jail, query.path), replaces });
    const source = bodyOf(request.raw);
    const written = await writeWhole(jail, query.path, { source, expectedBytes, expect: query.expect, absent: query.absent, budget: account });
    account.keep();
    return written;
  });
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
  mount({ app, guard }, endpoints.readArchive, async ({ params, query }) => zipFolder(jailOf(deps.sites, params.siteId), query.path));
  mount({ app, guard }, endpoints.readSiteUsage, async ({ params }) => {
    const { bytes, files } = await deps.quota.usage(params.siteId);
    return { bytes, files };
  });
}

function mountChanges(app: FastifyInstance, guard: Guard<GrantClaims>, deps: FilesDeps): void {
  mount({ app, guard }, endpoints.makeFolder, async ({ params, body }) => {
    const jail = jailOf(deps.sites, params.siteId);
    using account = await deps.quota.open(params.siteId, { files: newEntries(jail, body.path) });
    await makeFolder(jail, body.path);
    account.keep();
    return undefined;
  });
  mount({ app, guard }, endpoints.deleteSitePath, async ({ params, query }) => {
    await deletePath(jailOf(deps.sites, params.siteId), query.path, { recursive: query.recursive });
    deps.quota.doubt(params.siteId);
    return undefined;
  });
  mount({ app, guard }, endpoints.moveSitePath, async ({ params, body }) => {
    await movePath(jailOf(deps.sites, params.siteId), body.from, { path: body.to, replace: body.replace });
    if (body.replace === true) deps.quota.doubt(params.siteId);
    return undefined;
  });
  mount({ app, guard }, endpoints.setExecutable, async ({ params, body }) => {
    setExecutable(jailOf(deps.sites, params.siteId), body.path, body.executable);
    return undefined;
  });
}

function mountForDoors(app: FastifyInstance, guard: Guard<GrantClaims>, deps: FilesDeps): void {
  mount({ app, guard }, doorEndpoints.statPath, async ({ params, query }) => {
    const entry = statPath(jailOf(deps.sites, params.siteId), query.path, { follow: query.follow });
    if (entry === undefined) throw new Failure("file_not_found", { path: query.path });
    return entry;
  });
  mount({ app, guard }, doorEndpoints.patchFile, async ({ params, query, request }) => {
    const jail = jailOf(deps.sites, params.siteId);
    const files = present(jail, query.path).files === 1 ? 0 : 1;
    using account = await deps.quota.open(params.siteId, { files });
    try {
      return await patchFile(jail, query.path, { source: bodyOf(request.raw), offset: query.offset, absent: query.absent, budget: account });
    } finally {
      // What arrived before the end stays.
      account.keep();
    }
  });
  mount({ app, guard }, doorEndpoints.setModified, async ({ params, body }) => {
    setModified(jailOf(deps.sites, params.siteId), body.path, new Date(body.modifiedAt));
    return undefined;
  });
}

function sendFile(
  file: OpenFile,
  range: { readonly start: number; readonly end: number } | undefined,
  headers: Readonly<Record<string, string>>,
): Answer<RawAnswer> {
  const { start, end } = range ?? { start: 0, end: file.size };
  const length = { ...headers, "content-length": String(end - start) };
  if (range === undefined) return new Answer<RawAnswer>(file.stream(start, end), { headers: length });
  return new Answer<RawAnswer>(file.stream(start, end), { status: 206, headers: { ...length, "content-range": `bytes ${start}-${end - 1}/${file.size}` } });
}

// What a write replaces, so that writing the same file again does not fill the site.
function present(jail: Jail, path: string): { readonly bytes: number; readonly files: number } {
  const entry = quietStat(jail, path);
  return entry?.type === "file" ? { bytes: entry.size, files: 1 } : { bytes: 0, files: 0 };
}

// The file itself and the folders that would be made for it.
function newEntries(jail: Jail, path: string): number {
  const parts = path.split("/");
  let count = 1;
  while (parts.pop() !== undefined && parts.length > 0 && quietStat(jail, parts.join("/")) === undefined) count += 1;
  return count;
}

// Whatever is wrong with the path, the operation itself says it better.
function quietStat(jail: Jail, path: string): ReturnType<typeof statPath> {
  try {
    return statPath(jail, path);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}
