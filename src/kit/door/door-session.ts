import type { Client } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import { type DoorPlace, type DoorView, renewDoor } from "#contract/internal/doors.ts";
import { steadyNow } from "#kit/clock.ts";

/** A grant is good for a minute; it is renewed well before. */
const grantUsableMs = 30_000;
/** For so long a session goes on while the manager does not answer: its grants end then, too. */
const awayToleratedMs = 60_000;
const ordinaryMs = 30_000;
/** Where nothing is announced (an API token that is deleted, a stream that is broken), the session asks so often. */
const watchfulMs = 1_000;
/** As many places as one renewal asks grants for; of those that were opened, the ones that were used last. */
const mostGrants = 64;

/** Someone who has signed in: what they may see, and the grants for it, as of the last renewal. */
export class DoorSession {
  readonly #manager: Client;
  readonly #ended = new AbortController();
  /** Places that were opened, with their grants. */
  readonly #grants = new Map<number, { readonly token: string; readonly until: number }>();
  #view: DoorView;
  #renewedAt = steadyNow();
  #renewal: Promise<void> | undefined;
  #renewAgain = false;

  constructor(manager: Client, view: DoorView) {
    this.#manager = manager;
    this.#view = view;
  }

  get view(): DoorView {
    return this.#view;
  }

  /** Aborted when the person lost what the session stands on. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Where the orchestrator of a place is; `fallback` where there is only one. */
  orchestratorOf(siteId: number, fallback: string): string {
    return this.#view.places.find((place) => place.siteId === siteId)?.orchestrator ?? fallback;
  }

  /** Whether a change of these sites or people concerns it. */
  concerns(change: { readonly sites: readonly number[]; readonly users: readonly number[] }): boolean {
    const { user, places } = this.#view;
    return (user !== null && change.users.includes(user.id)) || places.some(({ siteId }) => change.sites.includes(siteId));
  }

  /** Whether it is time to ask again by the steady clock, although nothing was announced. */
  isDue(now: number, isFollowing: boolean): boolean {
    return now - this.#renewedAt >= (isFollowing && !this.#view.usesToken ? ordinaryMs : watchfulMs);
  }

  /** A token for the orchestrator, for one of the places. @throws {Failure} `grant_refused` for a place that the session does not have. */
  async grant(siteId: number, options: { readonly isFresh?: boolean } = {}): Promise<string> {
    const known = this.#grants.get(siteId);
    this.#grants.delete(siteId);
    if (known !== undefined && options.isFresh !== true && known.until > steadyNow()) {
      this.#grants.set(siteId, known);
      return known.token;
    }
    this.#grants.set(siteId, { token: "", until: 0 });
    const [oldest] = this.#grants.keys();
    if (this.#grants.size > mostGrants && oldest !== undefined) this.#grants.delete(oldest);
    await this.renew();
    const granted = this.#grants.get(siteId);
    if (granted !== undefined && granted.token !== "") return granted.token;
    if (this.signal.aborted) throw new Failure("not_signed_in");
    if (this.#view.places.some((place) => place.siteId === siteId)) throw new Failure("component_away", { component: "manager" });
    throw new Failure("grant_refused");
  }

  /** Asks the manager, unless it was asked a moment ago: a site that somebody was just given is to be seen. */
  async refresh(): Promise<void> {
    if (steadyNow() - this.#renewedAt >= watchfulMs) await this.renew();
  }

  /** Asks the manager now. Never rejects: what is lost ends the session. */
  async renew(): Promise<void> {
    // One that is under way may have been judged before the change that this is about.
    this.#renewAgain = true;
    this.#renewal ??= this.#renewAll().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #renewAll(): Promise<void> {
    while (this.#renewAgain && !this.signal.aborted) {
      this.#renewAgain = false;
      await this.#renewOnce();
    }
  }

  async #renewOnce(): Promise<void> {
    const before = this.#view.places;
    const grantsFor = [...this.#grants.keys()];
    try {
      const view = await this.#manager.call(renewDoor, { body: { session: this.#view.session, grantsFor }, signal: AbortSignal.timeout(5_000) });
      this.#view = view;
      this.#renewedAt = steadyNow();
      const until = steadyNow() + grantUsableMs;
      for (const [siteId, token] of view.grants) if (this.#grants.has(siteId)) this.#grants.set(siteId, { token, until });
      if (grantsFor.some((siteId) => hasLost(siteId, before, view.places))) this.#ended.abort(new Failure("grant_refused"));
    } catch (error) {
      const isRefused = error instanceof Failure && error.code !== "component_away" && error.status < 500;
      if (isRefused || steadyNow() - this.#renewedAt > awayToleratedMs) this.#ended.abort(error);
    }
  }
}

// A place that was opened is gone, or less may be done in it now.
function hasLost(siteId: number, before: readonly DoorPlace[], now: readonly DoorPlace[]): boolean {
  const old = before.find((place) => place.siteId === siteId);
  const place = now.find((candidate) => candidate.siteId === siteId);
  return old !== undefined && (place === undefined || (old.canWrite && !place.canWrite) || (old.canShell === true && place.canShell !== true));
}
