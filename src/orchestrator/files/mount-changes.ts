import type { Stats } from "node:fs";
import type { FastifyInstance } from "fastify";
import type { GrantClaims } from "#contract/grant.ts";
import * as doorEndpoints from "#contract/internal/door-files.ts";
import * as endpoints from "#contract/internal/files.ts";
import { type Guard, mount } from "#kit/http/mount.ts";
import { deletePath, makeFolder, movePath, setExecutable } from "#kit/jail/change-path.ts";
import { copyPath } from "#kit/jail/copy-path.ts";
import { patchFile, setModified } from "#kit/jail/patch-file.ts";
import { writeWhole } from "#kit/jail/write-file.ts";
import { authorOf } from "../deeds/doer.ts";
import type { ChangesDeps } from "./changes-deps.ts";
import { announcedBytes, batchesOf } from "./incoming-body.ts";
import { mountSftpFiles } from "./mount-sftp-files.ts";
import { PatchSeries, seriesKeeper } from "./patch-series.ts";
import { newEntries, presentFile, replacedBy, sizeOf } from "./present-entry.ts";
import type { Account } from "./quota-book.ts";
import { jailOf } from "./site-shelf.ts";

/** Serves everything that changes a site's files. */
export function mountChanges(app: FastifyInstance, guard: Guard<GrantClaims>, deps: ChangesDeps): void {
  mountWrites(app, guard, deps);
  mountPatches(app, guard, deps);
  mountMoves(app, guard, deps);
  mount({ app, guard }, endpoints.makeFolder, async ({ params, body }) => {
    const jail = jailOf(deps.sites, params.siteId);
    using account = await deps.quota.open(params.siteId, { files: newEntries(jail, body.path) });
    await makeFolder(jail, body.path);
    account.keep();
    return undefined;
  });
  mount({ app, guard }, endpoints.setExecutable, async ({ params, body }) => {
    setExecutable(jailOf(deps.sites, params.siteId), body.path, body.executable);
    return undefined;
  });
  mount({ app, guard }, doorEndpoints.setModified, async ({ params, body }) => {
    setModified(jailOf(deps.sites, params.siteId), body.path, new Date(body.modifiedAt));
    return undefined;
  });
}

function mountWrites(app: FastifyInstance, guard: Guard<GrantClaims>, deps: ChangesDeps): void {
  mount({ app, guard }, endpoints.writeSiteFile, async ({ params: { siteId }, query, request, caller }) => {
    const jail = jailOf(deps.sites, siteId);
    const expectedBytes = announcedBytes(request.raw);
    const [replaces, by] = [presentFile(jail, query.path), authorOf(caller)];
    using account = await deps.quota.open(siteId, { expectedBytes, files: newEntries(jail, query.path), replaces });
    const keep = deps.history.keeper(siteId, { ended: "overwrite", by });
    const { expect, absent } = query;
    const how = { expect, absent, budget: account, keep, replacing: replacingOf(account) };
    const written = await writeWhole(jail, query.path, { source: batchesOf(request.raw), expectedBytes, ...how });
    account.keep();
    const { created, sha256, size, path } = written;
    await deps.history.saved(siteId, { path, sha256, by });
    if (!created) await deps.note(caller, { siteId, action: "files.overwrite", path: path.join("/") });
    return { created, sha256, size };
  });
  mount({ app, guard }, endpoints.restoreVersion, async ({ params: { siteId }, body, caller }) => {
    const jail = jailOf(deps.sites, siteId);
    const { version, bytes } = await deps.history.read(siteId, body.version);
    const [replaces, by] = [presentFile(jail, body.path), authorOf(caller)];
    using account = await deps.quota.open(siteId, { expectedBytes: bytes.length, files: newEntries(jail, body.path), replaces });
    const keep = deps.history.keeper(siteId, { ended: "restore", by });
    const { expect, absent } = body;
    // A file that is there keeps its mode, as with any write; one that was deleted comes back as it was.
    const executable = replaces.files === 1 ? undefined : version.executable;
    const how = { expect, absent, budget: account, keep, executable, replacing: replacingOf(account) };
    const { created, sha256, size, path } = await writeWhole(jail, body.path, { source: [bytes], ...how });
    account.keep();
    await deps.history.saved(siteId, { path, sha256, by });
    await deps.note(caller, { siteId, action: "files.restore", path: path.join("/") });
    return { created, sha256, size };
  });
}

function replacingOf(account: Account): (present: Stats | undefined) => void {
  return (present) => account.replacing(replacedBy(present));
}

function mountPatches(app: FastifyInstance, guard: Guard<GrantClaims>, deps: ChangesDeps): void {
  const series = new PatchSeries();
  mount({ app, guard }, doorEndpoints.patchFile, async ({ params: { siteId }, query, request, caller }) => {
    const jail = jailOf(deps.sites, siteId);
    const files = presentFile(jail, query.path).files === 1 ? 0 : 1;
    using account = await deps.quota.open(siteId, { files });
    const kept = seriesKeeper({ ...deps, series }, siteId, caller);
    const patch = { source: batchesOf(request.raw), offset: query.offset, absent: query.absent, budget: account, keep: kept.keep };
    try {
      const { created, size, path } = await patchFile(jail, query.path, patch);
      if (created) kept.made(path);
      return { created, size };
    } finally {
      // What arrived before the end stays.
      account.keep();
      await kept.note();
    }
  });
  mountSftpFiles(app, guard, { ...deps, series });
}

function mountMoves(app: FastifyInstance, guard: Guard<GrantClaims>, deps: ChangesDeps): void {
  mount({ app, guard }, endpoints.deleteSitePath, async ({ params: { siteId }, query, caller }) => {
    const jail = jailOf(deps.sites, siteId);
    const ending = { ended: "delete", by: authorOf(caller) } as const;
    if (query.recursive) await deps.history.keepTree({ siteId, jail }, query.path, ending);
    const { path } = await deletePath(jail, query.path, { recursive: query.recursive, keep: deps.history.keeper(siteId, ending) });
    deps.quota.doubt(siteId);
    await deps.note(caller, { siteId, action: "files.delete", path: path.join("/") });
    return undefined;
  });
  mount({ app, guard }, endpoints.moveSitePath, async ({ params: { siteId }, body, caller }) => {
    const keep = deps.history.keeper(siteId, { ended: "move", by: authorOf(caller) });
    const moved = await movePath(jailOf(deps.sites, siteId), body.from, { path: body.to, replace: body.replace, keep });
    if (moved.replaced) deps.quota.doubt(siteId);
    await deps.history.moved(siteId, moved.from, moved.to);
    const [from, to] = [moved.from.join("/"), moved.to.join("/")];
    if (moved.replaced) await deps.note(caller, { siteId, action: "files.overwrite", path: to });
    await deps.note(caller, { siteId, action: "files.move", path: `${from} → ${to}` });
    return undefined;
  });
  mount({ app, guard }, endpoints.copySitePath, async ({ params: { siteId }, body }) => {
    const jail = jailOf(deps.sites, siteId);
    const { bytes, entries } = await sizeOf(jail, body.from);
    using account = await deps.quota.open(siteId, { expectedBytes: bytes, files: entries });
    const copied = await copyPath(jail, body, { fileBytes: account.fileBytes, take: account.take, entries });
    account.keep();
    return { files: copied.files, bytes: copied.bytes };
  });
}
