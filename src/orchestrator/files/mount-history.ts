import type { FastifyInstance } from "fastify";
import { Failure } from "#contract/failure.ts";
import type { GrantClaims } from "#contract/grant.ts";
import * as endpoints from "#contract/internal/files.ts";
import { parseSitePath, urlPathOf } from "#contract/site-path.ts";
import { Answer, type Guard, mount, type RawAnswer } from "#kit/http/mount.ts";
import { codeOf } from "#kit/jail/descriptor.ts";
import { findPlace, type Jail } from "#kit/jail/jail.ts";
import type { DeedJournal } from "../deeds/deed-journal.ts";
import type { Histories } from "../history/histories.ts";
import { jailOf, type SiteShelf } from "./site-shelf.ts";

/** What looking into the past needs. */
export interface HistoryDeps {
  readonly sites: SiteShelf;
  readonly history: Histories;
  readonly deeds: DeedJournal;
}

/** Serves earlier versions of files, and what was done to files. */
export function mountHistory(app: FastifyInstance, guard: Guard<GrantClaims>, deps: HistoryDeps): void {
  mount({ app, guard }, endpoints.listVersions, async ({ params: { siteId }, query }) => {
    const jail = jailOf(deps.sites, siteId);
    const path = realPath(jail, query.path);
    return query.deleted ? deps.history.deleted(siteId, jail, path) : deps.history.list(siteId, path);
  });
  mount({ app, guard }, endpoints.readVersion, async ({ params: { siteId, version: id } }) => {
    jailOf(deps.sites, siteId);
    const { version, bytes } = await deps.history.read(siteId, id);
    const headers = {
      etag: `"${version.sha256}"`,
      "content-length": String(bytes.length),
      "last-modified": new Date(version.modifiedAt).toUTCString(),
      "x-file-path": urlPathOf(version.path),
    };
    return new Answer<RawAnswer>(bytes, { headers });
  });
  mount({ app, guard }, endpoints.collectDeeds, async ({ body, signal }) => {
    await deps.deeds.awaitAfter(body.after, { maxMs: body.waitMs, signal });
    return { journal: deps.deeds.id, ...(await deps.deeds.collect(body.after, Date.now())) };
  });
}

// Versions are kept where a file really is, whichever links people come by; what is gone is looked for where it was.
function realPath(jail: Jail, path: string): string {
  const parts = parseSitePath(path);
  for (let known = parts.length; known > 0; known -= 1) {
    try {
      using place = findPlace(jail, parts.slice(0, known).join("/"), { follow: true });
      return [...place.path, ...parts.slice(known)].join("/");
    } catch (error) {
      const code = error instanceof Failure ? error.code : codeOf(error);
      if (!["ENOENT", "ENOTDIR", "ELOOP", "EACCES", "not_a_folder", "path_outside_site"].includes(code)) throw error;
    }
  }
  return parts.join("/");
}
