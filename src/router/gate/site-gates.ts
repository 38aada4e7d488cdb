import { Failure } from "#contract/failure.ts";
import type { SiteRoute } from "#contract/site-spec.ts";
import type { Log } from "#kit/log.ts";
import type { RouterMetrics } from "../metrics.ts";
import type { RouteTable } from "../routes/route-table.ts";
import { isIdle } from "./idle.ts";
import { type GateDeps, SiteGate } from "./site-gate.ts";

/** What the gates share. */
export interface SiteGatesOptions extends GateDeps {
  readonly table: RouteTable;
  readonly log: Log;
  readonly metrics: RouterMetrics;
  readonly sweepMs: number;
  /** How long what is in flight may go on when a site was removed or disabled. */
  readonly shutGraceMs: number;
}

/** Sites that are put to sleep at once: stopping many programs together would hold up those that wake. */
const mostGoingToSleep = 8;

/** A gate for every dynamic site that is awake or asked for, and the one clock that looks after all of them. */
export class SiteGates {
  readonly #options: SiteGatesOptions;
  readonly #gates = new Map<number, SiteGate>();
  /** Sites that may have been running when this router started: their idle time counts from the start. */
  readonly #unsure = new Set<number>();
  readonly #startedAt: number;
  readonly #timer: NodeJS.Timeout;
  #goingToSleep = 0;

  constructor(options: SiteGatesOptions) {
    this.#options = options;
    this.#startedAt = options.now();
    for (const route of options.table.all()) this.#noteUnsure(route);
    options.table.onChange((siteId, route) => this.#routeChanged(siteId, route));
    this.#timer = setInterval(() => this.sweep(), options.sweepMs);
  }

  /** The gate of a site. */
  of(siteId: number): SiteGate {
    const known = this.#gates.get(siteId);
    if (known !== undefined) return known;
    const gate = new SiteGate(siteId, this.#options);
    this.#gates.set(siteId, gate);
    return gate;
  }

  /** How many sites have a live address, and how many requests wait. */
  counts(): { readonly awake: number; readonly waiting: number; readonly inFlight: number } {
    let awake = 0;
    let waiting = 0;
    let inFlight = 0;
    for (const gate of this.#gates.values()) {
      if (gate.isAwake) awake += 1;
      waiting += gate.waitingCount;
      inFlight += gate.inFlight();
    }
    return { awake, waiting, inFlight };
  }

  /** Ends overdue waits and puts idle sites to sleep. */
  sweep(): void {
    const now = this.#options.now();
    for (const gate of this.#gates.values()) {
      gate.sweep(now);
      const route = this.#options.table.byId(gate.siteId);
      if (gate.isAtRest) this.#gates.delete(gate.siteId);
      // Told an address by the control plane without a route to it: the address would be kept for ever.
      else if (gate.isAwake && route === undefined) gate.shut(new Failure("site_not_found"), this.#options.shutGraceMs);
      else if (gate.isAwake && route !== undefined && this.#isIdle(gate, route, now)) this.#sleep(gate);
    }
    for (const siteId of this.#unsure) this.#sleepUnsure(siteId, now);
  }

  /** Stops the clock and ends every connection to sites. */
  stop(): void {
    clearInterval(this.#timer);
    for (const gate of this.#gates.values()) gate.shut(new Failure("not_ready"), 0);
  }

  #isIdle(gate: SiteGate, route: SiteRoute, now: number): boolean {
    return isIdle({ idleSeconds: route.idleSeconds, lastActiveAt: gate.lastActiveAt, inFlight: gate.inFlight(), isClosed: gate.isClosed, now });
  }

  #sleep(gate: SiteGate): void {
    if (this.#goingToSleep >= mostGoingToSleep) return;
    this.#goingToSleep += 1;
    const { log, metrics } = this.#options;
    gate
      .sleep()
      .then(() => {
        metrics.sleeps += 1;
        log.info({ siteId: gate.siteId }, "site went to sleep");
      })
      .catch((err: unknown) => log.warn({ err, siteId: gate.siteId }, "site could not be put to sleep"))
      .finally(() => {
        this.#goingToSleep -= 1;
      });
  }

  // What ran before this router started has no address here; if nobody asks for it, it sleeps like any other.
  #sleepUnsure(siteId: number, now: number): void {
    const route = this.#options.table.byId(siteId);
    const gate = this.#gates.get(siteId);
    if (route === undefined || route.idleSeconds === null || gate !== undefined) {
      this.#unsure.delete(siteId);
      return;
    }
    if (now - this.#startedAt < route.idleSeconds * 1000 || this.#goingToSleep >= mostGoingToSleep) return;
    this.#unsure.delete(siteId);
    this.#sleep(this.of(siteId));
  }

  #noteUnsure(route: SiteRoute): void {
    if (route.kind === "dynamic" && route.availability === "enabled" && route.idleSeconds !== null) this.#unsure.add(route.siteId);
  }

  #routeChanged(siteId: number, route: SiteRoute | undefined): void {
    const isServed = route?.availability === "enabled" && route.kind === "dynamic";
    const gate = this.#gates.get(siteId);
    if (isServed || gate === undefined) return;
    const code = route === undefined ? "site_not_found" : route.availability === "disabled" ? "site_closed" : "site_not_served";
    gate.shut(new Failure(code), this.#options.shutGraceMs);
  }
}
