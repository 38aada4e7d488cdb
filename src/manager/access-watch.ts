import type { Actor } from "#core/accounts/user.ts";
import type { EpochStore } from "#core/routes/route-store.ts";
import type { ActorSite } from "#core/sites/site.ts";
import type { EpochBump, EpochTable } from "#kit/epochs.ts";
import type { Log } from "#kit/log.ts";

// Longer than any ordinary grant lives: whoever missed a push for longer holds no grant that still counts.
const lookBackMs = 10 * 60 * 1000;

/** Tells this process and the orchestrator when someone's access ended, so that what they have open closes. */
export class AccessWatch {
  readonly #deps: { readonly epochs: EpochStore; readonly table: EpochTable; readonly push: (bump: EpochBump) => Promise<void>; readonly log: Log };
  readonly #listeners = new Set<(bump: EpochBump) => void>();
  #running: Promise<void> | undefined;
  #again = false;

  constructor(deps: { readonly epochs: EpochStore; readonly table: EpochTable; readonly push: (bump: EpochBump) => Promise<void>; readonly log: Log }) {
    this.#deps = deps;
  }

  /** Takes in what a notification told, and passes it on at once. */
  apply(bump: EpochBump): void {
    const { table, push, log } = this.#deps;
    table.raise(bump);
    this.#tell(bump);
    // The orchestrator hears of it at the latest when its stream of events is opened again.
    push(bump).catch((error: unknown) => log.warn({ err: error }, "a change of access could not be passed on"));
  }

  /** Reads what changed lately and passes it on. Called whenever notifications or pushes may have been lost. */
  refresh(): void {
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#running = this.#refresh()
      .catch((error: unknown) => this.#deps.log.warn({ err: error }, "changes of access could not be passed on"))
      .finally(() => {
        this.#running = undefined;
        if (!this.#again) return;
        this.#again = false;
        this.refresh();
      });
  }

  /** A signal for a long answer: aborted when the client goes away, or when this person's access to this site has changed. */
  signalFor(actor: Actor, site: ActorSite | null, client: AbortSignal): { readonly signal: AbortSignal; readonly release: () => void } {
    const claims = {
      site: site?.id ?? ("*" as const),
      ...(site === null ? {} : { siteEpoch: site.epoch }),
      user: actor.user.id,
      userEpoch: actor.user.epoch,
    };
    const { signal, release } = this.#deps.table.watch(claims);
    return { signal: AbortSignal.any([signal, client]), release };
  }

  /** Hears of every change of access from now on; ends with the returned function. */
  follow(listener: (bump: EpochBump) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(bump: EpochBump): void {
    if (bump.sites.length + bump.users.length > 0) for (const listener of [...this.#listeners]) listener(bump);
  }

  async #refresh(): Promise<void> {
    const bump = await this.#deps.epochs.changedSince(new Date(Date.now() - lookBackMs));
    this.#deps.table.raise(bump);
    this.#tell(bump);
    if (bump.sites.length + bump.users.length > 0) await this.#deps.push(bump);
  }
}
