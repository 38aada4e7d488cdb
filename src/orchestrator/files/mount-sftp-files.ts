import type { FastifyInstance } from "fastify";
import type { GrantClaims } from "#contract/grant.ts";
import { makeLink, resizeFile } from "#contract/internal/door-files.ts";
import { type Guard, mount } from "#kit/http/mount.ts";
import { makeLink as makeLinkIn } from "#kit/jail/make-link.ts";
import { resizeFile as resizeFileIn } from "#kit/jail/resize-file.ts";
import type { ChangesDeps } from "./changes-deps.ts";
import { type PatchSeries, seriesKeeper } from "./patch-series.ts";
import { jailOf } from "./site-shelf.ts";

/** Serves what only SFTP asks for: lengths and links. */
export function mountSftpFiles(app: FastifyInstance, guard: Guard<GrantClaims>, deps: ChangesDeps & { readonly series: PatchSeries }): void {
  mount({ app, guard }, resizeFile, async ({ params, body, caller }) => {
    using account = await deps.quota.open(params.siteId, { files: 0 });
    const kept = seriesKeeper(deps, params.siteId, caller);
    await resizeFileIn(jailOf(deps.sites, params.siteId), body.path, { size: body.size, budget: account, keep: kept.keep });
    await kept.note();
    // Zeros take nothing until something is written there, and that is counted then; what was cut off is found by the next scan.
    deps.quota.doubt(params.siteId);
    return undefined;
  });
  mount({ app, guard }, makeLink, async ({ params, body }) => {
    using account = await deps.quota.open(params.siteId, { files: 1 });
    await makeLinkIn(jailOf(deps.sites, params.siteId), body.path, body.target);
    account.keep();
    return undefined;
  });
}
