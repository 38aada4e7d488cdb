import type { Log } from "#kit/log.ts";
import type { PlacementFence, ToldPlacement } from "./placement-fence.ts";

/** What watching needs. */
export interface PlacementWatchDeps {
  readonly fence: Pick<PlacementFence, "look">;
  /** Sites whose programs, tasks or terminals go on here, as they were placed. */
  readonly running: () => readonly ToldPlacement[];
  /** Ends everything of the site here, unless it has come back since it was placed so; its files stay. */
  readonly leave: (site: ToldPlacement) => Promise<void>;
  readonly log: Log;
  readonly everyMs: number;
}

/** Looks every second whether another orchestrator has taken over a site that runs here, and ends it then. */
export class PlacementWatch {
  readonly #deps: PlacementWatchDeps;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(deps: PlacementWatchDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), this.#deps.everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** One look at all of them, or the one that is under way. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= Promise.all(this.#deps.running().map((site) => this.#lookAt(site)))
      .then(() => undefined)
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #lookAt(site: ToldPlacement): Promise<void> {
    const { fence, leave, log } = this.#deps;
    try {
      if ((await fence.look(site)) !== "taken over") return;
      log.warn({ siteId: site.siteId }, "another orchestrator has taken over a site that runs here; it ends here");
      await leave(site);
    } catch (err) {
      log.error({ err, siteId: site.siteId }, "it cannot be seen whose a site is");
    }
  }
}
