import type { GrantClaims } from "#contract/grant.ts";

/** A site's or a person's epoch grew: what was opened under an earlier one has to close. */
export interface EpochBump {
  readonly sites: readonly (readonly [number, number])[];
  readonly users: readonly (readonly [number, number])[];
}

/** The part of a grant that epochs are about. */
export type Dated = Pick<GrantClaims, "site" | "siteEpoch" | "user" | "userEpoch">;

/** The least epochs that this process accepts, and who wants to hear when they grow. */
export class EpochTable {
  readonly #sites = new Map<number, number>();
  readonly #users = new Map<number, number>();
  readonly #listeners = new Set<() => void>();

  /** Takes later epochs in; earlier ones change nothing, so that repeated and reordered pushes do no harm. */
  raise(bump: EpochBump): void {
    const changed = [raiseAll(this.#sites, bump.sites), raiseAll(this.#users, bump.users)].some(Boolean);
    if (changed) for (const listener of [...this.#listeners]) listener();
  }

  /** Whether a grant was signed before something changed for its site or person. */
  isStale(claims: Dated, siteId?: number): boolean {
    const id = claims.site === "*" ? siteId : claims.site;
    if (id !== undefined && claims.siteEpoch !== undefined && claims.siteEpoch < (this.#sites.get(id) ?? 0)) return true;
    return claims.user !== undefined && claims.userEpoch !== undefined && claims.userEpoch < (this.#users.get(claims.user) ?? 0);
  }

  /** A signal that is aborted as soon as the grant has become stale; release it with the returned function. */
  watch(claims: Dated, siteId?: number): { readonly signal: AbortSignal; readonly release: () => void } {
    const controller = new AbortController();
    const check = (): void => {
      if (this.isStale(claims, siteId)) controller.abort(new Error("access was withdrawn"));
    };
    this.#listeners.add(check);
    check();
    return { signal: controller.signal, release: () => this.#listeners.delete(check) };
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
