import type { z } from "zod";
import type { siteEvent } from "#contract/api/sites.ts";
import { Failure } from "#contract/failure.ts";
import type { Actor } from "#core/accounts/user.ts";
import type { SiteAudience, SiteStore } from "#core/sites/site-store.ts";
import type { OrchestratorMirror, StatusChange } from "./orchestrator-mirror.ts";
import { statusOf } from "./views.ts";

/** What a follower is told. */
export type SiteNews = z.input<typeof siteEvent>;

/** What the feed works with. */
export interface SiteChangeFeedDeps {
  readonly sites: Pick<SiteStore, "audiencesOf">;
  readonly mirror: Pick<OrchestratorMirror, "follow">;
}

/** The most streams of one person: a dashboard's window needs one. */
export const mostStreams = 32;
/** Changes wait here for a slow client, or for the database; past this many the oldest are forgotten, since a newer state follows anyway. */
const maxWaiting = { client: 1_000, database: 10_000 } as const;
/** Changes that are looked up by one question. */
const atOnce = 500;

interface Follower {
  readonly actor: Actor;
  readonly waiting: SiteNews[];
  wake: () => void;
  fault: { readonly error: unknown } | undefined;
}

/** Changes of state of sites for all who follow them: whose eyes a change is for is asked once, however many follow. */
export class SiteChangeFeed {
  readonly #deps: SiteChangeFeedDeps;
  readonly #followers = new Set<Follower>();
  #waiting: StatusChange[] = [];
  #isLooking = false;
  #unfollow: () => void = () => undefined;

  constructor(deps: SiteChangeFeedDeps) {
    this.#deps = deps;
  }

  /**
   * What this person may see from now on, until the signal is aborted; `leave` gives their place back.
   * @throws {Failure} `stream_limit_reached`.
   */
  follow(actor: Actor, signal: AbortSignal): { readonly news: AsyncIterable<SiteNews>; readonly leave: () => void } {
    const theirs = [...this.#followers].filter((follower) => follower.actor.user.id === actor.user.id).length;
    if (theirs >= mostStreams) throw new Failure("stream_limit_reached", { count: theirs });
    const follower: Follower = { actor, waiting: [], wake: () => undefined, fault: undefined };
    if (this.#followers.size === 0) this.#unfollow = this.#deps.mirror.follow((change) => this.#take(change));
    this.#followers.add(follower);
    const leave = (): void => {
      this.#leave(follower);
      follower.wake();
    };
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    return { news: newsOf(follower, signal), leave };
  }

  #leave(follower: Follower): void {
    if (!this.#followers.delete(follower) || this.#followers.size > 0) return;
    this.#unfollow();
    this.#waiting = [];
  }

  #take(change: StatusChange): void {
    this.#waiting.push(change);
    if (this.#waiting.length > maxWaiting.database) this.#waiting.shift();
    if (!this.#isLooking) void this.#lookUp();
  }

  async #lookUp(): Promise<void> {
    this.#isLooking = true;
    try {
      while (this.#waiting.length > 0) {
        const changes = this.#waiting.splice(0, atOnce);
        const audiences = await this.#deps.sites.audiencesOf([...new Set(changes.map(({ siteId }) => siteId))]);
        for (const { siteId, status } of changes) {
          const audience = audiences.get(siteId);
          if (audience !== undefined) this.#tell(audience, { site: audience.site.name, status: statusOf(audience.site, status) });
        }
      }
    } catch (error) {
      // What they miss now they read when they come back.
      for (const follower of [...this.#followers]) {
        follower.fault = { error };
        follower.wake();
        this.#leave(follower);
      }
    } finally {
      this.#isLooking = false;
    }
  }

  #tell(audience: SiteAudience, news: SiteNews): void {
    for (const { actor, waiting, wake } of this.#followers) {
      // A change of someone else's site is not for these eyes.
      if (actor.user.role !== "administrator" && !audience.memberIds.has(actor.user.id)) continue;
      waiting.push(news);
      if (waiting.length > maxWaiting.client) waiting.shift();
      wake();
    }
  }
}

async function* newsOf(follower: Follower, signal: AbortSignal): AsyncGenerator<SiteNews> {
  while (!signal.aborted) {
    if (follower.fault !== undefined) throw follower.fault.error;
    const news = follower.waiting.shift();
    if (news !== undefined) {
      yield news;
      continue;
    }
    await new Promise<void>((resolve) => {
      follower.wake = resolve;
      if (signal.aborted || follower.waiting.length > 0 || follower.fault !== undefined) resolve();
    });
  }
}
