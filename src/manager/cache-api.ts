import type { FastifyInstance } from "fastify";
import * as api from "#contract/api/cache.ts";
import { Failure } from "#contract/failure.ts";
import type { PageRouters } from "#core/routes/page-routers.ts";
import { mount } from "#kit/http/mount.ts";
import type { Note } from "./audit-trail.ts";
import type { personGuards } from "./person-guard.ts";

/** What the endpoints of the page cache need. */
export interface CacheApiDeps {
  readonly guards: ReturnType<typeof personGuards>;
  readonly pages: PageRouters;
  readonly note: Note;
}

/** Serves what is said and done about kept answers of sites. */
export function mountCache(app: FastifyInstance, { guards, pages, note }: CacheApiDeps): void {
  mount({ app, guard: guards.site }, api.readCache, async ({ caller }) => {
    const { minutes, ...counts } = await pages.report(caller.site.id);
    return { cache: { ...counts, minutes: [...minutes] } };
  });
  mount({ app, guard: guards.site }, api.purgeCache, async ({ caller, body }) => {
    if (caller.site.kind === "static") throw new Failure("site_static");
    const purged = await pages.purge(caller.site.id, body);
    await note(caller.actor, "cache.purge", { site: caller.site, details: { ...body } });
    return purged;
  });
}
