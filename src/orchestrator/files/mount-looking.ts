import type { FastifyInstance } from "fastify";
import { formatEvent } from "#contract/events.ts";
import { Failure } from "#contract/failure.ts";
import type { GrantClaims } from "#contract/grant.ts";
import * as endpoints from "#contract/internal/files.ts";
import { parseSitePath } from "#contract/site-path.ts";
import type { EpochTable } from "#kit/epochs.ts";
import { type Guard, mount } from "#kit/http/mount.ts";
import { watchFolders } from "../live/watch-folders.ts";
import { searchTree } from "../search/search-tree.ts";
import { Turns } from "../search/turns.ts";
import { streamOf } from "../sites/answer-stream.ts";
import { jailOf, type SiteShelf } from "./site-shelf.ts";

/** What searching and following need. */
export interface LookingDeps {
  readonly sites: SiteShelf;
  readonly epochs: EpochTable;
}

/** Searches that go on at the same time, on two cores; a site's people get half of them, and the rest wait. */
const searches = { atOnce: 2, perSite: 1, waiting: 50, waitingPerSite: 10 };
/** Streams of changes at the same time. */
const streams = { atOnce: 500, perSite: 50, waiting: 0, waitingPerSite: 0 };

/** Serves search in a site's files, and changes as they happen. */
export function mountLooking(app: FastifyInstance, guard: Guard<GrantClaims>, deps: LookingDeps): void {
  const searching = new Turns(searches);
  const following = new Turns(streams);
  mount({ app, guard }, endpoints.searchFiles, async ({ params, query, signal }) => {
    const jail = jailOf(deps.sites, params.siteId);
    using _turn = await searching.take(params.siteId, signal);
    // Awaited here: the turn is given back when this function returns.
    return await searchTree(jail, query, { signal });
  });
  mount({ app, guard }, endpoints.followChanges, async (call) => {
    const { siteId } = call.params;
    const jail = jailOf(deps.sites, siteId);
    const wanted = typeof call.query.folder === "string" ? [call.query.folder] : call.query.folder;
    const folders = [...new Set(wanted)].map((folder) => parseSitePath(folder).join("/"));
    if (folders.length === 0) throw new Failure("input_invalid", { detail: "folder: name at least one." });
    const turn = await following.take(siteId, call.signal);
    const end = (): void => turn[Symbol.dispose]();
    return streamOf({ ...call, siteId }, deps.epochs, (signal) => {
      if (signal.aborted) end();
      else signal.addEventListener("abort", end, { once: true });
      return eventsOf(watchFolders(jail, folders, signal));
    });
  });
}

async function* eventsOf(changes: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const change of changes) yield change === null ? ": still here\n\n" : formatEvent(change);
}
