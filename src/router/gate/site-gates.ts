import { Failure } from "#contract/failure.ts";
import type { SiteAddress, SiteRoute } from "#contract/site-spec.ts";
import type { Log } from "#kit/log.ts";
import type { RouterMetrics } from "../metrics.ts";
import type { RouteTable } from "../routes/route-table.ts";
import type { GateDeps } from "./gate-deps.ts";
import { restOf } from "./idle.ts";
import { SiteGate } from "./site-gate.ts";
import type { LiveInstance, Target } from "./target.ts";

/** What the gates share. */
export interface SiteGatesOptions extends Omit<GateDeps, "arrived"> {
  readonly table: RouteTable;
  readonly log: Log;
  /** Whether an address is the platform's own, or nobody's: no visitor is sent there, whoever says so. */
  readonly isForbidden: (address: SiteAddress) => boolean;
  readonly metrics: RouterMetrics;
  readonly sweepMs: number;
  /** A program that nobody visits is frozen after this; 0: never. */
  readonly freezeMs: number;
  readonly claimMs: number;
  /** Says where this router sends visitors; gives what it cannot send to any more. */
  readonly claim: (instances: readonly (readonly [siteId: number, instance: string])[]) => Promise<readonly (readonly [siteId: number, instance: string])[]>;
  /** How long what is in flight may go on when a site was removed or disabled. */
  readonly shutGraceMs: number;
}

/** Sites that are put to sleep at once: stopping many programs together would hold up those that wake. */
const mostGoingToSleep = 8;

/** A gate for every dynamic site that is awake or asked for, and the one clock that looks after all of them. */
export class SiteGates {
  readonly #options: SiteGatesOptions;
  readonly #deps: GateDeps;
  readonly #gates = new Map<number, SiteGate>();
  /** Sites that may run without this router knowing: since it started, or since it lost sight of them. Their idle time counts from then. */
  readonly #unsure = new Map<number, number>();
  readonly #startedAt: number;
  readonly #timer: NodeJS.Timeout;
  #goingToSleep = 0;
  #claimedAt = 0;
  #hasClaims = false;

  constructor(options: SiteGatesOptions) {
    this.#options = options;
    const wake = async (siteId: number): Promise<LiveInstance> => this.permitted(siteId, await options.wake(siteId));
    this.#deps = { ...options, wake, arrived: (siteId, target) => this.#arrived(siteId, target) };
    this.#startedAt = options.now();
    for (const route of options.table.all()) this.#noteUnsure(route);
    options.table.onChange((siteId, route) => this.#routeChanged(siteId, route));
    this.#timer = setInterval(() => this.sweep(), options.sweepMs);
  }

  /** The gate of a site. */
  of(siteId: number): SiteGate {
    const known = this.#gates.get(siteId);
    if (known !== undefined) return known;
    const gate = new SiteGate(siteId, this.#deps);
    this.#gates.set(siteId, gate);
    return gate;
  }

  /** An instance to which visitors may be sent. @throws {Failure} for a place that cannot be a site's. */
  permitted<T extends LiveInstance | null>(siteId: number, live: T): T {
    if (live === null || !this.#options.isForbidden(live.address)) return live;
    this.#options.log.error({ siteId, address: live.address }, "site is said to be where the platform is");
    throw new Failure("site_unreachable", { reason: "it is said to be at an address that no site has" });
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

  /** Somebody went straight to a site's program; whether that was a visit is asked only when it tells anything new. */
  visited(siteId: number, isVisit: () => boolean): void {
    this.#gates.get(siteId)?.noteVisit(isVisit);
  }

  /** Ends overdue waits and puts idle sites to sleep. */
  sweep(): void {
    const now = this.#options.now();
    let isClaimDue = now - this.#claimedAt >= this.#options.claimMs;
    for (const gate of this.#gates.values()) {
      gate.sweep(now);
      const route = this.#options.table.byId(gate.siteId);
      if (gate.isAtRest) this.#gates.delete(gate.siteId);
      // Told an address by the control plane without a route to it: the address would be kept for ever.
      else if (gate.isAwake && route === undefined) gate.shut(new Failure("site_not_found"), this.#options.shutGraceMs);
      else if (gate.isAwake && route !== undefined) this.#letRest(gate, route, now);
      isClaimDue ||= gate.isClaimDue;
    }
    for (const [siteId, since] of this.#unsure) this.#sleepUnsure(siteId, { since, now });
    if (isClaimDue) this.#claim(now);
  }

  /** Stops the clock and ends every connection to sites. */
  stop(): void {
    clearInterval(this.#timer);
    for (const gate of this.#gates.values()) gate.shut(new Failure("not_ready"), 0);
  }

  // No two sites are at one place. What was told last is right: an orchestrator that was killed gives addresses out anew.
  #arrived(siteId: number, target: Target): void {
    for (const gate of this.#gates.values()) {
      const other = gate.target;
      if (gate.siteId === siteId || other === null || !other.meets(target)) continue;
      this.#options.log.info({ siteId: gate.siteId, newSiteId: siteId }, "address belongs to another site now");
      gate.lose(other);
    }
  }

  #letRest(gate: SiteGate, route: SiteRoute, now: number): void {
    const { idleSeconds } = route;
    // Visitors of a site that is always awake may come past this router unseen (Traefik, by its labels): once it may rest, its time counts from then.
    if (idleSeconds === null) gate.lastActiveAt = now;
    const rest = restOf({
      idleSeconds,
      freezeMs: gate.mayFreeze ? this.#options.freezeMs : 0,
      lastActiveAt: gate.lastActiveAt,
      inFlight: gate.inFlight(),
      isClosed: gate.isClosed,
      now,
    });
    if (rest.kind === "sleep") this.#sleep(gate);
    else if (rest.kind === "freeze") this.#freeze(gate, rest.sleepAfterSeconds);
  }

  #freeze(gate: SiteGate, sleepAfterSeconds: number): void {
    if (this.#goingToSleep >= mostGoingToSleep) return;
    this.#goingToSleep += 1;
    const { log, metrics } = this.#options;
    gate
      .freeze(sleepAfterSeconds)
      .then((outcome) => {
        if (outcome === "rests") metrics.freezes += 1;
        log.debug({ siteId: gate.siteId, outcome }, "site may stand still");
      })
      .catch((err: unknown) => {
        log.warn({ err, siteId: gate.siteId }, "site could not be frozen");
        this.#unsure.set(gate.siteId, this.#options.now());
      })
      .finally(() => {
        this.#goingToSleep -= 1;
      });
  }

  // Where nothing is claimed, and nothing was the last time, nobody has to hear of it.
  #claim(now: number): void {
    this.#claimedAt = now;
    const claims: (readonly [number, string])[] = [];
    for (const gate of this.#gates.values()) {
      const { claimed } = gate;
      gate.isClaimDue = false;
      if (claimed !== null) claims.push([gate.siteId, claimed]);
    }
    if (claims.length === 0 && !this.#hasClaims) return;
    this.#hasClaims = claims.length > 0;
    this.#options
      .claim(claims)
      .then((lost) => {
        for (const [siteId, instance] of lost) {
          const gate = this.#gates.get(siteId);
          const target = gate?.target ?? null;
          if (gate !== undefined && target?.instance === instance && gate.isAwake) gate.lose(target);
        }
      })
      .catch((err: unknown) => this.#options.log.warn({ err }, "where visitors are sent could not be told"));
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
  #sleepUnsure(siteId: number, { since, now }: { readonly since: number; readonly now: number }): void {
    const route = this.#options.table.byId(siteId);
    const gate = this.#gates.get(siteId);
    if (route === undefined || route.idleSeconds === null || gate !== undefined) {
      this.#unsure.delete(siteId);
      return;
    }
    if (now - since < route.idleSeconds * 1000 || this.#goingToSleep >= mostGoingToSleep) return;
    this.#unsure.delete(siteId);
    this.#sleep(this.of(siteId));
  }

  #noteUnsure(route: SiteRoute): void {
    if (route.kind === "dynamic" && route.availability === "enabled" && route.idleSeconds !== null) this.#unsure.set(route.siteId, this.#startedAt);
  }

  #routeChanged(siteId: number, route: SiteRoute | undefined): void {
    const isServed = route?.availability === "enabled" && route.kind === "dynamic";
    const gate = this.#gates.get(siteId);
    if (isServed || gate === undefined) return;
    const code = route === undefined ? "site_not_found" : route.availability === "disabled" ? "site_closed" : "site_not_served";
    gate.shut(new Failure(code), this.#options.shutGraceMs);
  }
}
