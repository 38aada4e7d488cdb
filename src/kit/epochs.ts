import type { GrantClaims } from "#contract/grant.ts";
import type { AccessRenewal, StaleAccess } from "#contract/internal/access.ts";

/** A site's or a person's epoch grew: what was opened under an earlier one has to be renewed or to close. */
export interface EpochBump {
  readonly sites: readonly (readonly [number, number])[];
  readonly users: readonly (readonly [number, number])[];
}

/** The part of a grant that epochs are about. */
export type Dated = Pick<GrantClaims, "site" | "siteEpoch" | "user" | "userEpoch"> & { readonly verbs?: readonly string[] | undefined };

/** What was opened hears of it in time to be closed two seconds after the change, even if nobody renews anything. */
const renewedWithinMs = 1_500;

/** Something that stays open by virtue of a grant. */
interface Watch {
  readonly site: number | undefined;
  claims: Dated;
  readonly controller: AbortController;
  timer: NodeJS.Timeout | undefined;
}

/**
 * The least epochs that this process accepts, and what was opened under a grant. A new grant of an earlier epoch is refused at once. What
 * is open has a moment to be renewed when its site's epoch grew, since that is mostly about somebody else; a person's grows when nothing
 * of theirs is to go on.
 */
export class EpochTable {
  readonly #sites = new Map<number, number>();
  readonly #users = new Map<number, number>();
  readonly #watches = new Set<Watch>();
  readonly #withinMs: number;

  constructor(options: { readonly renewedWithinMs?: number } = {}) {
    this.#withinMs = options.renewedWithinMs ?? renewedWithinMs;
  }

  /** Takes later epochs in; earlier ones change nothing, so that repeated and reordered pushes do no harm. */
  raise(bump: EpochBump): void {
    const changed = [raiseAll(this.#sites, bump.sites), raiseAll(this.#users, bump.users)].some(Boolean);
    if (changed) for (const watch of [...this.#watches]) this.#check(watch);
  }

  /** Whether a grant was signed before something changed for its site or person. */
  isStale(claims: Dated, siteId?: number): boolean {
    const id = claims.site === "*" ? siteId : claims.site;
    if (id !== undefined && claims.siteEpoch !== undefined && claims.siteEpoch < (this.#sites.get(id) ?? 0)) return true;
    return this.#isPersonStale(claims);
  }

  /**
   * A signal that is aborted when the grant has become stale and is not renewed in time; release it with the returned function. What it
   * stands on are all verbs of the grant.
   */
  watch(claims: Dated, siteId?: number): { readonly signal: AbortSignal; readonly release: () => void } {
    const site = claims.site === "*" ? siteId : claims.site;
    const watch: Watch = { site, claims, controller: new AbortController(), timer: undefined };
    this.#watches.add(watch);
    this.#check(watch);
    return { signal: watch.controller.signal, release: () => this.#release(watch) };
  }

  /** Whose access to which site waits for a renewal. */
  stale(): readonly StaleAccess[] {
    const found = new Map<string, StaleAccess>();
    for (const { site, claims, timer } of this.#watches) {
      if (timer !== undefined && site !== undefined && claims.user !== undefined) found.set(`${site} ${claims.user}`, { site, user: claims.user });
    }
    return [...found.values()];
  }

  /** What somebody may do now: what they have open goes on as far as it needs no more than that, and closes otherwise. */
  renew(renewal: AccessRenewal): void {
    const { site, user, siteEpoch, userEpoch, verbs } = renewal;
    for (const watch of [...this.#watches]) {
      if (watch.site !== site || watch.claims.user !== user || watch.timer === undefined) continue;
      const isEnough = userEpoch === watch.claims.userEpoch && (watch.claims.verbs ?? []).every((verb) => verbs.includes(verb));
      if (!isEnough) {
        this.#end(watch);
        continue;
      }
      watch.claims = { ...watch.claims, siteEpoch };
      if (this.isStale(watch.claims, site)) continue;
      clearTimeout(watch.timer);
      watch.timer = undefined;
    }
  }

  #check(watch: Watch): void {
    if (watch.timer !== undefined ? !this.#isPersonStale(watch.claims) : !this.isStale(watch.claims, watch.site)) return;
    if (this.#isPersonStale(watch.claims) || watch.claims.user === undefined) this.#end(watch);
    else watch.timer = setTimeout(() => this.#end(watch), this.#withinMs).unref();
  }

  #isPersonStale({ user, userEpoch }: Dated): boolean {
    return user !== undefined && userEpoch !== undefined && userEpoch < (this.#users.get(user) ?? 0);
  }

  #end(watch: Watch): void {
    this.#release(watch);
    watch.controller.abort(new Error("access was withdrawn"));
  }

  #release(watch: Watch): void {
    clearTimeout(watch.timer);
    this.#watches.delete(watch);
  }
}

function raiseAll(known: Map<number, number>, later: readonly (readonly [number, number])[]): boolean {
  let changed = false;
  for (const [id, epoch] of later) {
    if (epoch <= (known.get(id) ?? 0)) continue;
    known.set(id, epoch);
    changed = true;
  }
  return changed;
}
