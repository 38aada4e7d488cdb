import type { ResultOf } from "#contract/endpoint.ts";
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

/** What became of an order to forget kept answers. */
interface Purged {
  /** How many went; null when all of the site did, uncounted. */
  readonly removed: number | null;
  /** Routers that did not say that they have heard of it. */
  readonly away: number;
}

/** A router that has not heard of a change, or whose balancer has not, says so after ten seconds at most; one that says nothing for longer is away. */
const awaitMs = 12_000;

type Forgotten = ResultOf<typeof purgePages>;

const isDone = (answers: readonly (Forgotten | "away")[]): answers is readonly Forgotten[] => answers.every((answer) => answer !== "away" && answer.isComplete);

/** The page caches of all routers as one. */
export class PageRouters {
  readonly #routers: readonly ComponentClient[];
  readonly #routes: Pick<RouteStore, "outdatePages">;

  constructor(routers: readonly ComponentClient[], routes: Pick<RouteStore, "outdatePages">) {
    this.#routers = routers;
    this.#routes = routes;
  }

  /**
   * Makes kept answers of a site go, at every router. One that is away, or that cannot reach what it shares with others, learns by a new
   * generation, which is everything: with its route feed, now or when it has one again.
   * @throws {Failure} `not_ready` when a router that is there does not hear of it in time.
   */
  async purge(siteId: number, asked: PurgeRequest): Promise<Purged> {
    const isPartial = Object.values(asked).some((value) => value !== undefined);
    let there = this.#routers;
    if (isPartial && this.#routers.length > 0) {
      const answers = await this.#forget(siteId, asked);
      // Whoever was silent once is not waited for again.
      there = there.filter((_, index) => answers[index] !== "away");
      if (isDone(answers)) {
        // What one router kept for all before it heard of this, another one may have taken in after it did: now none has it from anywhere.
        const late = answers.length > 1 && answers.some(({ isShared }) => isShared) ? await this.#forget(siteId, asked) : [];
        if (isDone(late)) return { removed: [...answers, ...late].reduce((sum, { removed }) => sum + removed, 0), away: 0 };
        there = there.filter((_, index) => late[index] !== "away");
      }
    }
    const version = await this.#routes.outdatePages(siteId);
    const silent = this.#routers.length - there.length;
    if (version === null) return { removed: null, away: silent };
    const reached = await askRouters(there, (router, signal) => router.call(awaitRoutes, { body: { version }, signal }), awaitMs);
    if (reached.some((answer) => answer !== "away" && answer.version < version)) throw new Failure("not_ready");
    return { removed: null, away: silent + reached.filter((answer) => answer === "away").length };
  }

  #forget(siteId: number, asked: PurgeRequest): Promise<readonly (Forgotten | "away")[]> {
    return askRouters(this.#routers, (router, signal) => router.call(purgePages, { params: { siteId }, body: asked, signal }));
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
