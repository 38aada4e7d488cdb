import { Failure } from "#contract/failure.ts";
import type { Forwarded } from "./cache-status.ts";
import type { AnswerChoice } from "./choose-answer.ts";
import { leadingVisitor } from "./leading-visitor.ts";
import type { Asking, Look } from "./look.ts";
import type { MemoryPages } from "./memory-pages.ts";
import { type Page, variedBy } from "./page.ts";
import type { Outcome } from "./page-counts.ts";
import { type FillPlan, PageFill, type Waiter } from "./page-fill.ts";
import { valueFor } from "./page-request.ts";
import type { SharedPages } from "./shared-pages.ts";
import { sharedRequest } from "./shared-request.ts";
import { SharedSearch } from "./shared-search.ts";
import { SiteFetch } from "./site-fetch.ts";

/** Bounds of the cache, in bytes. */
export interface PageLimits {
  /** All pages of all sites together. */
  readonly mostBytes: number;
  /** One page's body. */
  readonly mostPageBytes: number;
}

/** What asking programs for pages takes, and what becomes of those who wait. */
export interface PageFillsPlan {
  readonly memory: MemoryPages;
  readonly shared: SharedPages | null;
  readonly limits: PageLimits;
  readonly now: () => number;
  /** Whether to look among what routers share. */
  readonly isShared: (look: Look) => boolean;
  readonly choose: (look: Look, page: Page) => AnswerChoice;
  readonly again: (look: Look) => void;
  readonly pass: (look: Look, forwarded: Forwarded) => void;
  readonly sendStale: (look: Look, page: Page, why: "failed") => void;
  readonly count: (look: Look, outcome: Outcome) => void;
}

/** The questions to programs that are under way: one for each page, however many want it. */
export class PageFills {
  readonly #plan: PageFillsPlan;
  /** Those that can be joined. */
  readonly #fills = new Map<string, PageFill>();
  /** All that may still store something, by site. */
  readonly #underWay = new Map<PageFill, number>();
  /** Bytes of bodies that are on their way into the cache. */
  #storing = 0;

  constructor(plan: PageFillsPlan) {
    this.#plan = plan;
  }

  /** What is on its way of a site is not to be kept. */
  outdate(siteId: number): void {
    for (const [fill, of] of this.#underWay) if (of === siteId) fill.isOutdated = true;
  }

  /** Joins those who ask for the same, or asks; `isAlone`: in the background, for whoever comes next. */
  ask(look: Look, how: Asking): void {
    const { visit, request } = look;
    const { arrival } = visit;
    const key = this.#fillKey(look);
    const running = this.#fills.get(key);
    const waiter = this.#waiterOf(look);
    if (running !== undefined) {
      if (how.isAlone) return;
      running.isWanted ||= how.isWanted;
      running.isVisited ||= look.deps.isVisit(visit);
      look.isCollapsed = true;
      arrival.onClose = running.join(waiter);
      return;
    }
    const fill: PageFill = new PageFill(
      this.#planOf(look, {
        shut: () => {
          if (this.#fills.get(key) === fill) this.#fills.delete(key);
        },
        over: () => this.#underWay.delete(fill),
      }),
    );
    this.#fills.set(key, fill);
    this.#underWay.set(fill, visit.route.siteId);
    fill.old = how.page;
    fill.isWanted = how.isWanted;
    fill.isVisited = look.deps.isVisit(visit);
    if (!how.isAlone) {
      if (how.isWanted) this.#plan.count(look, "misses");
      // Conditions are answered from what comes, so that it has to be there first.
      if (request.hasConditions || !how.isWanted) arrival.onClose = fill.join(waiter);
      else {
        fill.lead(leadingVisitor(arrival.res, { host: arrival.host, forwarded: how.forwarded ?? "uri-miss" }, waiter));
        arrival.onClose = () => fill.leave();
      }
    }
    const { shared } = this.#plan;
    if (shared !== null && this.#plan.isShared(look)) void this.#askOthers(look, fill, shared);
    else fill.start(this.#fetchOf(look, fill));
  }

  /** Looks among what routers share first; the program is asked by one router at a time. */
  async #askOthers(look: Look, fill: PageFill, shared: SharedPages): Promise<void> {
    const { visit, cache, request } = look;
    const key = this.#fillKey(look);
    const search = new SharedSearch({
      shared,
      key,
      find: () => shared.find(visit.route.siteId, cache, { key: request.key, headerOf: (name) => valueFor(request, name) }),
      isNewer: (page) => page.storedAt > (fill.old?.storedAt ?? 0),
      isGood: (page) => this.#plan.choose(look, page) !== "ask",
      isWanted: () => fill.isWanted,
    });
    const { page, isGood } = await search.run();
    if (fill.isOver) return;
    if (page !== undefined && !fill.isOutdated) {
      this.#plan.memory.keep(visit.route.siteId, cache, page);
      fill.old = page;
    }
    if (isGood) fill.settle();
    else if (!fill.isWanted) fill.disband();
    else fill.start(this.#fetchOf(look, fill));
  }

  #waiterOf(look: Look): Waiter {
    const { visit, deps } = look;
    const { arrival } = visit;
    // Called from the middle of somebody else's answer: nothing may be thrown into that.
    const ifThere = (act: () => void): void => {
      if (arrival.res.destroyed) return;
      try {
        act();
      } catch (error) {
        deps.sendFailure(arrival, error instanceof Failure ? error : new Failure("internal", { requestId: "router" }, { cause: error }));
      }
    };
    return {
      again: () =>
        ifThere(() => {
          look.isCollapsed = true;
          this.#plan.again(look);
        }),
      pass: () => ifThere(() => this.#plan.pass(look, "uri-miss")),
      stale: (page) => ifThere(() => this.#plan.sendStale(look, page, "failed")),
      failed: (failure) => ifThere(() => deps.sendFailure(arrival, failure)),
    };
  }

  #planOf(look: Look, on: { readonly shut: () => void; readonly over: () => void }): FillPlan {
    const { visit, cache, request } = look;
    const { siteId } = visit.route;
    const mostBytes = Math.min(this.#plan.limits.mostPageBytes, cache.bytes);
    const key = this.#fillKey(look);
    const release = (): void => void this.#plan.shared?.release(key);
    let isKept = false;
    return {
      request,
      path: visit.arrival.target,
      cache,
      mostBytes,
      now: this.#plan.now,
      room: {
        take: (bytes) => {
          if (this.#storing + bytes > this.#plan.limits.mostBytes) return false;
          this.#storing += bytes;
          return true;
        },
        give: (bytes) => {
          this.#storing -= bytes;
        },
      },
      keep: (page) => {
        isKept = true;
        this.#plan.memory.keep(siteId, cache, page);
        void this.#plan.shared?.keep(siteId, cache, page).then(release);
      },
      unkept: () => {
        // What one odd request got says nothing of what others get.
        if (request.unkeyed.length === 0 && !request.isSignedIn) this.#plan.memory.pass(siteId, cache, request.key);
      },
      over: on.over,
      shut: () => {
        on.shut();
        // What was kept is to be there for the others first.
        if (!isKept) release();
      },
    };
  }

  #fetchOf(look: Look, fill: PageFill): SiteFetch {
    const { visit, deps, request } = look;
    return new SiteFetch(
      {
        gate: deps.gateOf(visit.route.siteId),
        head: sharedRequest(visit, request, fill.old),
        limits: deps.limits,
        isVisit: () => fill.isVisited,
        now: deps.now,
        onUpstreamFailure: () => {
          deps.metrics.upstreamFailures += 1;
        },
      },
      fill,
    );
  }

  /** Those who ask with the same key get the same answer, as far as is known before it comes. */
  #fillKey({ visit, request, cache }: Look): string {
    const { siteId } = visit.route;
    const known = this.#plan.memory.varyOf(siteId, request.key) ?? [];
    return `${siteId} ${cache.generation} ${request.isSignedIn ? "signed-in" : "anyone"} ${request.key}\n${variedBy(known, (name) => valueFor(request, name))}`;
  }
}
