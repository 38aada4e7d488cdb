import { Failure } from "#contract/failure.ts";
import type { CacheReport, PurgeRequest } from "#contract/site-cache.ts";
import type { SiteRoute } from "#contract/site-spec.ts";
import type { ProxyDeps, ProxyVisit } from "../proxy/proxy-visit.ts";
import type { ResponseHead } from "../proxy/response-head.ts";
import { bypassStatus, type Forwarded, hitStatus, missStatus, withStatus } from "./cache-status.ts";
import { ChangedPages } from "./changed-pages.ts";
import { type AnswerChoice, chooseAnswer } from "./choose-answer.ts";
import type { Look, Pass } from "./look.ts";
import { MemoryPages } from "./memory-pages.ts";
import type { Page } from "./page.ts";
import { type Outcome, PageCounts, type PageTotals } from "./page-counts.ts";
import { PageFills, type PageLimits } from "./page-fills.ts";
import { type Bypass, readPageRequest, valueFor } from "./page-request.ts";
import { isPurged } from "./purged.ts";
import { sendPage } from "./send-page.ts";
import type { SharedPages } from "./shared-pages.ts";

/** How often a request waits for another's answer before it goes by itself. */
const mostRounds = 3;

/** Hears of requests that the page cache had a part in. */
type Counted = (siteId: number, outcome: Exclude<Outcome, "bypassed">) => void;

/** What became of an order to forget pages. */
interface PagesForgotten {
  readonly removed: number;
  /** None is left in what routers share. */
  readonly isComplete: boolean;
  /** There is something that routers share. */
  readonly isShared: boolean;
}

/** Keeps answers of sites' programs, where their owners want it: a page that is kept neither waits nor wakes anything. */
export class PageCache {
  readonly #now = Date.now;
  readonly #shared: SharedPages | null;
  readonly #changes: ChangedPages | null;
  readonly #counted: Counted;
  readonly #memory: MemoryPages;
  readonly #fills: PageFills;
  readonly #counts = new Map<number, PageCounts>();

  /** `counted` hears how each request was answered. */
  constructor(limits: PageLimits, shared: SharedPages | null = null, counted: Counted = () => undefined) {
    this.#shared = shared;
    this.#changes = shared === null ? null : new ChangedPages(shared);
    this.#counted = counted;
    this.#memory = new MemoryPages(limits.mostBytes);
    this.#fills = new PageFills({
      memory: this.#memory,
      shared,
      limits,
      now: this.#now,
      isShared: (look) => this.#isShared(look),
      choose: (look, page) => this.#choose(look, page),
      again: (look) => this.#look(look),
      pass: (look, forwarded) => this.#pass(look, forwarded),
      sendStale: (look, page, why) => this.#sendStale(look, page, why),
      count: (look, outcome) => this.#count(look, outcome),
    });
  }

  /** Answers a visit from what is kept, asks the program for everybody who waits, or lets it `pass`. */
  serve(visit: ProxyVisit, deps: ProxyDeps, pass: Pass): void {
    const { arrival, route } = visit;
    const { cache } = route;
    const { headers, rawHeaders, method = "GET" } = arrival.req;
    const { scheme } = visit.forwarding;
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
    this.#fills.outdate(siteId);
  }

  /** Forgets what is asked for of a site, and what is on its way. */
  async purge(siteId: number, asked: PurgeRequest): Promise<PagesForgotten> {
    const removed = this.#forget(siteId, asked);
    if (this.#shared === null) return { removed, isComplete: true, isShared: false };
    const others = await this.#shared.forget(siteId, asked);
    // What came out of there while it was being forgotten.
    this.#forget(siteId, asked);
    return { removed: Math.max(removed, others ?? 0), isComplete: others !== null, isShared: true };
  }

  /** What is kept of a site and how its requests were answered. */
  report(siteId: number): CacheReport {
    const counts = this.#counts.get(siteId) ?? new PageCounts();
    return { ...this.#memory.counts(siteId), ...counts.total, minutes: counts.minutes(this.#now()), redis: this.#shared?.state ?? "unused" };
  }

  /** Sums over all sites, and each site's own. */
  totals(): PageTotals {
    return { bytes: this.#memory.bytes, sites: this.#counts };
  }

  close(): void {
    this.#changes?.close();
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
    this.#fills.outdate(siteId);
    return this.#memory.forget(siteId, (page) => isPurged(page, asked));
  }

  #look(look: Look): void {
    const { visit, cache, request, isCollapsed } = look;
    const page = this.#memory.find(visit.route.siteId, cache, { key: request.key, headerOf: (name) => valueFor(request, name) });
    const choice = this.#choose(look, page);
    if (page === undefined || choice === "ask") this.#miss(look, page);
    else if (choice === "own") this.#pass(look, "request");
    else if (choice === "asleep") this.#sendStale(look, page, "asleep");
    else if (choice === "revalidating") this.#revalidate(look, page);
    else this.#send(look, page, isCollapsed ? missStatus("uri-miss", { isCollapsed }) : hitStatus(page, this.#now()));
  }

  #choose({ visit, deps, request, isCollapsed }: Look, page: Page | undefined): AnswerChoice {
    const gate = deps.gateOf(visit.route.siteId);
    const isAsleep = !gate.isAwake || gate.isClosed;
    const wantsNewest = request.isReload && !isCollapsed && deps.isVisit(visit);
    return chooseAnswer({ page, isSignedIn: request.isSignedIn, isAsleep, wantsNewest, isCollapsed, now: this.#now() });
  }

  #revalidate(look: Look, page: Page): void {
    this.#sendStale(look, page, "revalidating");
    if (!this.#isOdd(look)) this.#fills.ask(look, { page, isAlone: true, isWanted: true });
  }

  #miss(look: Look, page: Page | undefined): void {
    const { visit, deps, request } = look;
    const { siteId } = visit.route;
    const forwarded = this.#whyForwarded(look, page);
    // Nobody is to wait for an answer that is for its asker only.
    const isPassed = this.#isOdd(look) || this.#memory.isPassed(siteId, request.key) || look.rounds >= mostRounds;
    const isWanted = request.method === "GET" && !request.hasRange && !(deps.gateOf(siteId).wouldWake && !deps.isVisit(visit));
    look.rounds += 1;
    if (request.onlyIfCached) deps.sendFailure(visit.arrival, new Failure("page_not_kept"));
    else if (isPassed || (!isWanted && !this.#isShared(look))) this.#pass(look, forwarded);
    else this.#fills.ask(look, { page, isAlone: false, isWanted, forwarded });
  }

  /** It carries something that the program may answer to and that no kept answer is known to depend on. */
  #isOdd({ visit, request }: Look): boolean {
    if (request.unkeyed.length === 0) return false;
    const known = this.#memory.varyOf(visit.route.siteId, request.key) ?? [];
    return !request.unkeyed.every((name) => known.includes(name));
  }

  #whyForwarded({ visit, request }: Look, page: Page | undefined): Forwarded {
    if (page !== undefined) return request.isReload ? "request" : "stale";
    return this.#memory.varyOf(visit.route.siteId, request.key) === undefined ? "uri-miss" : "vary-miss";
  }

  /** What routers share may hold the page, and no older one than this router knows of. */
  #isShared({ visit }: Look): boolean {
    return this.#shared?.isThere === true && this.#changes?.isOpen(visit.route.siteId, visit.arrival.target) !== true;
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
    if (isSafe || status >= 400) return;
    this.#forget(route.siteId, { path: arrival.target });
    this.#changes?.add(route.siteId, arrival.target);
  }

  /** A request counts once, as what it was at first. */
  #count(look: Look, outcome: Outcome): void {
    if (look.isCounted) return;
    look.isCounted = true;
    const { siteId } = look.visit.route;
    this.#countsOf(siteId).add(outcome, this.#now());
    if (outcome !== "bypassed") this.#counted(siteId, outcome);
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
