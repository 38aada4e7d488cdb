import type { Failure } from "#contract/failure.ts";
import type { RouteCache } from "#contract/site-cache.ts";
import type { ResponseHead } from "../proxy/response-head.ts";
import { judgeAnswer, type PageTerms, renewPage } from "./judge-answer.ts";
import { joinBody, type Page, variedBy } from "./page.ts";
import { type PageRequest, valueFor } from "./page-request.ts";
import type { FetchSink, SiteFetch } from "./site-fetch.ts";

/** A visitor who waits for what the program says. */
export interface Waiter {
  /** There is something new: look again. */
  again(): void;
  /** The answer is for its asker only: everyone asks for themselves. */
  pass(): void;
  /** The program cannot answer, and this one may go out instead. */
  stale(page: Page): void;
  failed(failure: Failure): void;
}

/** The visitor for whom the program is asked, and who gets the answer while it comes. Once that has begun, nothing is asked of it as of a waiter. */
export interface Leader extends Waiter {
  /** The answer begins; `isKept` when it is being stored. */
  head(head: ResponseHead, isKept: boolean): void;
  /** A piece that stays good after the call; false when the visitor cannot take more now and `onDrain` will be called. */
  write(chunk: Buffer, onDrain: () => void): boolean;
  end(): void;
}

/** What one fill knows and does. */
export interface FillPlan {
  readonly request: PageRequest;
  readonly path: string;
  readonly cache: RouteCache;
  readonly mostBytes: number;
  readonly now: () => number;
  /** Bytes that all fills hold; kept below a limit. */
  readonly room: { take(bytes: number): boolean; give(bytes: number): void };
  readonly keep: (page: Page) => void;
  /** The answer cannot be kept. */
  readonly unkept: () => void;
  /** Nobody joins it any more; it may go on for its asker, and store what comes. */
  readonly shut: () => void;
  /** It is over, however it ended. */
  readonly over: () => void;
}

/** Whoever waits for a body that trickles goes for one of their own after this. */
const trickleMs = 10_000;

/** One question to a site's program for everybody who wants the same page. */
export class PageFill implements FetchSink {
  readonly #plan: FillPlan;
  /** The page that is out of date, which the program may call still good. */
  old: Page | undefined;
  /** Somebody takes part for whom the program may be asked and woken. */
  isWanted = false;
  /** Somebody takes part whose request is a visit. */
  isVisited = false;
  readonly #waiters = new Set<Waiter>();
  #fetch: SiteFetch | null = null;
  #leader: Leader | null = null;
  #terms: PageTerms | null = null;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #hasBegun = false;
  /** The program called the old page still good. */
  #renewal: ResponseHead | null = null;
  #isPaused = false;
  #isOver = false;
  #trickle: NodeJS.Timeout | undefined;
  /** An order came meanwhile to forget what this may become. */
  isOutdated = false;

  constructor(plan: FillPlan) {
    this.#plan = plan;
  }

  /** Nobody needs to ask the program any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Asks the program. */
  start(fetch: SiteFetch): void {
    this.#fetch = fetch;
    fetch.begin();
  }

  /** The answer goes to this visitor while it comes. */
  lead(leader: Leader): void {
    this.#leader = leader;
  }

  /** Takes part in what comes; gives a function for whoever leaves. */
  join(waiter: Waiter): () => void {
    this.#waiters.add(waiter);
    this.#resume();
    return () => {
      this.#waiters.delete(waiter);
      this.#endIfUseless();
    };
  }

  /** The leader has left. What is being stored is stored all the same. */
  leave(): void {
    this.#leader = null;
    this.#resume();
    this.#endIfUseless();
  }

  /** Something else has brought what was wanted. */
  settle(): void {
    for (const each of this.#everyone()) each.again();
  }

  /** Nothing is to be asked of the program: everyone goes their own way. */
  disband(): void {
    for (const each of this.#everyone()) each.pass();
  }

  onHead(head: ResponseHead): void {
    this.#hasBegun = true;
    const { old } = this;
    if (head.status === 304 && old !== undefined) {
      this.#renewal = head;
      return;
    }
    if (head.status >= 500 && this.#sendStale()) return;
    const terms = this.isOutdated ? null : judgeAnswer(this.#answer(head));
    if (terms === null && !this.isOutdated) this.#plan.unkept();
    this.#terms = terms;
    if (terms === null) this.#release();
    else {
      this.#trickle = setTimeout(() => this.#release(), trickleMs);
      this.#trickle.unref();
    }
    this.#leader?.head(head, terms !== null);
    this.#endIfUseless();
  }

  onData(chunk: Buffer): void {
    const own = Buffer.from(chunk);
    if (this.#terms !== null) this.#store(own);
    const leader = this.#leader;
    if (leader === null) return;
    const takesMore = leader.write(own, () => this.#resume());
    // While something is stored, nobody's slow line holds up those who wait.
    if (takesMore || (this.#terms !== null && this.#waiters.size > 0)) return;
    this.#isPaused = true;
    this.#fetch?.pause();
  }

  onEnd(): void {
    if (this.#renewal !== null) {
      this.#renew(this.#renewal);
      return;
    }
    const leader = this.#leader;
    this.#finishStoring();
    const waiters = this.#over();
    leader?.end();
    for (const waiter of waiters) waiter.again();
  }

  onFailed(failure: Failure): void {
    if (this.#isOver || (!this.#hasBegun && this.#sendStale())) return;
    const [leader, hasBegun] = [this.#leader, this.#hasBegun];
    const waiters = this.#over();
    leader?.failed(failure);
    for (const waiter of waiters) {
      if (hasBegun) waiter.pass();
      else waiter.failed(failure);
    }
  }

  #renew(head: ResponseHead): void {
    const { old } = this;
    const { keep } = this.#plan;
    const renewed = old === undefined || this.isOutdated ? null : renewPage(old, this.#answer(head));
    if (renewed !== null) keep(renewed);
    for (const each of this.#everyone()) {
      if (renewed === null) each.pass();
      else each.again();
    }
  }

  #answer(head: ResponseHead): Parameters<typeof judgeAnswer>[0] {
    const { request, cache, now, mostBytes } = this.#plan;
    return { head, request, cache, now: now(), mostBytes };
  }

  #sendStale(): boolean {
    const { old } = this;
    const { now } = this.#plan;
    if (old === undefined || now() >= old.errorUntil || this.isOutdated) return false;
    this.#fetch?.abort();
    for (const each of this.#everyone()) each.stale(old);
    return true;
  }

  #store(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= this.#plan.mostBytes && this.#plan.room.take(chunk.length)) {
      this.#chunks.push(chunk);
      return;
    }
    // Larger than it said, or than what may be kept: it goes on for its asker alone.
    this.#bytes -= chunk.length;
    this.#forgetBody();
    this.#plan.unkept();
    this.#release();
    this.#endIfUseless();
  }

  #finishStoring(): void {
    const terms = this.#terms;
    if (terms === null || this.isOutdated) return;
    const { request, path, cache, keep } = this.#plan;
    const varied = variedBy(terms.vary, (name) => valueFor(request, name));
    keep({ ...terms, key: request.key, path, varied, generation: cache.generation, body: joinBody(this.#chunks, this.#bytes) });
  }

  #forgetBody(): void {
    this.#plan.room.give(this.#bytes);
    this.#terms = null;
    this.#chunks = [];
    this.#bytes = 0;
  }

  /** Whoever waits need not any longer. */
  #release(): void {
    clearTimeout(this.#trickle);
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    this.#plan.shut();
    for (const waiter of waiters) waiter.pass();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#fetch?.resume();
  }

  /** Nobody wants it and nothing of it is kept. */
  #endIfUseless(): void {
    if (this.#isOver || this.#leader !== null || this.#waiters.size > 0 || this.#terms !== null || !this.#hasBegun) return;
    this.#fetch?.abort();
    this.#over();
  }

  /** It is over: those who have got nothing yet. */
  #everyone(): readonly Waiter[] {
    const leader = this.#leader;
    const waiters = this.#over();
    return leader === null ? waiters : [leader, ...waiters];
  }

  #over(): readonly Waiter[] {
    this.#isOver = true;
    clearTimeout(this.#trickle);
    this.#forgetBody();
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    this.#leader = null;
    this.#plan.shut();
    this.#plan.over();
    return waiters;
  }
}
