import { Failure } from "#contract/failure.ts";
import type { CacheReport, PurgeRequest, RouteCache } from "#contract/site-cache.ts";
import type { SiteRoute } from "#contract/site-spec.ts";
import type { ProxyDeps, ProxyVisit } from "../proxy/proxy-visit.ts";
import type { ResponseHead } from "../proxy/response-head.ts";
import { bypassStatus, type Forwarded, hitStatus, missStatus, withStatus } from "./cache-status.ts";
import { chooseAnswer } from "./choose-answer.ts";
import { leadingVisitor } from "./leading-visitor.ts";
import { MemoryPages } from "./memory-pages.ts";
import type { Page } from "./page.ts";
import { variedBy } from "./page.ts";
import { type Outcome, PageCounts, type PageTotals } from "./page-counts.ts";
import { type FillPlan, PageFill, type Waiter } from "./page-fill.ts";
import { type Bypass, type PageRequest, readPageRequest, valueFor } from "./page-request.ts";
import { isPurged } from "./purged.ts";
import { sendPage } from "./send-page.ts";
import { sharedRequest } from "./shared-request.ts";
import { SiteFetch } from "./site-fetch.ts";

/** Bounds of the cache, in bytes. */
export interface PageLimits {
  /** All pages of all sites together. */
  readonly mostBytes: number;
  /** One page's body. */
  readonly mostPageBytes: number;
}

/** Lets a request go to the program, or wake it, as if there were no cache. */
export type Pass = (visit: ProxyVisit) => void;

/** What one visitor's request needs on its way through the cache. */
interface Look {
  readonly visit: ProxyVisit;
  readonly deps: ProxyDeps;
  readonly cache: RouteCache;
  readonly request: PageRequest;
  readonly pass: Pass;
  /** It has waited for what another asked. */
  isCollapsed: boolean;
  isCounted: boolean;
  rounds: number;
}

/** How often a request waits for another's answer before it goes by itself. */
const mostRounds = 3;

/** Keeps answers of sites' programs, where their owners want it: a page that is kept neither waits nor wakes anything. */
export class PageCache {
  readonly #limits: PageLimits;
  readonly #now: () => number;
  readonly #memory: MemoryPages;
  readonly #fills = new Map<string, PageFill>();
  readonly #counts = new Map<number, PageCounts>();
  #storing = 0;

  constructor(limits: PageLimits, now: () => number = Date.now) {
    this.#limits = limits;
    this.#now = now;
    this.#memory = new MemoryPages(limits.mostBytes);
  }

  /** Answers a visit from what is kept, asks the program for everybody who waits, or lets it `pass`. */
  serve(visit: ProxyVisit, deps: ProxyDeps, pass: Pass): void {
    const { arrival, route } = visit;
    const { cache } = route;
    const { headers, rawHeaders, method = "GET" } = arrival.req;
    const scheme = visit.forwarding.includes("X-Forwarded-Proto: https") ? "https" : "http";
    const request = readPageRequest({ method, target: arrival.target, scheme, headers, rawHeaders, route, isUpgrade: arrival.upgrade !== null });
    if (cache === null) pass(visit);
    else if (typeof request === "string") this.#bypass(visit, request, pass);
    else this.#look({ visit, deps, cache, request, pass, isCollapsed: false, isCounted: false, rounds: 0 });
  }

  /** The manager said something new of a site: what is kept of another generation goes. */
  routeChanged(siteId: number, route: SiteRoute | undefined): void {
    const cache = route?.cache ?? null;
    if (cache === null) {
      this.#counts.delete(siteId);
      this.#memory.drop(siteId);
    } else if (!this.#memory.isOf(siteId, cache)) this.#memory.drop(siteId);
    else return;
    this.#outdate(siteId);
  }

  /** Forgets what is asked for of a site, and what is on its way. */
  async purge(siteId: number, asked: PurgeRequest): Promise<{ readonly removed: number; readonly isComplete: boolean }> {
    return { removed: this.#forget(siteId, asked), isComplete: true };
  }

  /** What is kept of a site and how its requests were answered. */
  report(siteId: number): CacheReport {
    const counts = this.#counts.get(siteId) ?? new PageCounts();
    return { ...this.#memory.counts(siteId), ...counts.total, minutes: counts.minutes(this.#now()), redis: "unused" };
  }

  /** Sums over all sites, and each site's own. */
  totals(): PageTotals {
    return { bytes: this.#memory.bytes, sites: this.#counts };
  }

  #bypass(visit: ProxyVisit, reason: Bypass, pass: Pass): void {
    this.#countsOf(visit.route.siteId).add("bypassed", this.#now());
    const dress = (head: ResponseHead): string[] => {
      if (reason === "method") this.#changed(visit, head);
      return withStatus(head.fields, bypassStatus(reason));
    };
    pass({ ...visit, dress });
  }

  #forget(siteId: number, asked: PurgeRequest): number {
    this.#outdate(siteId);
    return this.#memory.forget(siteId, (page) => isPurged(page, asked));
  }

  #outdate(siteId: number): void {
    for (const [key, fill] of this.#fills) if (key.startsWith(`${siteId} `)) fill.isOutdated = true;
  }

  #look(look: Look): void {
    const { visit, deps, cache, request, isCollapsed } = look;
    const { gate, route } = visit;
    const page = this.#memory.find(route.siteId, cache, { key: request.key, headerOf: (name) => valueFor(request, name) });
    const now = this.#now();
    const isAsleep = !gate.isAwake || gate.isClosed;
    const wantsNewest = request.isReload && !isCollapsed && deps.isVisit(visit);
    const choice = chooseAnswer({ page, isSignedIn: request.isSignedIn, isAsleep, wantsNewest, isCollapsed, now });
    if (page === undefined || choice === "ask") this.#miss(look, page);
    else if (choice === "own") this.#pass(look, "request");
    else if (choice === "asleep") this.#sendStale(look, page, "asleep");
    else if (choice === "revalidating") this.#revalidate(look, page);
    else this.#send(look, page, isCollapsed ? missStatus("uri-miss", { isCollapsed }) : hitStatus(page, now));
  }

  #revalidate(look: Look, page: Page): void {
    this.#sendStale(look, page, "revalidating");
    if (!this.#isOdd(look)) this.#ask(look, { page, isAlone: true });
  }

  #miss(look: Look, page: Page | undefined): void {
    const { visit, deps, request } = look;
    const { siteId } = visit.route;
    const forwarded = this.#whyForwarded(look, page);
    // Nobody is to wait for an answer that is for its asker only.
    const isPassed = request.method === "HEAD" || request.hasRange || this.#isOdd(look) || this.#memory.isPassed(siteId, request.key);
    const wouldRefuse = visit.gate.wouldWake && !deps.isVisit(visit);
    look.rounds += 1;
    if (request.onlyIfCached) deps.sendFailure(visit.arrival, new Failure("page_not_kept"));
    else if (isPassed || wouldRefuse || look.rounds > mostRounds) this.#pass(look, forwarded);
    else this.#ask(look, { page, isAlone: false, forwarded });
  }

  #whyForwarded({ visit, request }: Look, page: Page | undefined): Forwarded {
    if (page !== undefined) return request.isReload ? "request" : "stale";
    return this.#memory.varyOf(visit.route.siteId, request.key) === undefined ? "uri-miss" : "vary-miss";
  }

  /** It carries something that the program may answer to and that no kept answer is known to depend on. */
  #isOdd({ visit, request }: Look): boolean {
    if (request.unkeyed.length === 0) return false;
    const known = this.#memory.varyOf(visit.route.siteId, request.key) ?? [];
    return !request.unkeyed.every((name) => known.includes(name));
  }

  /** Joins those who ask for the same, or asks; `isAlone`: in the background, for whoever comes next. */
  #ask(look: Look, how: { readonly page: Page | undefined; readonly isAlone: boolean; readonly forwarded?: Forwarded }): void {
    const { visit, request } = look;
    const { arrival } = visit;
    const key = this.#fillKey(look);
    const running = this.#fills.get(key);
    const waiter = this.#waiterOf(look);
    if (running !== undefined) {
      if (how.isAlone) return;
      look.isCollapsed = true;
      arrival.onClose = running.join(waiter);
      return;
    }
    const fill: PageFill = new PageFill(
      this.#planOf(look, how.page, () => {
        if (this.#fills.get(key) === fill) this.#fills.delete(key);
      }),
    );
    this.#fills.set(key, fill);
    if (!how.isAlone) {
      this.#count(look, "misses");
      // Conditions are answered from what comes, so that it has to be there first.
      if (request.hasConditions) arrival.onClose = fill.join(waiter);
      else {
        fill.lead(leadingVisitor(arrival.res, { host: arrival.host, forwarded: how.forwarded ?? "uri-miss" }, waiter));
        arrival.onClose = () => fill.leave();
      }
    }
    fill.start(this.#fetchOf(look, { fill, old: how.page }));
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
          this.#look(look);
        }),
      pass: () => ifThere(() => this.#pass(look, "uri-miss")),
      stale: (page) => ifThere(() => this.#sendStale(look, page, "failed")),
      failed: (failure) => ifThere(() => deps.sendFailure(arrival, failure)),
    };
  }

  #planOf(look: Look, old: Page | undefined, over: () => void): FillPlan {
    const { visit, cache, request } = look;
    const { siteId } = visit.route;
    const mostBytes = Math.min(this.#limits.mostPageBytes, cache.bytes);
    return {
      request,
      path: visit.arrival.target,
      cache,
      old,
      mostBytes,
      now: this.#now,
      room: {
        take: (bytes) => {
          if (this.#storing + bytes > this.#limits.mostBytes) return false;
          this.#storing += bytes;
          return true;
        },
        give: (bytes) => {
          this.#storing -= bytes;
        },
      },
      keep: (page) => this.#memory.keep(siteId, cache, page),
      unkept: () => {
        // What one odd request got says nothing of what others get.
        if (request.unkeyed.length === 0 && !request.isSignedIn) this.#memory.pass(siteId, cache, request.key);
      },
      over,
    };
  }

  #fetchOf(look: Look, about: { readonly fill: PageFill; readonly old: Page | undefined }): SiteFetch {
    const { visit, deps, request } = look;
    const { gate } = visit;
    const isVisit = deps.isVisit(visit);
    return new SiteFetch(
      {
        gate,
        head: sharedRequest(visit, request, about.old),
        limits: deps.limits,
        onActivity: () => {
          if (isVisit) gate.lastActiveAt = this.#now();
        },
        onUpstreamFailure: () => {
          deps.metrics.upstreamFailures += 1;
        },
      },
      about.fill,
    );
  }

  /** Those who ask with the same key get the same answer, as far as is known before it comes. */
  #fillKey({ visit, request, cache }: Look): string {
    const { siteId } = visit.route;
    const known = this.#memory.varyOf(siteId, request.key) ?? [];
    return `${siteId} ${cache.generation} ${request.isSignedIn ? "signed-in" : "anyone"} ${request.key}\n${variedBy(known, (name) => valueFor(request, name))}`;
  }

  #pass(look: Look, forwarded: Forwarded): void {
    this.#count(look, "misses");
    look.visit.arrival.onClose = null;
    look.pass({ ...look.visit, dress: (head) => withStatus(head.fields, missStatus(forwarded, { status: head.status })) });
  }

  #send(look: Look, page: Page, status: string): void {
    this.#count(look, "hits");
    sendPage(look.visit.arrival, page, { now: this.#now(), status });
  }

  #sendStale(look: Look, page: Page, why: "asleep" | "revalidating" | "failed"): void {
    const now = this.#now();
    this.#count(look, "stale");
    sendPage(look.visit.arrival, page, { now, status: hitStatus(page, now, why) });
  }

  /** A request that changes something has succeeded: what is kept of its address is out of date (RFC 9111, section 4.4). */
  #changed({ arrival, route }: ProxyVisit, { status }: ResponseHead): void {
    const isSafe = ["GET", "HEAD", "OPTIONS", "TRACE"].includes(arrival.req.method ?? "GET");
    if (!isSafe && status < 400) this.#forget(route.siteId, { path: arrival.target });
  }

  /** A request counts once, as what it was at first. */
  #count(look: Look, outcome: Outcome): void {
    if (look.isCounted) return;
    look.isCounted = true;
    this.#countsOf(look.visit.route.siteId).add(outcome, this.#now());
  }

  #countsOf(siteId: number): PageCounts {
    let counts = this.#counts.get(siteId);
    if (counts === undefined) {
      counts = new PageCounts();
      this.#counts.set(siteId, counts);
    }
    return counts;
  }
}
