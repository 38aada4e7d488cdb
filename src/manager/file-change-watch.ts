import { fileChangeEvent, followFileChanges } from "#contract/internal/files.ts";
import type { PageRouters } from "#core/routes/page-routers.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { Log } from "#kit/log.ts";
import { followFeed } from "./event-feed.ts";
import type { SteadyLoop } from "./steady-loop.ts";

/** Hears from an orchestrator whose files people change, and makes what routers keep of those sites out of date. */
export function watchFileChanges(deps: { readonly orchestrator: ComponentClient; readonly pages: PageRouters; readonly log: Log }): SteadyLoop {
  const { orchestrator, pages, log } = deps;
  return followFeed({
    name: "file changes",
    open: (signal) => orchestrator.fetch(followFileChanges, { signal }),
    take: async (data) => {
      await pages.outdate(fileChangeEvent.parse(data).siteId);
    },
    log,
  });
}
