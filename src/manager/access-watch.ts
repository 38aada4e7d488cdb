import type { SiteVerb } from "#contract/verb.ts";
import type { Actor } from "#core/accounts/user.ts";
import type { EpochStore } from "#core/routes/route-store.ts";
import type { ActorSite } from "#core/sites/site.ts";
import type { EpochBump, EpochTable } from "#kit/epochs.ts";
import type { Log } from "#kit/log.ts";
import type { AccessRenewals } from "./access-renewal.ts";

// Longer than any ordinary grant lives: whoever missed a push for longer holds no grant that still counts.
const lookBackMs = 10 * 60 * 1000;

/** Something may be opened under the earlier epoch just while it changes, or the first answer may be lost: it is looked again after this. */
const lookAgainMs = 400;
/** What somebody has open under an answer of the manager needs no more than what every member may. */
const readingVerbs: readonly SiteVerb[] = ["site.read", "site.logs", "site.files.read"];

/** What an `AccessWatch` works with. */
export interface AccessWatchDeps {
  readonly epochs: EpochStore;
  readonly table: EpochTable;
  readonly push: (bump: EpochBump) => Promise<void>;
  readonly renewals: AccessRenewals;
  readonly log: Log;
}

/** What something stays open for. */
export interface Standing {
  readonly actor: Actor;
  readonly site: ActorSite | null;
  readonly verbs: readonly SiteVerb[];
}

/**
 * Tells this process and the orchestrator when access to a site or a person's own changed. What people have open there is renewed when they
 * still may have it, and closes otherwise.
 */
export class AccessWatch {
  readonly #deps: AccessWatchDeps;
  readonly #listeners = new Set<(bump: EpochBump) => void>();
  #running: Promise<void> | undefined;
  #again = false;

  constructor(deps: AccessWatchDeps) {
    this.#deps = deps;
  }

  /** Takes in what a notification told, and passes it on at once. */
  apply(bump: EpochBump): void {
    const { table, log } = this.#deps;
    table.raise(bump);
    this.#tell(bump);
    // The orchestrator hears of it at the latest when its stream of events is opened again.
    this.#passOn(bump).catch((error: unknown) => log.warn({ err: error }, "a change of access could not be passed on"));
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
    return this.signalWhile({ actor, site, verbs: site === null ? [] : readingVerbs }, client);
  }

  /** The same for what needs these verbs in the site. */
  signalWhile({ actor, site, verbs }: Standing, client: AbortSignal): { readonly signal: AbortSignal; readonly release: () => void } {
    const claims = {
      verbs,
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
    const bump = await this.#deps.epochs.changedWithin(lookBackMs);
    this.#deps.table.raise(bump);
    this.#tell(bump);
    if (bump.sites.length + bump.users.length > 0) await this.#passOn(bump);
  }

  async #passOn(bump: EpochBump): Promise<void> {
    const { push, log } = this.#deps;
    if (bump.sites.length === 0) return push(bump);
    setTimeout(() => {
      Promise.all([this.#renewHere(), this.#renewThere()]).catch((error: unknown) => log.warn({ err: error }, "access could not be renewed"));
    }, lookAgainMs).unref();
    // Here at once, and not only when the orchestrator has answered.
    const there = async (): Promise<void> => {
      try {
        await push(bump);
      } finally {
        await this.#renewThere();
      }
    };
    await Promise.all([this.#renewHere(), there()]);
  }

  async #renewHere(): Promise<void> {
    const { table, renewals } = this.#deps;
    for (const renewal of await Promise.all(table.stale().map((access) => renewals.judge(access)))) table.renew(renewal);
  }

  async #renewThere(): Promise<void> {
    const { renewals, log } = this.#deps;
    // One that is away holds up none of the others; what it holds ends by itself.
    await Promise.all(
      renewals.hosts.map(async (host) => {
        try {
          const stale = await host.stale();
          if (stale.length > 0) await host.renew(await Promise.all(stale.map((access) => renewals.judge(access))));
        } catch (err) {
          log.warn({ err }, "access could not be renewed at an orchestrator");
        }
      }),
    );
  }
}
