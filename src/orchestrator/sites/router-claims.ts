import { claimHoldsSeconds } from "#contract/internal/site-rest.ts";
import type { SteadyClock } from "#kit/clock.ts";

interface Router {
  seenAt: number;
  /** Site → the instance, and when it was claimed. */
  readonly claims: Map<number, { readonly instance: string; readonly at: number }>;
}

/** Whatever a router is about to be given. */
export const anyInstance = "";
/** How long a list that was made before a wake-up was answered may still be on its way. */
const underWayMs = 5_000;
/** More than this have never been started within a minute. */
const mostRouters = 1_000;

/** Which routers send visitors where. One that was not heard of for a minute sends none. */
export class RouterClaims {
  readonly #clock: SteadyClock;
  readonly #routers = new Map<string, Router>();

  constructor(clock: SteadyClock) {
    this.#clock = clock;
  }

  /** A router was given this instance. */
  add(router: string, siteId: number, instance: string): void {
    this.#seen(router).claims.set(siteId, { instance, at: this.#clock.now() });
  }

  /** A router says all that it sends to. */
  replace(router: string, instances: readonly (readonly [siteId: number, instance: string])[]): void {
    const { claims } = this.#seen(router);
    const now = this.#clock.now();
    const listed = new Map(instances);
    for (const [siteId, claim] of claims) if (!listed.has(siteId) && now - claim.at > underWayMs) claims.delete(siteId);
    for (const [siteId, instance] of listed) claims.set(siteId, { instance, at: now });
  }

  /** A router sends nothing more there. */
  release(router: string, siteId: number): void {
    this.#seen(router).claims.delete(siteId);
  }

  /** Whether a router sends visitors to this instance, or to any of the site's. */
  isClaimed(siteId: number, instance: string | undefined): boolean {
    this.#forget();
    for (const { claims } of this.#routers.values()) {
      const claim = claims.get(siteId);
      if (claim !== undefined && (instance === undefined || claim.instance === anyInstance || claim.instance === instance)) return true;
    }
    return false;
  }

  #seen(router: string): Router {
    this.#forget();
    const known = this.#routers.get(router) ?? { seenAt: 0, claims: new Map() };
    known.seenAt = this.#clock.now();
    this.#routers.set(router, known);
    return known;
  }

  #forget(): void {
    const now = this.#clock.now();
    for (const [key, { seenAt }] of this.#routers) {
      if (now - seenAt > claimHoldsSeconds * 1000 || this.#routers.size > mostRouters) this.#routers.delete(key);
    }
  }
}
