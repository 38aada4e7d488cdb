import { Failure } from "#contract/failure.ts";
import { awaitRoutes, purgePages, readPages } from "#contract/internal/router.ts";
import type { CacheMinute, CacheReport, PurgeRequest } from "#contract/site-cache.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import { askRouters } from "./ask-routers.ts";
import type { RouteStore } from "./route-store.ts";

/** What all routers keep of a site together. */
export interface AllPages extends CacheReport {
  readonly routers: number;
  readonly away: number;
}

/** The page caches of all routers as one. */
export class PageRouters {
  readonly #routers: readonly ComponentClient[];
  readonly #routes: Pick<RouteStore, "outdatePages">;

  constructor(routers: readonly ComponentClient[], routes: Pick<RouteStore, "outdatePages">) {
    this.#routers = routers;
    this.#routes = routes;
  }

  /**
   * Makes kept answers of a site go, at every router: how many went, or null when all did. A router that is away, or that cannot reach what it
   * shares with others, learns by a new generation, which is everything.
   * @throws {Failure} `not_ready` when a router that is there does not hear of it in time.
   */
  async purge(siteId: number, asked: PurgeRequest): Promise<number | null> {
    const isPartial = Object.values(asked).some((value) => value !== undefined);
    if (isPartial && this.#routers.length > 0) {
      const answers = await askRouters(this.#routers, (router, signal) => router.call(purgePages, { params: { siteId }, body: asked, signal }));
      if (answers.every((answer) => answer !== "away" && answer.isComplete)) {
        return answers.reduce((sum, answer) => sum + (answer === "away" ? 0 : answer.removed), 0);
      }
    }
    const version = await this.#routes.outdatePages(siteId);
    if (version === null) return null;
    const reached = await askRouters(this.#routers, (router) => router.call(awaitRoutes, { body: { version } }));
    if (reached.some((answer) => answer !== "away" && answer.version < version)) throw new Failure("not_ready");
    return null;
  }

  /** Makes everything kept of a site out of date; routers hear of it by their feed. */
  async outdate(siteId: number): Promise<void> {
    await this.#routes.outdatePages(siteId);
  }

  /** What is kept of a site, and how its requests were answered. */
  async report(siteId: number): Promise<AllPages> {
    const answers = await askRouters(this.#routers, (router, signal) => router.call(readPages, { params: { siteId }, signal }));
    const there = answers.filter((answer) => answer !== "away");
    const sum = (of: (report: CacheReport) => number): number => there.reduce((total, report) => total + of(report), 0);
    return {
      entries: sum((report) => report.entries),
      bytes: sum((report) => report.bytes),
      hits: sum((report) => report.hits),
      stale: sum((report) => report.stale),
      misses: sum((report) => report.misses),
      bypassed: sum((report) => report.bypassed),
      minutes: minutesOf(there),
      redis: there.some((report) => report.redis === "away") ? "away" : (there[0]?.redis ?? "unused"),
      routers: there.length,
      away: answers.length - there.length,
    };
  }
}

function minutesOf(reports: readonly CacheReport[]): CacheMinute[] {
  const all = new Map<number, CacheMinute>();
  for (const { minutes } of reports) {
    for (const minute of minutes) {
      const known = all.get(minute.at);
      if (known === undefined) all.set(minute.at, { ...minute });
      else for (const key of ["hits", "stale", "misses", "bypassed"] as const) known[key] += minute[key];
    }
  }
  return [...all.values()].toSorted((a, b) => a.at - b.at);
}
