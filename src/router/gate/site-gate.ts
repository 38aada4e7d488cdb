import { Failure } from "#contract/failure.ts";
import type { RestOutcome } from "#contract/internal/site-rest.ts";
import { Drain } from "./drain.ts";
import type { GateDeps } from "./gate-deps.ts";
import { OutsideTraffic } from "./outside-traffic.ts";
import { type LiveInstance, Target } from "./target.ts";
import { type Visitor, WaitingVisitors } from "./waiting-visitors.ts";
import { asleepFailure } from "./waking-visit.ts";

const retryAfterSeconds = 5;
/** A visit counts for the idle clock at this grain: finer would cost every request of a busy site a look at its user agent. */
const activityGrainMs = 250;
/** Long enough for a balancer to count once more; whoever is under way then keeps the site awake. */
const restDrainMs = 2_000;
/** A hold that nobody renews ends after this: whoever ordered it has died. */
export const longestHoldMs = 30_000;

/**
 * The door of one dynamic site. Requests go straight to the live instance; without one the first of them wakes the site
 * and all wait together. A hold, or going to sleep, keeps new requests waiting until nothing is in flight any more.
 */
export class SiteGate {
  readonly siteId: number;
  readonly #deps: GateDeps;
  readonly #outside: OutsideTraffic;
  #target: Target | null = null;
  /** Earlier instances that still work on requests. */
  readonly #older = new Set<Target>();
  readonly #waiting = new WaitingVisitors();
  readonly #drain = new Drain();
  #isWaking = false;
  #isGoingToSleep = false;
  #heldUntil = 0;
  /** Grows when someone else says where the site listens: the answer to an older wake-up is out of date then. */
  #generation = 0;
  /** When the site was last active before it could not be frozen: asked again only after somebody came. */
  #notFrozenSince: number | null = null;
  lastActiveAt: number;
  /** The orchestrator knows of what it was asked for, not of what others told this router; false again when it hears of it. */
  isClaimDue = false;

  constructor(siteId: number, deps: GateDeps) {
    this.siteId = siteId;
    this.#deps = deps;
    this.#outside = new OutsideTraffic(siteId, deps.edge);
    this.lastActiveAt = deps.now();
  }

  get target(): Target | null {
    return this.#target;
  }

  get isAwake(): boolean {
    return this.#target !== null && !this.#isGoingToSleep;
  }

  get waitingCount(): number {
    return this.#waiting.count;
  }

  /** An idle program may be asked to stand still. */
  get mayFreeze(): boolean {
    return this.isAwake && this.#notFrozenSince !== this.lastActiveAt;
  }

  /** The instance that requests go to, or are under way at. */
  get claimed(): string | null {
    if (this.#target !== null) return this.#isGoingToSleep ? null : this.#target.instance;
    for (const target of this.#older) return target.instance;
    return null;
  }

  /** Somebody is at the site; whether it is a visit is asked only when that tells anything new. */
  noteVisit(isVisit: () => boolean): void {
    const now = this.#deps.now();
    if (now - this.lastActiveAt >= activityGrainMs && isVisit()) this.lastActiveAt = now;
  }

  /** New requests wait, whether there is an instance or not. */
  get isClosed(): boolean {
    return this.#isGoingToSleep || this.#heldUntil > 0;
  }

  /** The next request would wake the site, rather than go to it or wait with others. */
  get wouldWake(): boolean {
    return this.#isGoingToSleep || (this.#target === null && !this.#isWaking && this.#heldUntil === 0);
  }

  /** Nothing is known, waiting or under way: the gate can be forgotten. */
  get isAtRest(): boolean {
    return this.#target === null && !this.isClosed && !this.#isWaking && this.#waiting.count === 0 && this.#older.size === 0;
  }

  /** Requests that instances work on now; not those of `except`. */
  inFlight(except?: Target): number {
    const current = this.#target;
    let sum = current === null || current === except ? 0 : current.inFlight + this.#outside.at(current);
    for (const target of this.#older) sum += target.inFlight + (current?.isAt(target.address) === true ? 0 : this.#outside.at(target));
    return sum;
  }

  /** Lets a request through, now or later. */
  enter(visitor: Visitor): void {
    const target = this.#target;
    if (target !== null && !this.isClosed) {
      this.#admit(visitor, target);
      return;
    }
    if (this.#waiting.count >= this.#deps.mostWaiting) {
      visitor.refuse(new Failure("site_overloaded", { retryAfterSeconds }));
      return;
    }
    this.#waiting.add(visitor, this.#deps.now() + this.#deps.waitMs);
    this.#wakeIfNeeded();
  }

  /** A request that was let through has ended. */
  leave(target: Target): void {
    target.inFlight -= 1;
    if (target.inFlight > 0) return;
    if (!this.#outside.isPossible && this.#older.delete(target)) target.pool.close();
    this.#drain.look();
  }

  /** Nothing listens there any more; the next request wakes the site. */
  lose(target: Target): void {
    if (this.#target === target) this.#setTarget(null);
  }

  /** Keeps new requests waiting until `release`, or until the hold has run out. */
  hold(): void {
    this.#heldUntil = this.#deps.now() + longestHoldMs;
    this.#direct();
  }

  /** Ends a hold. Without an instance the next request, or one that waits, wakes the site. */
  release(live: LiveInstance | null): void {
    this.#heldUntil = 0;
    this.switchTo(live);
  }

  /** Sends new requests to this instance; without one the next request wakes the site. */
  switchTo(live: LiveInstance | null): void {
    this.#generation += 1;
    this.isClaimDue = live !== null;
    this.#setTarget(live);
    this.#direct();
    this.#flush();
  }

  /** Resolves with what is still in flight (not on `except`): as soon as that is nothing, or after `drainMs`. */
  drained(drainMs: number, except?: Target): Promise<number> {
    const left = (): number => this.inFlight(except);
    return this.#outside.isPossible ? this.#outside.drained(drainMs, left) : this.#drain.wait(drainMs, left);
  }

  /** Puts the site to sleep: requests that come meanwhile wait and wake it again. The caller has seen that nothing is in flight. */
  async sleep(): Promise<void> {
    const target = this.#target;
    this.#isGoingToSleep = true;
    try {
      if (this.#outside.isPossible && !(await this.#isLetGo())) return;
      await this.#deps.sleep(this.siteId, target?.instance);
      if (this.#target === target) this.#setTarget(null);
    } finally {
      this.#isGoingToSleep = false;
      this.#direct();
      // After a failure the site counts as just used: it is tried again when it has been idle once more.
      this.lastActiveAt = this.#deps.now();
      this.#flush();
    }
  }

  /**
   * Lets the program stand still: requests that come meanwhile wait and let it go on. The caller has seen that nothing is in flight.
   * Gives null when visitors are under way past the gate, or there is no program.
   */
  async freeze(sleepAfterSeconds: number): Promise<RestOutcome | null> {
    const target = this.#target;
    if (target === null) return null;
    this.#isGoingToSleep = true;
    let isAwake = false;
    try {
      if (this.#outside.isPossible && !(await this.#isLetGo())) {
        isAwake = true;
        this.lastActiveAt = this.#deps.now();
        return null;
      }
      const outcome = await this.#deps.freeze(this.siteId, target.instance, sleepAfterSeconds);
      isAwake = outcome === "runs";
      return outcome;
    } finally {
      this.#isGoingToSleep = false;
      if (isAwake) this.#notFrozenSince = this.lastActiveAt;
      // After a failure nobody knows what became of it: whoever wants it asks.
      else if (this.#target === target) this.#setTarget(null);
      this.#direct();
      this.#flush();
    }
  }

  /** A balancer sends nobody to the program any more, and nobody whom it had sent there is under way. */
  async #isLetGo(): Promise<boolean> {
    this.#direct();
    return (await this.#outside.drained(restDrainMs, () => this.inFlight())) === 0;
  }

  /** Ends what has taken too long: waits of requests, and a hold that nobody released. */
  sweep(now: number): void {
    if (this.#heldUntil > 0 && now >= this.#heldUntil) this.release(null);
    this.#waiting.sweep(now, () => new Failure("site_starting", { retryAfterSeconds }));
  }

  /** The site is gone or may not be served: nobody goes on. Connections, WebSockets too, end after `graceMs`. */
  shut(failure: Failure, graceMs: number): void {
    this.#generation += 1;
    this.#heldUntil = 0;
    const targets = [...this.#older, ...(this.#target === null ? [] : [this.#target])];
    this.#setTarget(null);
    this.#waiting.refuseAll(failure);
    for (const target of targets) target.pool.end(graceMs);
  }

  #admit(visitor: Visitor, target: Target): void {
    if (target.inFlight + this.#outside.at(target) >= this.#deps.mostInFlight) {
      visitor.refuse(new Failure("site_overloaded", { retryAfterSeconds }));
      return;
    }
    target.inFlight += 1;
    visitor.admit(target);
  }

  #setTarget(live: LiveInstance | null): void {
    const old = this.#target;
    if (live !== null && old?.is(live)) return;
    this.#target = live === null ? null : new Target(live, this.#deps.createPool(live));
    this.lastActiveAt = this.#deps.now();
    if (this.#target !== null) this.#deps.arrived(this.siteId, this.#target);
    this.#direct();
    if (old === null) return;
    if (this.#outside.isPossible) void this.#retire(old);
    else if (old.inFlight > 0) this.#older.add(old);
    else old.pool.close();
  }

  /** Tells the balancer where visitors may go. */
  #direct(): void {
    this.#outside.send(this.isClosed ? null : this.#target);
  }

  async #retire(old: Target): Promise<void> {
    this.#older.add(old);
    await this.#outside.gone(old, () => this.#target?.isAt(old.address) ?? false);
    this.#older.delete(old);
    old.pool.close();
  }

  #wakeIfNeeded(): void {
    if (this.#target !== null || this.isClosed || this.#isWaking) return;
    // Whoever may wake nobody (a crawler) waits along with those who may, and not in their stead: the program may have gone under it, or they have left.
    if (!this.#waiting.hasWaker) {
      this.#waiting.refuseAll(asleepFailure());
      return;
    }
    this.#isWaking = true;
    const generation = this.#generation;
    this.#deps.wake(this.siteId).then(
      (live) => {
        this.#isWaking = false;
        if (generation === this.#generation) this.#setTarget(live);
        this.#flush();
      },
      (error: unknown) => {
        this.#isWaking = false;
        if (generation !== this.#generation) return this.#flush();
        this.#waiting.refuseAll(error instanceof Failure ? error : new Failure("internal", { requestId: "wake" }, { cause: error }));
      },
    );
  }

  #flush(): void {
    while (!this.isClosed && this.#target !== null) {
      const next = this.#waiting.next();
      if (next === undefined) return;
      this.#admit(next, this.#target);
    }
    this.#wakeIfNeeded();
  }
}
